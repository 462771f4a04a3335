"""What a network found in a pair, as pictures in the files' own values."""

import numpy as np

from crossnet_tf.drawing.colors import flow_to_rgb
from crossnet_tf.ops.resizing import upscale_cubic
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.upscaling import blending, page
from crossnet_tf.upscaling.inputs import Inputs


def drawn(
    inputs: Inputs, outputs: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Pictures to look at, `[H, W, 3]` float32 each, by name.

    Args:
        inputs: of the network.
        outputs: its "lr_up" and "flow_0".
    """
    return {
        "lr_up": inputs.finished(outputs["lr_up"]),
        "warped_ref": _warped(inputs, outputs["flow_0"]),
        "flow": flow_to_rgb(outputs["flow_0"]),
    }


def look_of(
    lr: np.ndarray,
    inputs: Inputs,
    outputs: dict[str, np.ndarray],
    scale: int,
    hr: np.ndarray | None,
) -> page.Look:
    """What a page shows.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1], before any matching.
        inputs: of the network.
        outputs: its "sr", "lr_up" and "flow_0".
        scale: HR size / LR size.
        hr: `[H, W, 3]`, the truth; None: unknown.
    """
    flow = outputs["flow_0"]
    return page.Look(
        bicubic=upscale_cubic(lr, scale).numpy(),
        lr_up=inputs.finished(outputs["lr_up"]),
        sr=inputs.result(outputs["sr"]),
        warped_ref=_warped(inputs, flow),
        flow=flow,
        trust=blending.explained(inputs.lr, inputs.ref, flow, scale),
        hr=hr,
        curve=inputs.curve,
    )


def _warped(inputs: Inputs, flow: np.ndarray) -> np.ndarray:
    return inputs.finished(
        backward_warp(inputs.ref[None], flow[None])[0].numpy()
    )
