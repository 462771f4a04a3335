"""How alike two pictures are, place by place, whatever their brightness."""

import cv2
import numpy as np

_NOISE = 0.004


def local_correlation(
    first: np.ndarray, second: np.ndarray, window: int = 9
) -> tuple[np.ndarray, np.ndarray]:
    """Normalised correlation of the windows around each pixel.

    corr = cov(first, second) / sqrt(var(first) * var(second)), where both
    variances are raised by that of invisible noise.

    Args:
        first: `[H, W]` float32 in [0, 1].
        second: likewise.
        window: side in pixels.

    Returns:
        `[H, W]` float32 in [-1, 1], and the variance of `first`, `[H, W]`.
    """

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(
            values, cv2.CV_64F, (window, window), borderType=cv2.BORDER_REFLECT
        )

    first = np.asarray(first, np.float64)
    second = np.asarray(second, np.float64)
    ours, theirs = mean(first), mean(second)
    var_ours = np.maximum(mean(first**2) - ours**2, 0.0)
    var_theirs = np.maximum(mean(second**2) - theirs**2, 0.0)
    shared = mean(first * second) - ours * theirs
    powers = (var_ours + _NOISE**2) * (var_theirs + _NOISE**2)
    alike = shared / np.sqrt(powers)
    return alike.astype(np.float32), var_ours.astype(np.float32)


def agreement(
    first: np.ndarray, second: np.ndarray, cover: np.ndarray
) -> float:
    """Mean local correlation where `first` has structure, within `cover`.

    Args:
        first: `[H, W]` float32 in [0, 1].
        second: likewise.
        cover: `[H, W]` bool.

    Returns:
        In [-1, 1]; 0 where nothing is covered.
    """
    values, power = local_correlation(first, second)
    weights = power / (power + 0.02**2) * cover
    total = weights.sum()
    return float((weights * values).sum() / total) if total > 0.0 else 0.0
