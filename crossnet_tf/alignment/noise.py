"""Noise in REF, which would pass for detail that LR lacks.

Its strength is read from the finest coefficients of cosine transforms, in the
blocks where they are smallest: hardly anything but noise is left there. Fine
texture all over REF, foliage or grass, is left there, too; but noise is halved
by the mean of two by two pixels, while texture grows. Texture as fine as noise
is told from it by LR, which shows it, too. `denoising` takes noise out.

References:
    Pyatykh et al., "Image noise level estimation by principal component
    analysis", TIP 2013 (blocks without texture);
    Immerkaer, "Fast noise variance estimation", CVIU 1996.
"""

import cv2
import numpy as np

from crossnet_tf.alignment import sampling
from crossnet_tf.alignment.cosines import COSINES, FREQUENCIES, whole_blocks

# Coefficients whose two frequencies add up to at least this are the finest.
_FINEST = 10
# Share of blocks that is asked, and the mean that noise has in those with
# least of it (chi-square of 45 degrees of freedom), over its true power.
_QUIETEST, _QUIET_POWER = 0.1, 0.665
_FEWEST = 20
# Blocks, evenly spread, that are enough to find the quietest ones.
_ENOUGH = 700
# Levels of 255 from which REF is denoised; clean pictures read 1.5 at most.
LEAST = 2.5
# Level of texture in means of two by two pixels over that in pixels, squared:
# 1.4^2 or more in grass, gravel and foliage; 0.5^2 is that of noise.
_TEXTURE, _WHITE = 2.0, 0.25
# LR pixels over which what REF shows is fine, and places are.
_FINE, _PLACE = 5, 9
# Residual of REF at LR's size, over what its noise would leave there at the
# best fifth of places: 0.6 to 1.2 for noise, 0.01 where LR shows the same.
_BEST, _LEFT = 0.2, 0.4


def noise_level(picture: np.ndarray) -> float:
    """Standard deviation of the noise, in levels of 255.

    Args:
        picture: `[H, W, 3]` float32 in [0, 1].

    Returns:
        0 where the picture is small, or black or white all over.
    """
    rows, columns = (n // 2 for n in picture.shape[:2])
    halves = cv2.resize(
        picture[: 2 * rows, : 2 * columns],
        (columns, rows),
        interpolation=cv2.INTER_AREA,
    )
    whole, half = (_quietest(p) for p in (picture, halves))
    power = (_TEXTURE * whole - half) / (_TEXTURE - _WHITE)
    return float(255.0 * np.sqrt(max(power, 0.0)))


def _quietest(picture: np.ndarray) -> float:
    """Power of noise, if nothing else were in the quietest blocks."""
    blocks = whole_blocks(picture, _ENOUGH)
    if len(blocks) < _FEWEST:
        return 0.0
    found = blocks @ COSINES[FREQUENCIES >= _FINEST].T
    powers = np.sort((found**2).mean((1, 2)))
    count = max(round(_QUIETEST * len(powers)), 1)
    return float(powers[:count].mean() / _QUIET_POWER)


def shows_in(lr: np.ndarray, seen: np.ndarray, level: float) -> bool:
    """Whether LR shows what would be noise of `level` at LR's size.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        seen: `[h, w, 3]` float32: REF shrunk, moved onto LR.
        level: what REF's noise would leave in `seen`, in levels of 255.
    """
    ours, theirs = (
        grey - cv2.blur(grey, (_FINE, _FINE))
        for grey in (sampling.grey(lr), sampling.grey(seen))
    )

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (_PLACE, _PLACE))

    explained = mean(ours * theirs) ** 2 / (mean(ours**2) + 1e-9)
    left = np.quantile(mean(theirs**2) - explained, _BEST)
    return bool(255.0 * np.sqrt(max(left, 0.0)) < _LEFT * level)
