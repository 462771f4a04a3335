"""Structural similarity, as the reference implementation measures it.

Grey, 8 bits, Gaussian window 11x11 of sigma 1.5, K = (0.01, 0.03), only where
the window fits, mean of the map. As in the authors' later version, a picture
is first averaged and thinned out by `f = max(1, round(min(H, W) / 256))`, so
that the number tells what is seen at a usual distance. At 320x512 f is 1.

Reference: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality
assessment: from error visibility to structural similarity", IEEE TIP 13(4),
2004.
"""

import numpy as np
from scipy import ndimage

from crossnet_tf.metrics import inputs

_RADIUS, _SIGMA = 5, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_USUAL_SIZE = 256


def ssim(x: np.ndarray, y: np.ndarray, border: int = 0) -> float:
    """Mean structural similarity; 1 for equal pictures.

    Args:
        x: `[H, W, 3]` or `[H, W]`, uint8 or float in [0, 1].
        y: the same shape. The order does not matter.
        border: pixels left out at each side.

    Raises:
        ValueError: pictures that cannot be compared, or with less than 11
            pixels on a side.
    """
    x, y = np.asarray(x), np.asarray(y)
    inputs.check("x", x, "y", y)
    x, y = (
        _thin_out(inputs.grey(inputs.without_border(image, border)))
        for image in (x, y)
    )
    if min(x.shape) < 2 * _RADIUS + 1:
        raise ValueError(
            f"`x` must have at least {2 * _RADIUS + 1} pixels on each side, "
            f"without the border. Received: shape={x.shape}."
        )
    mean_x, mean_y = _average(x), _average(y)
    variance_x = _average(x * x) - mean_x * mean_x
    variance_y = _average(y * y) - mean_y * mean_y
    covariance = _average(x * y) - mean_x * mean_y
    similarity = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
    similarity /= mean_x * mean_x + mean_y * mean_y + _C1
    similarity /= variance_x + variance_y + _C2
    return float(similarity.mean())


def _thin_out(image: np.ndarray) -> np.ndarray:
    factor = max(1, int(min(image.shape) / _USUAL_SIZE + 0.5))
    if factor == 1:
        return image
    # An even window reaches one pixel further to the right and down.
    origin = -1 if factor % 2 == 0 else 0
    image = ndimage.uniform_filter(image, factor, mode="reflect", origin=origin)
    return image[::factor, ::factor]


def _average(image: np.ndarray) -> np.ndarray:
    """Gaussian means at the places where the whole window fits."""
    weights = np.exp(-(np.arange(-_RADIUS, _RADIUS + 1) ** 2) / (2 * _SIGMA**2))
    weights /= weights.sum()
    for axis in (0, 1):
        image = ndimage.correlate1d(image, weights, axis)
    return image[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS]
