"""Two picture files in, one out: what `crossnet_tf.upscale` does, in Python.

    python examples/upscale_pictures.py

Takes a detail of scikit-image's stereo pair as LR and REF, and compares the
result with the photograph that LR was made from.
"""

import pathlib

import numpy as np

from crossnet_tf import images
from crossnet_tf.metrics import psnr
from crossnet_tf.ops import resizing
from crossnet_tf.pairs.motorcycle import motorcycle
from crossnet_tf.upscaling.files import upscale
from crossnet_tf.upscaling.options import Options

WEIGHTS, SCALE = "crossnet-lite-x4", 4
FOLDER = pathlib.Path("runs/examples")
DETAIL = np.s_[120:376, 180:436]  # 256 x 256 pixels around the tank


def write_pair(folder: pathlib.Path) -> np.ndarray:
    """Writes `lr.png` and `ref.png`; returns what LR was made from."""
    left, right, _ = motorcycle()
    hr, ref = (np.float32(picture[DETAIL]) / 255 for picture in (left, right))
    images.write_image(folder / "lr.png", resizing.make_lr(hr, SCALE).numpy())
    images.write_image(folder / "ref.png", ref)
    return hr


def main() -> None:
    """Writes a pair, upscales it, and says what REF was worth."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    hr = write_pair(FOLDER)
    lr, ref, output = (FOLDER / f"{name}.png" for name in ("lr", "ref", "sr"))
    print(upscale(WEIGHTS, lr, ref, output, Options()))
    sr = images.read_image(output)
    cubic = resizing.upscale_cubic(images.read_image(lr), SCALE).numpy()
    gain = psnr(sr, hr) - psnr(np.clip(cubic, 0, 1), hr)
    print(f"{gain:+.2f} dB over bicubic. Look at {output}.")


if __name__ == "__main__":
    main()
