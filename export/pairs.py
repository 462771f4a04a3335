"""Real pairs to calibrate and to compare exports with.

Crops of the stereo pair `motorcycle` that scikit-image installs: LR is made
from the left photograph, REF is the right one, displaced by 7 to 60 pixels.
Crops from the upper half calibrate; those from the lower half, which no
calibration has seen, compare. What is larger than a half is filled up with
its mirror image.
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
    """
    left, right, _ = stereo.motorcycle()
    tall, wide = height * scale, width * scale
    left, right = (_half(x, held_out, tall, wide) for x in (left, right))
    rows = np.linspace(0, left.shape[0] - tall, count).astype(int)
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


def _half(
    image: np.ndarray, held_out: bool, height: int, width: int
) -> np.ndarray:
    """The half to cut from, mirrored on if a crop is larger."""
    middle = image.shape[0] // 2
    half = image[middle : 2 * middle] if held_out else image[:middle]
    more = [max(0, n - m) for n, m in zip((height, width), half.shape)]
    return np.pad(half, [[0, more[0]], [0, more[1]], [0, 0]], "symmetric")
