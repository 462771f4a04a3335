"""A whole pair: what is measured on, one at a time.

Training pairs are dicts of tensors instead (`geometry`), since they go
through `tf.data`.
"""

import dataclasses

import numpy as np

from crossnet_tf.ops.resizing import make_lr


@dataclasses.dataclass(frozen=True)
class Pair:
    """A whole test pair; images are float32 in [0, 1].

    Attributes:
        name: of the scene or file.
        view: which view LR shows, such as "(7,7)"; "" if there are no views.
        lr: `[h, w, 3]`.
        ref: `[scale * h, scale * w, 3]`.
        hr: `[scale * h, scale * w, 3]`; None: the ground truth is unknown.
        flow: `[scale * h, scale * w, 3]` from HR to REF: dx, dy in pixels and
            a weight 0 or 1; None: unknown.
    """

    name: str
    view: str
    lr: np.ndarray
    ref: np.ndarray
    hr: np.ndarray | None
    flow: np.ndarray | None = None


def pair_of_hr(
    name: str,
    view: str,
    hr: np.ndarray,
    ref: np.ndarray,
    scale: int,
    flow: np.ndarray | None = None,
) -> Pair:
    """A pair whose LR is made from HR.

    HR, flow, and REF if it is as large, lose their last rows and columns
    where there are more than a multiple of `scale`.

    Args:
        name: of the scene or file.
        view: which view LR shows.
        hr: `[H, W, 3]` float32 in [0, 1].
        ref: `[H', W', 3]`, likewise.
        scale: HR size / LR size.
        flow: `[H, W, 3]` from HR to REF, if known.

    Raises:
        ValueError: HR is smaller than `scale`.
    """
    height, width = (size // scale * scale for size in hr.shape[:2])
    if ref.shape == hr.shape:
        ref = ref[:height, :width]
    hr = hr[:height, :width]
    if flow is not None:
        flow = flow[:height, :width]
    lr = np.asarray(make_lr(hr, scale))
    return Pair(name, view, lr, ref, hr, flow)
