"""Another camera's tone and colour: one curve per channel, then a matrix.

The network brings REF to LR's local brightness, by one gain per colour; a
gain cannot follow another tone curve. Here matched pixels give the curve
(weighted median of LR in bins of REF, made monotone) and a 3x3 matrix with an
offset (ridge regression towards none). Both are fitted on some of the
squares of a chessboard and believed only if they explain the others better
than a local gain does.
"""

import dataclasses

import cv2
import numpy as np

_BINS = 24
_FEWEST = 300
_FEWEST_IN_BIN = 12
_NO_CURVE = np.linspace(0.0, 1.0, 3)
_SQUARE = 8
# Held-out error, relative to that with local gains alone, that convinces.
_CONVINCES = 0.94
# And how much smaller it must be: a sixth of a level of 8 bits.
_WORTH = 0.0007
# LR pixels over which the network's gain varies little.
_WINDOW = 25
_DARK = 0.02
_RIDGE = 0.02
_ROBUST = 0.02
_ROUNDS = 3


@dataclasses.dataclass(frozen=True)
class Tone:
    """REF's colours as LR's camera would have shown them.

    Attributes:
        curves: for each channel, rising values of REF, and what LR has
            there, `[N]` float64 both.
        matrix: `[3, 4]` float64: from `(r, g, b, 1)` after the curves.
    """

    curves: tuple[tuple[np.ndarray, np.ndarray], ...]
    matrix: np.ndarray

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Converts `[..., 3]` float32 in [0, 1]."""
        channels = [
            np.interp(picture[..., c], *curve)
            for c, curve in enumerate(self.curves)
        ]
        curved = np.stack(channels, axis=-1).astype(np.float32)
        matrix = self.matrix.astype(np.float32)
        return np.clip(curved @ matrix[:, :3].T + matrix[:, 3], 0.0, 1.0)


def find_tone(
    lr: np.ndarray, seen: np.ndarray, certain: np.ndarray
) -> Tone | None:
    """The tone that makes `seen` look like LR, if one does.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        seen: `[h, w, 3]` float32, REF shrunk and moved onto LR.
        certain: `[h, w]` bool: pixels that match.

    Returns:
        None where too little matches or nothing is gained on held-out pixels.
    """
    held_out = held_out_squares(certain.shape) & certain
    fitted = certain & ~held_out
    if min(fitted.sum(), held_out.sum()) < _FEWEST:
        return None
    weights = _flatness(seen)
    tone = _fit(lr, seen, weights, fitted)
    before = _error(lr, seen, certain, held_out)
    after = _error(lr, tone(seen), certain, held_out)
    if after > min(_CONVINCES * before, before - _WORTH):
        return None
    return _fit(lr, seen, weights, certain)


def held_out_squares(shape: tuple[int, ...]) -> np.ndarray:
    """Every third square of a board, `[h, w]` bool."""
    rows = np.arange(shape[0])[:, None] // _SQUARE
    columns = np.arange(shape[1])[None, :] // _SQUARE
    return (rows + columns) % 3 == 0


def _fit(
    lr: np.ndarray, seen: np.ndarray, weights: np.ndarray, where: np.ndarray
) -> Tone:
    ours, theirs, weights = (
        values[where].astype(np.float64) for values in (lr, seen, weights)
    )
    curves = tuple(_curve(theirs[:, c], ours[:, c], weights) for c in range(3))
    curved = Tone(curves, np.eye(3, 4))(theirs)
    return Tone(curves, _matrix(curved.astype(np.float64), ours, weights))


def _curve(
    theirs: np.ndarray, ours: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Medians of `ours` in bins of `theirs`, and straight on to 0 and 1."""
    shares = np.linspace(0.0, 1.0, _BINS + 1)[1:-1]
    edges = np.sort(np.append(np.quantile(theirs, shares), shares))
    order = np.argsort(theirs, kind="stable")
    bins = np.split(order, np.searchsorted(theirs[order], edges))
    bins = [b for b in bins if len(b) >= _FEWEST_IN_BIN]
    if len(bins) < 3:
        return _NO_CURVE, _NO_CURVE
    knots = np.array([_median(theirs[b], weights[b]) for b in bins])
    middles = np.array([_median(ours[b], weights[b]) for b in bins])
    counts = np.array([weights[b].sum() for b in bins])
    values = isotonic(middles, counts)
    low = values[0] - _slope(knots[:3], values[:3]) * knots[0]
    high = values[-1] + _slope(knots[-3:], values[-3:]) * (1.0 - knots[-1])
    knots = np.concatenate([[-1e-3], knots, [1.001]])
    return knots, np.concatenate([[max(low, 0.0)], values, [min(high, 1.0)]])


def isotonic(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The nearest values that never fall, by weighted least squares.

    Neighbours that fall are pooled into their mean until none are left.

    Args:
        values: `[N]` float64.
        weights: `[N]` float64, above 0.
    """
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights):
        pool = (value, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, total, count = pools.pop()
            share = total / (total + pool[1])
            mean = share * mean + (1.0 - share) * pool[0]
            pool = (mean, total + pool[1], count + pool[2])
        pools.append(pool)
    means, _, counts = zip(*pools)
    return np.repeat(means, counts)


def _slope(knots: np.ndarray, values: np.ndarray) -> float:
    rise, run = values[-1] - values[0], knots[-1] - knots[0]
    return float(np.clip(rise / max(run, 1e-3), 0.2, 5.0))


def _median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])


def _matrix(
    theirs: np.ndarray, ours: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Robust ridge regression towards no change, `[3, 4]`."""
    known = np.append(theirs, np.ones([len(theirs), 1]), axis=-1)
    matrix = np.eye(3, 4)
    for _ in range(_ROUNDS):
        left = ours - known @ matrix.T
        trust = weights / (1.0 + (left**2).sum(-1) / _ROBUST**2)
        products = (known * trust[:, None]).T @ known
        ridge = _RIDGE * trust.sum() * np.eye(4)
        wanted = (ours - theirs).T @ (known * trust[:, None])
        matrix = np.eye(3, 4) + np.linalg.solve(products + ridge, wanted.T).T
    return matrix


def _flatness(picture: np.ndarray) -> np.ndarray:
    """Weights of pixels: where all is flat, wrong flow changes nothing."""
    grey = picture.mean(-1)
    slope = np.hypot(*np.gradient(grey))
    weights = 1.0 / (1.0 + (slope / 0.02) ** 2)
    return weights.astype(np.float32)


def _error(
    lr: np.ndarray, seen: np.ndarray, where: np.ndarray, measured: np.ndarray
) -> float:
    """Error that a gain which varies slowly leaves, robustly."""
    inside = where.astype(np.float32)[..., None]
    ours, theirs = (_mean(inside * picture) for picture in (lr, seen))
    total = _mean(np.repeat(inside, 3, -1))
    gain = (ours + _DARK * total) / (theirs + _DARK * total + 1e-6)
    left = np.abs(lr - np.clip(gain, 0.7, 1.4) * seen)[measured]
    return float(np.mean(np.minimum(left, 0.1)))


def _mean(picture: np.ndarray) -> np.ndarray:
    return cv2.blur(picture, (_WINDOW, _WINDOW))
