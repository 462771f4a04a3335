"""Whether LR's pixels are means of light, or of the numbers in the file.

Cameras and good software average light; the network was trained on averages
of sRGB values. They differ where contrast is strong: there

    lr - mean(ref) = share * (curve(mean(light(ref))) - mean(ref)),

with `share` 1 for light and 0 for values. Where light explains LR better the
pair is handed to the network in linear light.
"""

import cv2
import numpy as np

_ROBUST = 0.02
_ROUNDS = 4
_FEWEST = 1500
# Measured on eight pairs, x4: 0.7 to 1.0 of light, below 0.2 of values.
_SHARE = 0.5
_CONVINCES = 0.9
# Numbers converted at once: they stay in the processor's cache, which takes a
# third of the time.
_PART = 2**15


def to_light(values: np.ndarray) -> np.ndarray:
    """From sRGB in [0, 1] to linear light in [0, 1], float32."""
    if values.ndim < 2:
        return _light(values)
    light = np.empty(values.shape, np.float32)
    rows = max(_PART // max(values[:1].size, 1), 1)
    for top in range(0, len(values), rows):
        light[top : top + rows] = _light(values[top : top + rows])
    return light


def _light(values: np.ndarray) -> np.ndarray:
    low = values / 12.92
    high = _power((np.maximum(values, 0.0) + 0.055) / 1.055, 2.4)
    return np.where(values <= 0.04045, low, high).astype(np.float32)


def from_light(light: np.ndarray) -> np.ndarray:
    """The inverse of `to_light`; clips to [0, 1]."""
    light = np.clip(light, 0.0, 1.0)
    high = 1.055 * _power(light, 1.0 / 2.4) - 0.055
    low = 12.92 * light
    return np.where(light <= 0.0031308, low, high).astype(np.float32)


def _power(values: np.ndarray, exponent: float) -> np.ndarray:
    """As `**`, in a quarter of the time; what is not below 0."""
    return cv2.pow(np.atleast_1d(values), exponent).reshape(values.shape)


def is_mean_of_light(
    lr: np.ndarray,
    of_values: np.ndarray,
    of_light: np.ndarray,
    certain: np.ndarray,
) -> bool:
    """Which of two predictions explains LR.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        of_values: `[h, w, 3]` float32: REF, moved, sRGB values averaged.
        of_light: `[h, w, 3]` float32: the same with light averaged, as sRGB.
        certain: `[h, w]` bool: pixels that match.
    """
    if certain.sum() < _FEWEST:
        return False
    known = np.float64((of_light - of_values)[certain].ravel())
    wanted = np.float64((lr - of_values)[certain].ravel())
    share = 0.0
    for _ in range(_ROUNDS):
        trust = 1.0 / (1.0 + ((wanted - share * known) / _ROBUST) ** 2)
        share = (trust * known * wanted).sum() / (
            (trust * known**2).sum() + 1e-9
        )
    errors = [
        np.minimum(left**2, 0.01).mean() for left in (wanted - known, wanted)
    ]
    return bool(share > _SHARE and errors[0] < _CONVINCES * errors[1])
