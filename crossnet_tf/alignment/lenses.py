"""What undoes a soft lens: a filter of LR's own size.

A lens blurs HR like a Gaussian, then the cubic shrinks it, and aliasing and
the rounding to 8 bits follow. The best linear filter back to what the cubic
makes of sharp HR is Wiener's, for pictures whose power falls as that of
photographs does, 1 / f^2. It is cut to a few pixels by least squares, weighed
by the power that LR has at each frequency.
"""

import functools

import numpy as np

from crossnet_tf import cubic

# 7x7 leaves a tenth more error, 11x11 as much.
_SIDE = 9
# Frequencies on a line, and images of each that alias.
_POINTS, _ALIASES = 32, np.arange(-2, 2)
# The cubic is taken as that of this scale; others differ little.
_SCALE = 4
# Power of rounding, over that of a photograph at one cycle per pixel of LR; a
# third and three times as much change 0.1 dB.
_ROUNDING = 1e-3
_RIDGE = 1e-9


@functools.lru_cache(maxsize=64)
def sharpening(variance: float) -> np.ndarray:
    """The filter from LR through a soft lens to LR without.

    Args:
        variance: of the Gaussian, in squares of LR's pixel; above 0.

    Returns:
        `[9, 9]` float32 with sum 1, symmetric; not to be written to.
    """
    common, _, soft = _spectra(variance)
    return _cut(common / soft, soft)


@functools.lru_cache(maxsize=64)
def softening(variance: float) -> np.ndarray:
    """The filter from LR to LR through a soft lens; as `sharpening`."""
    common, sharp, _ = _spectra(variance)
    return _cut(common / sharp, sharp)


def _cut(wanted: np.ndarray, power: np.ndarray) -> np.ndarray:
    """The small filter that is nearest to what is `wanted` of frequencies."""
    y, x = _frequencies()
    half = _SIDE // 2
    places = [(i, j) for i in range(-half, half + 1)
              for j in range(-half, half + 1)][: _SIDE**2 // 2]  # fmt: skip
    # Opposite neighbours share a weight, and the middle keeps the sum at 1.
    waves = [2 * np.cos(2 * np.pi * (i * y + j * x)) - 2 for i, j in places]
    known = np.stack(waves, -1).reshape(-1, len(places))
    heavy = known * power.reshape(-1, 1)
    ridge = _RIDGE * power.sum() * np.eye(len(places))
    weights = np.linalg.solve(
        known.T @ heavy + ridge, heavy.T @ (wanted - 1.0).ravel()
    )
    kernel = [*weights, 1.0 - 2.0 * weights.sum(), *weights[::-1]]
    result = np.asarray(kernel, np.float32).reshape(_SIDE, _SIDE)
    result.setflags(write=False)
    return result


def _frequencies() -> tuple[np.ndarray, np.ndarray]:
    """Of LR, in cycles per pixel, down and across."""
    line = np.fft.fftfreq(_POINTS)
    y, x = np.meshgrid(line, line, indexing="ij")
    return y, x


def _spectra(variance: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What LR and soft LR have in common, and the power of both."""
    y, x = _frequencies()
    common = np.zeros_like(y)
    sharp, soft = np.full_like(y, _ROUNDING), np.full_like(y, _ROUNDING)
    for down in _ALIASES:
        for across in _ALIASES:
            v, u = y + down, x + across
            square = u * u + v * v
            lens = np.exp(-2.0 * np.pi**2 * variance * square)
            scene = (_shrunk(v) * _shrunk(u)) ** 2
            scene /= square + 1.0 / _POINTS**2
            common += scene * lens
            sharp += scene
            soft += scene * lens**2
    return common, sharp, soft


def _shrunk(frequencies: np.ndarray) -> np.ndarray:
    """What the cubic leaves of waves, in cycles per pixel of LR."""
    taps = cubic.shrinking(_SCALE)
    places = (np.arange(len(taps)) + 0.5) / _SCALE - 2.0
    waves = np.cos(2 * np.pi * frequencies[..., None] * places)
    return waves @ taps
