"""Whether LR's pixels are means of light, or of the numbers in the file.

Cameras and good software average light; the network was trained on averages
of sRGB values. They differ where contrast is strong: there

    lr - mean(ref) = share * (curve(mean(light(ref))) - mean(ref)),

with `share` 1 for light and 0 for values. Where light explains LR better the
pair is handed to the network in linear light. Few pairs are asked exactly: the
difference is about half of the curve's bend times the variance of REF within
LR's pixel, which costs a tenth.
"""

import cv2
import numpy as np

_ROBUST = 0.02
_ROUNDS = 4
_FEWEST = 1500
# Measured on eight pairs, x4: 0.7 to 1.0 of light, below 0.2 of values.
_SHARE = 0.5
_CONVINCES = 0.9
# The same by variances: 0.41 to 1.6 where light convinces, below 0.15 of most
# pairs of values.
_POSSIBLE = 0.3
# Of the curve from light to sRGB: bend over slope, and what keeps it from zero.
_BEND, _FOOT = -1.4, 0.055
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


def may_be_mean_of_light(
    lr: np.ndarray,
    of_values: np.ndarray,
    variance: np.ndarray,
    certain: np.ndarray,
) -> bool:
    """Whether `is_mean_of_light` is worth asking, which costs ten times this.

    Args:
        lr: `[h, w]` float32 in [0, 1], grey.
        of_values: `[h, w]` float32: REF, moved, sRGB values averaged.
        variance: `[h, w]` float32: of REF, moved, within each pixel of LR.
        certain: `[h, w]` bool: pixels that match.
    """
    if certain.sum() < _FEWEST:
        return False
    expected = of_values[certain]
    known = -0.5 * _BEND / (np.maximum(expected, 0.0) + _FOOT)
    known *= variance[certain]
    return _share(known, lr[certain] - expected) > _POSSIBLE


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
    known = (of_light - of_values)[certain].ravel().astype(np.float64)
    wanted = (lr - of_values)[certain].ravel().astype(np.float64)
    errors = [
        np.minimum(left**2, 0.01).mean() for left in (wanted - known, wanted)
    ]
    convinces = errors[0] < _CONVINCES * errors[1]
    return bool(convinces and _share(known, wanted) > _SHARE)


def _share(known: np.ndarray, wanted: np.ndarray) -> float:
    """How much of `known` there is in `wanted`, robustly."""
    share = 0.0
    for _ in range(_ROUNDS):
        trust = 1.0 / (1.0 + ((wanted - share * known) / _ROBUST) ** 2)
        heavy = trust * known
        share = float(heavy @ wanted / (heavy @ known + 1e-9))
    return share
