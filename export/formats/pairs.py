"""Real pairs to calibrate and to compare exports with.

Crops of the stereo pair `motorcycle` that scikit-image installs: LR is made
from the left photograph, REF is the right one, displaced by 7 to 60 pixels.
Crops from the upper half calibrate, in three exposures, together with other
photographs that scikit-image installs; those from the lower half, which no
calibration has seen, compare. What is larger than a half is filled up with
its mirror image.
"""

import dataclasses

import numpy as np
import skimage.data

from crossnet_tf.ops.resizing import make_lr
from crossnet_tf.pairs import motorcycle

# Exponents of the light: as it is, darker, brighter.
_EXPOSURES = (1.0, 1.8, 0.5)
_PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
_DISPLACEMENT = 3


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
    left, right, _ = motorcycle.motorcycle()
    tall, wide = height * scale, width * scale
    left, right = (_half(x, held_out, tall, wide) for x in (left, right))
    rows = np.linspace(0, left.shape[0] - tall, count).astype(int)
    columns = np.linspace(0, left.shape[1] - wide, count).astype(int)
    pairs = []
    for row, column in zip(rows, columns):
        inside = np.s_[row : row + tall, column : column + wide]
        pairs.append(_from_hr(left[inside], right[inside], scale))
    return pairs


def calibration_pairs(
    height: int, width: int, scale: int, count: int
) -> list[RealPair]:
    """Crops of the upper half and other photographs: light of all kinds.

    What an 8-bit activation can be is fixed by the largest one that these
    pairs cause.

    Args:
        height: of LR.
        width: of LR.
        scale: HR size / LR size.
        count: how many places of the stereo pair, each in three exposures.
    """
    pairs = []
    for pair in real_pairs(height, width, scale, count, held_out=False):
        for exponent in _EXPOSURES:
            pairs.append(
                RealPair(*(image**exponent for image in vars(pair).values()))
            )
    tall, wide = height * scale, width * scale
    for name in _PHOTOGRAPHS:
        photograph = getattr(skimage.data, name)()
        image = _filled(photograph, tall, wide + _DISPLACEMENT)[:tall]
        hr = image[:, :wide]
        ref = image[:, _DISPLACEMENT : wide + _DISPLACEMENT]
        pairs.append(_from_hr(hr, ref, scale))
    return pairs


def _from_hr(hr: np.ndarray, ref: np.ndarray, scale: int) -> RealPair:
    hr = np.asarray(hr, np.float32) / 255
    ref = np.asarray(ref, np.float32) / 255
    lr = np.asarray(make_lr(hr, scale), np.float32)
    return RealPair(lr[None], ref[None], hr[None])


def _half(
    image: np.ndarray, held_out: bool, height: int, width: int
) -> np.ndarray:
    """The half to cut from, mirrored on if a crop is larger."""
    middle = image.shape[0] // 2
    half = image[middle : 2 * middle] if held_out else image[:middle]
    return _filled(half, height, width)


def _filled(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """At least as large, by mirroring."""
    more = [max(0, n - m) for n, m in zip((height, width), image.shape)]
    return np.pad(image, [[0, more[0]], [0, more[1]], [0, 0]], "symmetric")
