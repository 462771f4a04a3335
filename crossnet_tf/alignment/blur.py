"""LR's own blur: a lens softer than what the network was trained on.

The network takes LR for antialiased cubic of HR. How much softer it is, is
read from how the power of LR falls against that of what LR should be, REF
moved onto HR's grid and shrunk:

    log(power of LR / power expected) = c - 4 pi^2 variance f^2

for a Gaussian. Neither another tone nor a REF that does not lie exactly over
LR changes the slope. `lenses` has the filter against it. A soft REF gives a
negative variance: then nothing is done.

Variances read, in squares of LR's pixel, x4: 22 pairs of one camera -0.03 to
0.03, the same through a Gaussian of 0.25 0.21 to 0.27; phones with a finer
REF -0.06 to -0.03.
"""

import cv2
import numpy as np

from crossnet_tf import cubic
from crossnet_tf.alignment import lenses, sampling
from crossnet_tf.alignment.matches import places

# Pixels of LR along a block that is transformed, and between two.
_BLOCK, _STEP = 16, 8
# Share of a block that must match, and blocks that say enough.
_MATCHES, _FEWEST = 0.75, 10
# Frequencies that are asked, in cycles per pixel: below, blocks are too small.
_LOWEST, _HIGHEST = 0.1, 0.5
# Power of rounding to 8 bits in luma, a mean of three colours.
_ROUNDING = 0.447 / 12.0 / 255.0**2
# Where rounding is stronger than this share of the power, LR says little.
_HIDDEN = 4.0
# Variances from which LR counts as soft, and that are undone at most.
_SOFT, _SOFTEST = 0.1, 0.5
# Correlation with what is expected that sharpened LR keeps, at least. It gains
# 0.003 to 0.06, and loses some thousandths where REF lies off; a sharp LR whose
# REF has noise left that JPEG cut loses 0.008.
_ALIKE = 0.995
# LR pixels within which detail is the finest.
_FINE = 3


def find_softness(
    lr: np.ndarray, expected: np.ndarray, certain: np.ndarray
) -> float:
    """How soft LR is: the variance of a Gaussian, in squares of LR's pixel.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        expected: `[h, w, 3]` float32, what REF says LR should be.
        certain: `[h, w]` bool: pixels that match.

    Returns:
        0 where LR is not soft, too little matches, or sharpened LR is less
        like what is expected.
    """
    variance = round(min(variance_of(lr, expected, certain), _SOFTEST), 3)
    if variance < _SOFT:
        return 0.0
    before, after = (
        _correlation(one, expected, certain)
        for one in (lr, sharpened(lr, variance))
    )
    return variance if after > _ALIKE * before else 0.0


def sharpened(lr: np.ndarray, variance: float) -> np.ndarray:
    """LR `[h, w, 3]` float32 without a blur of this variance, clipped."""
    if variance == 0.0:
        return lr
    return np.clip(_filtered(lr, lenses.sharpening(variance)), 0.0, 1.0)


def softened(lr: np.ndarray, variance: float) -> np.ndarray:
    """`[h, w, 3]` float32 as a lens of this variance would show it."""
    return _filtered(lr, lenses.softening(variance)) if variance else lr


def variance_of(
    lr: np.ndarray, expected: np.ndarray, certain: np.ndarray
) -> float:
    """As `find_softness`, before it is believed.

    Returns:
        Below 0 where LR is the sharper one, 0 where too little matches.
    """
    inside = _blocks(certain.astype(np.float32)).mean((1, 2)) >= _MATCHES
    if inside.sum() < _FEWEST:
        return 0.0
    y, x = np.fft.fftfreq(_BLOCK)[:, None], np.fft.rfftfreq(_BLOCK)
    square = y**2 + x**2
    asked = (square >= _LOWEST**2) & (square < _HIGHEST**2)
    # Of two opposite frequencies, whose power is the same, one.
    asked &= (x > 0.0) | (y > 0.0)
    square = square[asked]
    ours, theirs = (
        _power(_blocks(sampling.grey(one))[inside])[asked]
        for one in (lr, expected)
    )
    ours = np.maximum(ours - _ROUNDING, 1e-12)
    trust = (ours / (ours + _HIDDEN * _ROUNDING)) ** 2
    ratio = np.log(ours / np.maximum(theirs, 1e-12))
    slope, _ = np.polyfit(square, ratio, 1, w=trust)
    return float(-slope / (4.0 * np.pi**2))


def _blocks(plane: np.ndarray) -> np.ndarray:
    """`[N, 16, 16]` of `[h, w]`, half over each other."""
    if min(plane.shape) < _BLOCK:
        return np.zeros([0, _BLOCK, _BLOCK], np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(plane, (_BLOCK, _BLOCK))
    return windows[::_STEP, ::_STEP].reshape(-1, _BLOCK, _BLOCK)


def _power(blocks: np.ndarray) -> np.ndarray:
    """Mean power at each frequency, half of which are told: `[16, 9]`."""
    window = np.hanning(_BLOCK + 2)[1:-1]
    window = np.outer(window, window) / np.mean(window**2) / _BLOCK
    blocks = blocks - blocks.mean((1, 2), keepdims=True)
    found = np.fft.rfft2(window.astype(np.float32) * blocks)
    return (found.real**2 + found.imag**2).mean(0)


def _correlation(
    lr: np.ndarray, expected: np.ndarray, where: np.ndarray
) -> float:
    """Of the finest detail: other light changes nothing."""
    ours, theirs = (finest_detail(p)[where] for p in (lr, expected))
    product = np.mean(ours**2) * np.mean(theirs**2)
    return float(np.mean(ours * theirs) / np.sqrt(product + 1e-18))


def finest_detail(picture: np.ndarray) -> np.ndarray:
    """Pixels less the mean of their neighbours, `[h, w, C]` float32."""
    return picture - cv2.blur(picture, (_FINE, _FINE))


def _filtered(lr: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Correlated with `kernel`; the border is mirrored."""
    return cv2.filter2D(lr, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT)


def moved_and_shrunk(
    ref: np.ndarray, flow: np.ndarray, scale: int
) -> np.ndarray:
    """What LR should be: the mean of REF around where `flow` points.

    Args:
        ref: `[s*h, s*w, 3]` float32.
        flow: `[h, w, 2]` float32, from LR to REF in LR's pixels.
        scale: HR size / LR size.
    """
    return moved_means(means(ref, scale), flow, scale)


def means(ref: np.ndarray, scale: int) -> np.ndarray:
    """Those around the corners of REF's pixels that LR's pixels are made of.

    Args:
        ref: `[H, W, 3]` float32.
        scale: HR size / LR size.

    Returns:
        `[H, W, 3]` float32: at (x, y) the mean around (x - 0.5, y - 0.5), by
        the cubic that makes LR of HR; the border is repeated.
    """
    weights = cubic.shrinking(scale)
    return cv2.sepFilter2D(
        ref, cv2.CV_32F, weights, weights, borderType=cv2.BORDER_REPLICATE
    )


def shrunk_means(around: np.ndarray, scale: int) -> np.ndarray:
    """REF at LR's size, `[h, w, 3]` float32, from its `means`."""
    return np.ascontiguousarray(
        around[scale // 2 :: scale, scale // 2 :: scale]
    )


def moved_means(around: np.ndarray, flow: np.ndarray, scale: int) -> np.ndarray:
    """As `moved_and_shrunk`, from REF's `means`, read at LR's pixels alone."""
    x, y = (scale * (p + 0.5) for p in places(flow))
    return sampling.moved(around, x, y)
