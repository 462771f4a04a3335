"""Noise in REF, which would pass for detail that LR lacks.

Its strength is read from the smoothest places of REF, where hardly anything
but noise is left: clean photographs read 1.6 levels of 255 at most. Non-local
means take it out, since they keep what repeats.

References:
    Immerkaer, "Fast noise variance estimation", CVIU 1996;
    Buades et al., "A non-local algorithm for image denoising", CVPR 2005.
"""

import cv2
import numpy as np

_LAPLACIANS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_SMOOTHEST = 0.05
_BLOCK = 16
# Levels of 255 from which REF is denoised.
_LEAST = 3.0
# Strong noise is read too low, and harms more than lost texture.
_WEAKEST, _STRONGEST = 0.8, 1.35
_WINDOW, _SEARCH = 5, 15


def noise_level(picture: np.ndarray) -> float:
    """Standard deviation of the noise, in levels of 255.

    Args:
        picture: `[H, W, 3]` float32 in [0, 1].
    """
    grey = 255.0 * picture.mean(-1)
    left = np.abs(cv2.filter2D(grey, cv2.CV_32F, _LAPLACIANS))
    rows, columns = (n // _BLOCK * _BLOCK for n in grey.shape)
    blocks = left[:rows, :columns].reshape(
        rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK
    )
    means = np.sort(blocks.mean((1, 3)).ravel())
    if not means.size:
        return 0.0
    count = max(int(_SMOOTHEST * means.size), 1)
    # sqrt(pi / 2) / 6 for one channel; the mean of three has less noise.
    spread = np.sqrt(np.pi / 2.0) / 6.0 * np.sqrt(3.0)
    return float(spread * means[:count].mean())


def denoised(picture: np.ndarray) -> np.ndarray | None:
    """`picture` without its noise, or None where there is little.

    Args:
        picture: `[H, W, 3]` float32 in [0, 1].
    """
    level = noise_level(picture)
    if level < _LEAST:
        return None
    levels = (255.0 * picture + 0.5).astype(np.uint8)
    strength = level * float(np.clip(0.6 + 0.05 * level, _WEAKEST, _STRONGEST))
    clean = cv2.fastNlMeansDenoisingColored(
        levels, None, strength, strength, _WINDOW, _SEARCH
    )
    return np.asarray(clean, np.float32) / np.float32(255.0)
