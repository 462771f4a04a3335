"""LR's own blur: a lens softer than what the network was trained on.

The network takes LR for antialiased cubic of HR. A softer LR is brought there
by a 7x7 filter: the ridge regression, robust, of what LR should be (REF moved
onto HR's grid and shrunk) on the pixels around each of LR. It is believed only
if it sharpens and explains held-out pixels better than LR as it is: one that
blurs says that REF is soft, not LR.
"""

import cv2
import numpy as np

from crossnet_tf.alignment import sampling
from crossnet_tf.alignment.matches import places

# Of seven pairs through a soft lens, 5x5 left 1 dB more error, ten times the
# ridge 2 dB more.
_SIDE = 7
_FEWEST = 1500
_RIDGE = 3e-5
_ROBUST = 0.02
_ROUNDS = 4
# Held-out error, relative to that of LR as it is, that convinces.
_CONVINCES = 0.95
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
    before = _error(lr, expected, tried)
    after = _error(filtered(lr, kernel), expected, tried)
    return kernel if after < _CONVINCES * before else None


def filtered(lr: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """`lr` correlated with `kernel`, clipped; its border is mirrored."""
    result = cv2.filter2D(lr, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT)
    return np.clip(result, 0.0, 1.0)


def moved_and_shrunk(
    ref: np.ndarray, flow: np.ndarray, scale: int
) -> np.ndarray:
    """What LR should be: REF moved at full size, then shrunk.

    Args:
        ref: `[s*h, s*w, 3]` float32.
        flow: `[h, w, 2]` float32, from LR to REF in LR's pixels.
        scale: HR size / LR size.
    """
    height, width = ref.shape[:2]
    large = scale * cv2.resize(
        flow, (width, height), interpolation=cv2.INTER_LINEAR
    )
    moved = sampling.sampled(ref, *places(large))
    return sampling.resized(moved, *flow.shape[:2])


def _fit(lr: np.ndarray, expected: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Symmetric about the middle: pairs of opposite neighbours share one."""
    around = _neighbours(lr)
    centre = _SIDE * _SIDE // 2
    middle = around[centre]
    columns = np.stack(
        [
            (around[i] + around[-1 - i] - 2.0 * middle)[where].ravel()
            for i in range(centre)
        ],
        axis=-1,
    ).astype(np.float64)
    wanted = np.float64((expected - lr)[where].ravel())
    weights = np.zeros(centre)
    for _ in range(_ROUNDS):
        left = wanted - columns @ weights
        trust = 1.0 / (1.0 + (left / _ROBUST) ** 2)
        products = (columns * trust[:, None]).T @ columns
        ridge = _RIDGE * trust.sum() * np.eye(centre)
        weights = np.linalg.solve(
            products + ridge, (columns * trust[:, None]).T @ wanted
        )
    kernel = np.concatenate(
        [weights, [1.0 - 2.0 * weights.sum()], weights[::-1]]
    )
    return kernel.reshape(_SIDE, _SIDE).astype(np.float32)


def _neighbours(lr: np.ndarray) -> list[np.ndarray]:
    half = _SIDE // 2
    height, width = lr.shape[:2]
    padded = np.pad(lr, ((half, half), (half, half), (0, 0)), "symmetric")
    return [
        padded[y : y + height, x : x + width]
        for y in range(_SIDE)
        for x in range(_SIDE)
    ]


def _error(lr: np.ndarray, expected: np.ndarray, where: np.ndarray) -> float:
    return float(np.mean(np.minimum((lr - expected)[where] ** 2, 0.01)))
