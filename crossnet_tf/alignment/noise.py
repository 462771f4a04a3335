"""Noise in REF, which would pass for detail that LR lacks.

Its strength is read from the smoothest places of REF, where hardly anything
but noise is left. Fine texture all over REF, foliage or grass, is left there,
too; but noise is halved by the mean of two by two pixels, while texture grows.
Texture as fine as noise is told from it by LR, which shows it, too. Non-local
means take noise out, since they keep what repeats.

References:
    Immerkaer, "Fast noise variance estimation", CVIU 1996;
    Buades et al., "A non-local algorithm for image denoising", CVPR 2005.
"""

import cv2
import numpy as np

from crossnet_tf.alignment import sampling

_LAPLACIANS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_SMOOTHEST = 0.05
_BLOCK = 16
# Levels of 255 from which REF is denoised.
LEAST = 3.0
# Strong noise is read too low, and harms more than lost texture.
_WEAKEST, _STRONGEST = 0.8, 1.35
_WINDOW, _SEARCH = 5, 15
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
    """
    rows, columns = (n // 2 * 2 for n in picture.shape[:2])
    if min(rows, columns) < 2 * _BLOCK:
        return 0.0
    halves = picture[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2, -1)
    whole, half = (
        _smoothest(p) for p in (picture, halves.mean((1, 3), np.float32))
    )
    power = (_TEXTURE * whole**2 - half**2) / (_TEXTURE - _WHITE)
    return float(np.sqrt(max(power, 0.0)))


def _smoothest(picture: np.ndarray) -> float:
    """Noise if nothing but noise were left at the smoothest places."""
    grey = 255.0 * picture.mean(-1)
    left = np.abs(cv2.filter2D(grey, cv2.CV_32F, _LAPLACIANS))
    rows, columns = (n // _BLOCK * _BLOCK for n in grey.shape)
    blocks = left[:rows, :columns].reshape(
        rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK
    )
    means = np.sort(blocks.mean((1, 3)).ravel())
    count = max(int(_SMOOTHEST * means.size), 1)
    # sqrt(pi / 2) / 6 for one channel; the mean of three has less noise.
    spread = np.sqrt(np.pi / 2.0) / 6.0 * np.sqrt(3.0)
    return float(spread * means[:count].mean())


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


def denoised(picture: np.ndarray) -> np.ndarray | None:
    """`picture` without its noise, or None where there is little.

    Args:
        picture: `[H, W, 3]` float32 in [0, 1].
    """
    level = noise_level(picture)
    if level < LEAST:
        return None
    levels = (255.0 * picture + 0.5).astype(np.uint8)
    strength = level * float(np.clip(0.6 + 0.05 * level, _WEAKEST, _STRONGEST))
    clean = cv2.fastNlMeansDenoisingColored(
        levels, None, strength, strength, _WINDOW, _SEARCH
    )
    return np.asarray(clean, np.float32) / np.float32(255.0)
