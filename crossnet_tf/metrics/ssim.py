"""Structural similarity, as it is usually measured, and as the paper did.

Grey, 8 bits, Gaussian window 11x11 of sigma 1.5, K = (0.01, 0.03), only where
the window fits, mean of the map. This is scikit-image's

    structural_similarity(x, y, data_range=255, gaussian_weights=True,
                          sigma=1.5, use_sample_covariance=False)

on grey pictures. The paper's numbers are of the authors' later version, which
first averages a picture and thins it out by `f = max(1, round(min(H, W) /
256))`, so that the number tells what is seen at a usual distance. At 320x512
f is 1; from 384 pixels on (the shorter side) the paper's is the higher one.

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

MIN_SIZE = 2 * _RADIUS + 1
"""Pixels that a picture must have on each side, for one window."""


def ssim(
    x: np.ndarray, y: np.ndarray, border: int = 0, thin_out: bool = False
) -> float:
    """Mean structural similarity; 1 for equal pictures.

    Args:
        x: `[H, W, 3]` or `[H, W]`, uint8 or float in [0, 1].
        y: the same shape. The order does not matter.
        border: pixels left out at each side.
        thin_out: first make large pictures smaller, as the paper.

    Raises:
        ValueError: pictures that cannot be compared, or with less than 11
            pixels on a side.
    """
    x, y = np.asarray(x), np.asarray(y)
    inputs.check("x", x, "y", y)
    x, y = (
        inputs.grey(inputs.without_border(image, border)) for image in (x, y)
    )
    if thin_out:
        x, y = _thinned_out(x), _thinned_out(y)
    if min(x.shape) < MIN_SIZE:
        raise ValueError(
            f"`x` must have at least {MIN_SIZE} pixels on each side, "
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


def _thinned_out(image: np.ndarray) -> np.ndarray:
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
