"""Information fidelity criterion: how much of the truth a picture still tells.

Natural pictures, seen through a bank of oriented filters, behave like noise of
a slowly varying strength. Given that model, a distorted picture is, place by
place, the reference times a gain plus noise, and carries a number of bits
about it; IFC is their sum per pixel. Details that are missing or wrong cost
bits, so IFC goes with perceived sharpness where PSNR does not.

This computes the numbers of `ifcvec`, the authors' program: eight bands of a
steerable pyramid (two orientations, four levels), vectors of 3x3 neighbours.
It differs from the article in bands, borders and window sizes.

The article's order is `ifc(reference, distorted)`. The paper's table has the
two swapped: for its numbers call `ifc(sr, hr)`.

References: H. R. Sheikh, A. C. Bovik, G. de Veciana, "An information fidelity
criterion for image quality assessment using natural scene statistics", IEEE
TIP 14(12), 2005. Filters: A. Karasaridis, E. P. Simoncelli, "A filter design
technique for steerable pyramid image transforms", ICASSP 1996; the numbers are
those of "sp5_filters" in pyrtools 1.1.1 (MIT licence).
"""

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from crossnet_tf.metrics import inputs

_NUM_LEVELS = 4
_BLOCK = 3
_TINY, _NOISE = 1e-15, 1e-10
# The coarsest level, 1/8, must keep three blocks of three in each direction.
MIN_SIZE = 65

# Top left quarters, with the middle row and column; the rest is mirrored.
_PREFILTER = (
    (0.00341614, -0.01551246, -0.03848215),
    (-0.01551246, 0.05586982, 0.1592557),
    (-0.03848215, 0.1592557, 0.40304148),
)
_LOWPASS = (
    (0.00170808, -0.00489834, -0.00775624, -0.01888864, -0.01924108),
    (-0.00489834, -0.01046562, -0.01322234, 0.008212, 0.02005976),
    (-0.00775624, -0.01322234, 0.02793492, 0.06554076, 0.07962786),
    (-0.01888864, 0.008212, 0.06554076, 0.12852666, 0.16339236),
    (-0.01924108, 0.02005976, 0.07962786, 0.16339236, 0.2019308),
)
# Odd from left to right: vertical edges. Its transpose: horizontal ones, with
# the other sign than in pyrtools, which changes nothing here.
_EDGES = (
    (0.00277643, -0.00986904, -0.01021852, 0.0),
    (0.00496194, -0.00893064, -0.03075356, 0.0),
    (0.01026699, 0.01189859, -0.08226445, 0.0),
    (0.01455399, 0.02755155, -0.11732297, 0.0),
)


def ifc(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Bits per pixel that `distorted` tells about `reference`.

    Args:
        reference: `[H, W, 3]` or `[H, W]`, uint8 or float in [0, 1].
        distorted: the same shape. The order matters.

    Returns:
        0 or more; 0 for a flat picture. For equal pictures a large number
        that only tells where the computation is cut off.

    Raises:
        ValueError: pictures that cannot be compared, or with less than 65
            pixels on a side.
    """
    reference, distorted = np.asarray(reference), np.asarray(distorted)
    inputs.check("reference", reference, "distorted", distorted)
    height, width = reference.shape[:2]
    if min(height, width) < MIN_SIZE:
        raise ValueError(
            f"`reference` must have at least {MIN_SIZE} pixels on each side. "
            f"Received: shape={reference.shape}."
        )
    bits = 0.0
    bands = zip(_bands(inputs.grey(reference)), _bands(inputs.grey(distorted)))
    for (level, band), (_, distorted_band) in bands:
        bits += _information(band, distorted_band, level)
    return bits / (height * width)


def _bands(image: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yields level (0: finest) and band, cut to whole blocks."""
    edges = _mirrored(_EDGES, odd=True)
    low = _filtered(image, _mirrored(_PREFILTER))
    for level in range(_NUM_LEVELS):
        for kernel in (edges, edges.T):
            band = _filtered(low, kernel)
            height, width = (size // _BLOCK * _BLOCK for size in band.shape)
            yield level, band[:height, :width]
        low = _filtered(low, _mirrored(_LOWPASS))[::2, ::2]


def _mirrored(quarter: tuple, odd: bool = False) -> np.ndarray:
    corner = np.array(quarter)
    half = np.concatenate([corner, corner[-2::-1]], axis=0)
    right = half[:, -2::-1]
    return np.concatenate([half, -right if odd else right], axis=1)


def _filtered(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return ndimage.correlate(image, kernel, mode="mirror")


def _information(
    reference: np.ndarray, distorted: np.ndarray, level: int
) -> float:
    """Bits in one band: log2(1 + g^2 s lambda / v) over blocks and lambda."""
    window = 2 ** (_NUM_LEVELS - level) + 1
    gain, noise = _channel(reference, distorted, window)
    strength, eigenvalues = _source(reference)
    # Blocks whose window reaches over the border do not count.
    edge = -(-(window // 2) // _BLOCK)
    inside = np.s_[edge:-edge, edge:-edge]
    gain, noise, strength = gain[inside], noise[inside], strength[inside]
    ratio = gain * gain * strength / (noise + _NOISE)
    return float(np.log2(1 + ratio[..., None] * eigenvalues).sum())


def _channel(
    x: np.ndarray, y: np.ndarray, window: int
) -> tuple[np.ndarray, np.ndarray]:
    """Gain and noise variance of y = gain * x + noise around each block."""
    count = window * window
    mean_x, mean_y = _box_sum(x, window) / count, _box_sum(y, window) / count
    cov = _box_sum(x * y, window) - count * mean_x * mean_y
    var_x = _box_sum(x * x, window) - count * mean_x * mean_x
    var_y = _box_sum(y * y, window) - count * mean_y * mean_y
    var_x, var_y = np.maximum(var_x, 0), np.maximum(var_y, 0)
    gain = cov / (var_x + _TINY)
    noise = (var_y - gain * cov) / count
    # A gain below 0 means that nothing of x is left: all of y is noise.
    nothing = (var_x < _TINY) | (gain < 0)
    gain = np.where(nothing | (var_y < _TINY), 0, gain)
    noise = np.where(nothing, var_y, noise)
    noise = np.where(var_y < _TINY, 0, noise)
    return gain, np.maximum(noise, _TINY)


def _box_sum(image: np.ndarray, window: int) -> np.ndarray:
    """Sums over windows around the middles of all blocks."""
    ones = np.ones(window)
    image = ndimage.correlate1d(image, ones, 0, mode="mirror")[1::_BLOCK]
    return ndimage.correlate1d(image, ones, 1, mode="mirror")[:, 1::_BLOCK]


def _source(band: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strength of each block, and eigenvalues of the neighbours' covariance.

    Strength is b' C^-1 b / 9 of the block's nine values b, with C the
    covariance of all 3x3 neighbourhoods; it lives where C does.
    """
    windows = np.lib.stride_tricks.sliding_window_view(band, (_BLOCK, _BLOCK))
    size = _BLOCK * _BLOCK
    covariance = np.cov(windows.reshape(-1, size), rowvar=False, bias=True)
    eigenvalues, vectors = np.linalg.eigh(covariance)
    kept = eigenvalues > size * np.finfo(float).eps * eigenvalues[-1]
    blocks = windows[::_BLOCK, ::_BLOCK]
    blocks = blocks.reshape(*blocks.shape[:2], size) @ vectors[:, kept]
    strength = np.sum(np.square(blocks) / eigenvalues[kept], axis=-1) / size
    return strength, eigenvalues[kept]
