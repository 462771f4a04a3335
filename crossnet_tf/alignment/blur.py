"""LR's own blur: a lens softer than what the network was trained on.

The network takes LR for antialiased cubic of HR. A softer LR is brought there
by a 7x7 filter: the ridge regression, robust, of what LR should be (REF moved
onto HR's grid and shrunk) on the pixels around each of LR. It is believed only
if it sharpens and explains held-out pixels better than LR as it is: one that
blurs says that REF is soft, not LR.
"""

import cv2
import numpy as np

from crossnet_tf import cubic
from crossnet_tf.alignment.matches import places

# Of seven pairs through a soft lens, 5x5 left 1 dB more error, ten times the
# ridge 2 dB more.
_SIDE = 7
_FEWEST = 1500
_RIDGE = 3e-5
_ROBUST = 0.02
_ROUNDS = 4
# Equations that are summed at once.
_PART = 256
# Held-out error, relative to that of LR as it is, that convinces.
_CONVINCES = 0.95
# How much more a filter may do than regression says. Clean pairs through a soft
# lens ask for 1.15 to 1.23.
_MOST = 1.15
# Middle of a filter that sharpens: up to 1.0 without, 1.2 to 1.9 with a soft
# lens, 0.6 where REF is the soft one.
_SHARPENS = 1.15


def find_filter(
    lr: np.ndarray,
    expected: np.ndarray,
    certain: np.ndarray,
    held_out: np.ndarray,
) -> np.ndarray | None:
    """The filter that makes LR what the network expects, if one does.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        expected: `[h, w, 3]` float32, what REF says LR should be.
        certain: `[h, w]` bool: pixels that match.
        held_out: `[h, w]` bool: pixels to validate on.

    Returns:
        `[7, 7]` float32 with sum 1, or None.
    """
    fitted, tried = certain & ~held_out, certain & held_out
    if min(fitted.sum(), tried.sum()) < _FEWEST // 2:
        return None
    kernel = _fit(lr, expected, fitted)
    if kernel[_SIDE // 2, _SIDE // 2] < _SHARPENS:
        return None
    kernel = _undiluted(kernel, lr, expected, fitted)
    before = _error(lr, expected, tried)
    after = _error(filtered(lr, kernel), expected, tried)
    return kernel if after < _CONVINCES * before else None


def _undiluted(
    kernel: np.ndarray, lr: np.ndarray, expected: np.ndarray, where: np.ndarray
) -> np.ndarray:
    """The filter as far as LR's finest detail becomes as strong as REF's.

    Regression on a REF that does not lie exactly over LR asks for less. The
    finest detail's power after a share s of what the filter does is a square:

        |lr' + s change'|^2 = |expected'|^2,  x' = x less its neighbours
    """
    change = filtered(lr, kernel) - lr
    ours, step, theirs = (
        (p - cv2.blur(p, (3, 3)))[where] for p in (lr, change, expected)
    )
    square, cross = np.mean(step**2), np.mean(ours * step)
    missing = np.mean(theirs**2) - np.mean(ours**2)
    root = np.sqrt(max(cross**2 + square * missing, 0.0))
    share = np.clip((root - cross) / (square + 1e-12), 1.0, _MOST)
    middle = np.zeros_like(kernel)
    middle[_SIDE // 2, _SIDE // 2] = 1.0
    return (middle + share * (kernel - middle)).astype(np.float32)


def filtered(lr: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """`lr` correlated with `kernel`, clipped; its border is mirrored."""
    result = cv2.filter2D(lr, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT)
    return np.clip(result, 0.0, 1.0)


def moved_and_shrunk(
    ref: np.ndarray, flow: np.ndarray, scale: int
) -> np.ndarray:
    """What LR should be: the mean of REF around where `flow` points.

    The cubic that makes LR of HR is taken around each of REF's pixels, and
    read at LR's alone, a sixteenth of them or fewer.

    Args:
        ref: `[s*h, s*w, 3]` float32.
        flow: `[h, w, 2]` float32, from LR to REF in LR's pixels.
        scale: HR size / LR size.
    """
    weights = cubic.shrinking(scale)
    means = cv2.sepFilter2D(
        ref, cv2.CV_32F, weights, weights, borderType=cv2.BORDER_REPLICATE
    )
    # The mean that stands at (x, y) is that around (x - 0.5, y - 0.5).
    x, y = (scale * (p + 0.5) for p in places(flow))
    return cv2.remap(
        means, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def _fit(lr: np.ndarray, expected: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Symmetric about the middle: pairs of opposite neighbours share one."""
    columns = _in_parts(_opposites(lr, where))
    wanted = _in_parts((expected - lr)[where].reshape(1, -1))
    weights = np.zeros(columns.shape[1])
    for _ in range(_ROUNDS):
        left = wanted - np.float32(weights[None, None]) @ columns
        trust = 1.0 / (1.0 + (left / _ROBUST) ** 2)
        heavy = (columns * trust).swapaxes(1, 2)
        products, sums = (
            (known @ heavy).sum(0, dtype=np.float64)
            for known in (columns, wanted)
        )
        ridge = _RIDGE * trust.sum(dtype=np.float64) * np.eye(len(weights))
        weights = np.linalg.solve(products + ridge, sums[0])
    kernel = np.concatenate(
        [weights, [1.0 - 2.0 * weights.sum()], weights[::-1]]
    )
    return kernel.reshape(_SIDE, _SIDE).astype(np.float32)


def _opposites(lr: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Sums of opposite neighbours less twice the middle, `[24, N]` float32."""
    half = _SIDE // 2
    height, width = lr.shape[:2]
    padded = np.pad(lr, ((half, half), (half, half), (0, 0)), "symmetric")
    around = [
        padded[y : y + height, x : x + width]
        for y in range(_SIDE)
        for x in range(_SIDE)
    ]
    pairs = zip(around[: len(around) // 2], around[::-1])
    return np.stack([(a + b - 2.0 * lr)[where].ravel() for a, b in pairs])


def _in_parts(rows: np.ndarray) -> np.ndarray:
    """`[C, N]` as `[parts, C, _PART]`, zeros at the end.

    Products of parts stay in the processor's cache, on one thread, and their
    sums in float32 are short enough to be exact.
    """
    parts = -(-rows.shape[1] // _PART)
    padded = np.zeros([len(rows), parts * _PART], np.float32)
    padded[:, : rows.shape[1]] = rows
    return np.moveaxis(padded.reshape(len(rows), parts, _PART), 1, 0).copy()


def _error(lr: np.ndarray, expected: np.ndarray, where: np.ndarray) -> float:
    return float(np.mean(np.minimum((lr - expected)[where] ** 2, 0.01)))
