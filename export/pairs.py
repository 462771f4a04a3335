"""Real pairs to calibrate and to compare exports with.

Crops of the stereo pair `motorcycle` that scikit-image installs: LR is made
from the left photograph, REF is the right one, displaced by 7 to 60 pixels.
Crops from the upper half calibrate; those from the lower half, which no
calibration has seen, compare.
"""

import dataclasses

import numpy as np

from crossnet_tf import images, stereo


@dataclasses.dataclass(frozen=True)
class RealPair:
    """One crop; float32 in [0, 1], batch axis included.

    Attributes:
        lr: `[1, h, w, 3]`.
        ref: `[1, s*h, s*w, 3]`.
        hr: `[1, s*h, s*w, 3]`, the ground truth.
    """

    lr: np.ndarray
    ref: np.ndarray
    hr: np.ndarray

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """What the network takes."""
        return {"lr": self.lr, "ref": self.ref}


def real_pairs(
    height: int, width: int, scale: int, count: int, held_out: bool
) -> list[RealPair]:
    """Crops spread over one half of the photographs.

    Args:
        height: of LR.
        width: of LR.
        scale: HR size / LR size.
        count: how many.
        held_out: from the lower half instead of the upper one.

    Raises:
        ValueError: the crop is larger than half of the photographs.
    """
    left, right, _ = stereo.motorcycle()
    half = left.shape[0] // 2
    tall, wide = height * scale, width * scale
    if tall > half or wide > left.shape[1]:
        raise ValueError(
            f"The comparison's crops must fit {left.shape[1]} x {half} HR "
            f"pixels. Received: height={height}, width={width} (of LR)."
        )
    top = half if held_out else 0
    rows = np.linspace(top, top + half - tall, count).astype(int)
    columns = np.linspace(0, left.shape[1] - wide, count).astype(int)
    pairs = []
    for row, column in zip(rows, columns):
        hr, ref = (
            np.float32(image[row : row + tall, column : column + wide]) / 255
            for image in (left, right)
        )
        lr = np.asarray(images.make_lr(hr, scale), np.float32)
        pairs.append(RealPair(lr[None], ref[None], hr[None]))
    return pairs
