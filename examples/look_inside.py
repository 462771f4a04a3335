"""What the network found: where REF's detail belongs, and what it changed.

    python examples/look_inside.py

Draws REF, REF warped to LR, the flow in colours (hue: direction, strength:
length) and the result into one picture.
"""

import pathlib

import numpy as np

from crossnet_tf import images
from crossnet_tf.drawing.colors import flow_to_rgb
from crossnet_tf.drawing.strips import side_by_side
from crossnet_tf.ops import resizing
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.pairs.motorcycle import motorcycle
from crossnet_tf.storage import runs

FOLDER = pathlib.Path("runs/examples")
DETAIL = np.s_[152:344, 212:404]  # 192 x 192 pixels around the tank


def main() -> None:
    """Runs the network once and draws what it returns."""
    model, config = runs.load_model("crossnet-lite-x4")
    left, right, _ = motorcycle()
    hr, ref = (np.float32(picture[DETAIL]) / 255 for picture in (left, right))
    lr = resizing.make_lr(hr, config.model.scale).numpy()

    outputs = model({"lr": lr[None], "ref": ref[None]}, training=False)
    flow = outputs["flows"][0]  # level 0: full size, (dx, dy) in pixels
    warped = backward_warp(ref[None], flow)[0].numpy()
    sr, lr_up = outputs["sr"][0].numpy(), outputs["lr_up"][0].numpy()
    print(f"Median displacement: {np.median(np.abs(flow)):.1f} pixels.")
    print(f"REF changed a pixel by {np.abs(sr - lr_up).mean():.3f} on average.")

    strip = side_by_side(
        [lr, ref, warped, flow_to_rgb(flow[0].numpy()), lr_up, sr, hr],
        ["LR", "REF", "warped", "flow", "LR alone", "SR", "truth"],
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    images.write_image(FOLDER / "inside.png", strip)
    print(f"Look at {FOLDER / 'inside.png'}.")


if __name__ == "__main__":
    main()
