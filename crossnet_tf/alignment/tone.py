"""Another camera's tone and colour: one curve per channel, then a matrix.

The network brings REF to LR's local brightness, by one gain per colour; a
gain cannot follow another tone curve. Here matched pixels give the curve
(weighted median of LR in bins of REF, smoothed and made monotone) and a 3x3
matrix with an offset (ridge regression towards none). Both are fitted on some
of the squares of a chessboard and believed only if they explain the others
better than a local gain does.

Detail is stretched as the curve is steep, so that it must be smooth: knees
between bins cost half of a decibel. The penalty of second differences is
Whittaker's.

Reference: Eilers, "A perfect smoother", Analytical Chemistry 2003.
"""

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np

from crossnet_tf.alignment.matches import quantiles

_BINS = 24
_FEWEST = 300
# Pixels that are enough to tell whether a tone is worth it.
_ENOUGH = 3000
_FEWEST_IN_BIN = 12
_NODES = np.linspace(0.0, 1.0, 33)
# Weight of second differences; steep gammas want less, cameras more.
_SMOOTH = 0.02
_LEAST_SLOPE = 0.2
# Distance from the curve at which a bin counts half.
_NEAR = 0.03
_SQUARE = 8
# Held-out error, relative to that with local gains alone, that convinces.
_CONVINCES = 0.94
# And how much smaller it must be: a sixth of a level of 8 bits.
_WORTH = 0.0007
# Where powers of REF's colours, which cost a fifth of curves, leave more than
# this share of the error, curves gain next to nothing.
_HOPELESS = 0.975
# Share of the error that no local gain takes away where light is even: 0.97 to
# 1.06 for known curves and two exposures, 0.60 to 0.83 for phones at night.
_EVEN = 0.9
# LR pixels over which the network's gain varies little.
_WINDOW = 25
_DARK = 0.02
_MAX_ERROR = 0.1
_RIDGE = 0.02
_ROBUST = 0.02
_ROUNDS = 3
# Numbers converted at once: they stay in the processor's cache.
_PART = 2**16
# Equal parts of [0, 1] in which a curve is taken for straight; those between
# the nodes are made of whole ones.
_STRAIGHT = 1024


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
        result = np.empty(picture.shape, np.float32)
        matrix = self.matrix.astype(np.float32)
        lines = [_lines(*curve) for curve in self.curves]
        rows = max(_PART // max(picture[:1].size, 1), 1)
        for top in range(0, len(picture), rows):
            part = np.clip(picture[top : top + rows], 0.0, 1.0)
            where = (part * np.float32(_STRAIGHT)).astype(np.intp)
            curved = np.empty(part.shape, np.float32)
            for c, (offsets, slopes) in enumerate(lines):
                cells = where[..., c]
                curved[..., c] = slopes.take(cells) * part[..., c]
                curved[..., c] += offsets.take(cells)
            mixed = cv2.transform(curved.reshape(1, -1, 3), matrix)
            result[top : top + rows] = np.clip(
                mixed.reshape(part.shape), 0.0, 1.0
            )
        return result


def _lines(
    values: np.ndarray, results: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and slopes of a curve's straight parts, float32, and of 1."""
    ends = np.arange(_STRAIGHT + 1) / _STRAIGHT
    curve = np.interp(ends, values, results)
    slopes = np.append(np.diff(curve) * _STRAIGHT, 0.0)
    return (curve - slopes * ends).astype(np.float32), slopes.astype(np.float32)


def find_tone(
    lr: np.ndarray,
    seen: np.ndarray,
    certain: np.ndarray,
    only_even: bool = False,
) -> Tone | None:
    """The tone that makes `seen` look like LR, if one does.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        seen: `[h, w, 3]` float32, REF shrunk and moved onto LR.
        certain: `[h, w]` bool: pixels that match.
        only_even: whether a tone that leaves light uneven is none.

    Returns:
        None where too little matches or nothing is gained on held-out pixels.
    """
    held_out = held_out_squares(certain.shape) & certain
    fitted = certain & ~held_out
    if min(fitted.sum(), held_out.sum()) < _FEWEST:
        return None
    places = np.flatnonzero(fitted)
    some = places[:: -(-len(places) // _ENOUGH)]
    roughly = _roughly(lr, seen, some)
    before, after = _errors(lr, (seen, roughly), certain, held_out)
    if after > _HOPELESS * before:
        return None
    weights = _flatness(seen)
    toned = _fit(lr, seen, weights, some)(seen)
    (after,) = _errors(lr, (toned,), certain, held_out)
    if after > min(_CONVINCES * before, before - _WORTH):
        return None
    if only_even and not _is_even(lr, toned, held_out, after):
        return None
    return _fit(lr, seen, weights, np.flatnonzero(certain))


def _roughly(
    lr: np.ndarray, seen: np.ndarray, places: np.ndarray
) -> np.ndarray:
    """`seen` in LR's tone, by sums of powers of its colours, up to cubes."""
    theirs = seen.reshape(-1, 3)
    ones = np.ones([len(theirs), 1], np.float32)
    powers = np.concatenate([ones, theirs, theirs**2, theirs**3], axis=-1)
    known, left = powers[places], (lr - seen).reshape(-1, 3)[places]
    heavy = known / (1.0 + (left**2).sum(-1, keepdims=True) / _ROBUST**2)
    products = (heavy.T @ known).astype(np.float64)
    ridge = 1e-6 * np.trace(products) * np.eye(len(products))
    factors = np.linalg.solve(products + ridge, heavy.T @ left)
    return seen + (powers @ factors.astype(np.float32)).reshape(seen.shape)


def _is_even(
    lr: np.ndarray, seen: np.ndarray, held_out: np.ndarray, with_gains: float
) -> bool:
    """Whether LR's light is that of `seen` everywhere, or by places.

    A camera that lifts shadows where they are has no single curve: what a
    curve does to contrast then fits LR less than what local gains do.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        seen: `[h, w, 3]` float32, REF moved onto LR, its tone LR's.
        held_out: `[h, w]` bool: pixels that match, and are not fitted to.
        with_gains: error there that local gains leave.
    """
    alone = np.minimum(np.abs(lr - seen)[held_out], _MAX_ERROR).mean()
    return bool(with_gains >= _EVEN * alone)


def held_out_squares(shape: tuple[int, ...]) -> np.ndarray:
    """Every third square of a board, `[h, w]` bool."""
    rows = np.arange(shape[0])[:, None] // _SQUARE
    columns = np.arange(shape[1])[None, :] // _SQUARE
    return (rows + columns) % 3 == 0


def _fit(
    lr: np.ndarray, seen: np.ndarray, weights: np.ndarray, places: np.ndarray
) -> Tone:
    """The tone that fits pixels `places` `[N]` of pictures row by row."""
    ours, theirs = (
        picture.reshape(-1, 3)[places].astype(np.float64)
        for picture in (lr, seen)
    )
    weights = weights.ravel()[places].astype(np.float64)
    curves = tuple(_curve(theirs[:, c], ours[:, c], weights) for c in range(3))
    curved = Tone(curves, np.eye(3, 4))(theirs)
    return Tone(curves, _matrix(curved.astype(np.float64), ours, weights))


def _curve(
    theirs: np.ndarray, ours: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Medians of `ours` in bins of `theirs`, smoothed, on to 0 and 1."""
    order = np.argsort(theirs)
    theirs, ours, weights = theirs[order], ours[order], weights[order]
    shares = np.linspace(0.0, 1.0, _BINS + 1)[1:-1]
    edges = np.sort(np.append(quantiles(theirs, shares), shares))
    ends = np.searchsorted(theirs, edges)
    sizes = np.diff(ends, prepend=0, append=len(theirs))
    kept = sizes >= _FEWEST_IN_BIN
    if kept.sum() < 3:
        return _NODES, _NODES
    knots = _medians(theirs, weights, sizes)[kept]
    # In each bin by `ours`, which is at most 1; `lexsort` takes twice as long.
    order = np.argsort(ours + 2.0 * np.repeat(np.arange(len(sizes)), sizes))
    middles = _medians(ours[order], weights[order], sizes)[kept]
    counts = np.diff(_totals(weights, sizes))[kept]
    values = _smoothed(knots, middles, counts / counts.sum())
    least = _LEAST_SLOPE * _NODES
    values = isotonic(values - least, np.ones(len(_NODES))) + least
    return _NODES, np.clip(values, 0.0, 1.0)


def _medians(
    values: np.ndarray, weights: np.ndarray, sizes: np.ndarray
) -> np.ndarray:
    """Weighted medians of bins that follow each other, each sorted.

    Args:
        values: `[N]`.
        weights: `[N]`, above 0.
        sizes: `[bins]`, with the sum N; what empty ones give means nothing.
    """
    totals = _totals(weights, sizes)
    half = 0.5 * (totals[:-1] + totals[1:])
    return values[np.searchsorted(np.cumsum(weights), half)]


def _totals(weights: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Weight before each bin, and of all: `[bins + 1]`."""
    before = np.append(0.0, np.cumsum(weights))
    return before[np.append(0, np.cumsum(sizes))]


def _smoothed(
    knots: np.ndarray, values: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """A smooth curve through most points, at `_NODES`."""
    steps = (knots[:, None] - _NODES) / _NODES[1]
    near = np.maximum(1.0 - np.abs(steps), 0.0)
    bends = np.diff(np.eye(len(_NODES)), 2, axis=0)
    penalty = _SMOOTH * bends.T @ bends
    trust = np.ones(len(knots))
    for _ in range(_ROUNDS):
        heavy = near.T * (weights * trust)
        curve = np.linalg.solve(heavy @ near + penalty, heavy @ values)
        trust = 1.0 / (1.0 + ((values - near @ curve) / _NEAR) ** 2)
    return curve


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


def _errors(
    lr: np.ndarray,
    pictures: Sequence[np.ndarray],
    where: np.ndarray,
    measured: np.ndarray,
) -> list[float]:
    """What a gain that varies slowly leaves of each error, robustly."""
    inside = where.astype(np.float32)
    total = _DARK * _mean(inside)[..., None]
    inside = inside[..., None]
    ours = _mean(inside * lr) + total
    found = []
    for seen in pictures:
        gain = ours / (_mean(inside * seen) + total + 1e-6)
        left = np.abs(lr - np.clip(gain, 0.7, 1.4) * seen)[measured]
        found.append(float(np.mean(np.minimum(left, _MAX_ERROR))))
    return found


def _mean(picture: np.ndarray) -> np.ndarray:
    return cv2.blur(picture, (_WINDOW, _WINDOW))
