"""Keys' cubic (a = -0.5): the kernel that makes LR of HR, in NumPy alone.

Reference: R. Keys, "Cubic convolution interpolation for digital image
processing", IEEE TASSP 29(6), 1981.
"""

import numpy as np


def keys(x: np.ndarray) -> np.ndarray:
    """The kernel at distances `x`, in pixels of the coarser picture."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1.0
    far = -0.5 * x**3 + 2.5 * x**2 - 4.0 * x + 2.0
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


def shrinking(scale: int) -> np.ndarray:
    """Weights of HR's pixels around the middle of one of LR's.

    Args:
        scale: HR size / LR size.

    Returns:
        `[4 * scale]` float64 with sum 1, up to rounding.
    """
    return keys((np.arange(4 * scale) + 0.5) / scale - 2.0) / scale
