"""Pixels of LR and REF that show the same point, at LR's size.

Dense flow (DIS) between LR and REF shrunk to LR's size is believed where the
flow back ends within a pixel of where it began and both pictures look alike.
The way back need not be exact: it is found at half the size, in a third of the
time.

Reference: Kroeger et al., "Fast Optical Flow using Dense Inverse Search",
ECCV 2016.
"""

import dataclasses

import cv2
import numpy as np

from crossnet_tf.alignment import sampling
from crossnet_tf.alignment.correlation import local_correlation

_RETURNS = 1.0
_ALIKE = 0.8
_LEVELS = 64
# DIS needs some pixels on each side.
_SMALLEST = 24
# Halvings of the finest level there and back, and rounds that smooth flow at
# each level: with five instead of two, REF as moved is no more like LR.
_THERE, _BACK, _SMOOTHED = 0, 1, 2


@dataclasses.dataclass(frozen=True)
class Matches:
    """Where REF shows what LR shows.

    Attributes:
        flow: `[h, w, 2]` float32, `(dx, dy)` from LR to REF in LR's pixels.
        certain: `[h, w]` bool: pixels whose flow is believed.
    """

    flow: np.ndarray
    certain: np.ndarray


def find_matches(
    lr: np.ndarray, seen: np.ndarray, cover: np.ndarray
) -> Matches:
    """Matches pixels of two pictures of one size.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        seen: `[h, w, 3]` float32, REF at LR's size, of any tone.
        cover: `[h, w]` bool: where REF shows something.
    """
    return matches_of_greys(sampling.grey(lr), sampling.grey(seen), cover)


def matches_of_greys(
    ours: np.ndarray, seen: np.ndarray, cover: np.ndarray
) -> Matches:
    """As `find_matches`, of pictures `[h, w]`."""
    if min(ours.shape) < _SMALLEST:
        nothing = np.zeros([*ours.shape, 2], np.float32)
        return Matches(nothing, np.zeros(ours.shape, bool))
    theirs = with_tones_of(seen, ours, cover)
    there, back = _there_and_back(ours, theirs)
    x, y = places(there)
    returned = there + cv2.remap(
        back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    certain = np.hypot(returned[..., 0], returned[..., 1]) < _RETURNS
    alike, _ = local_correlation(ours, sampling.moved(theirs, x, y))
    inside = cv2.remap(
        np.asarray(cover, np.float32), x, y, cv2.INTER_LINEAR, borderValue=0.0
    )
    certain &= (alike > _ALIKE) & (inside > 0.99)
    return Matches(there, certain)


def places(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates `x` and `y`, `[h, w]` float32, where `flow` points."""
    height, width = flow.shape[:2]
    x = np.arange(width, dtype=np.float32)[None, :] + flow[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    return x, y


def with_tones_of(
    picture: np.ndarray, other: np.ndarray, cover: np.ndarray
) -> np.ndarray:
    """`[h, w]` with the histogram that `other` has within `cover`."""
    shares = np.linspace(0.0, 1.0, _LEVELS)
    if not cover.any():
        return picture
    before, after = (quantiles(p[cover], shares) for p in (picture, other))
    before += 1e-6 * np.arange(_LEVELS)
    return np.interp(picture, before, after).astype(np.float32)


def quantiles(values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """As `np.quantile`, which takes ten times as long for many shares.

    Args:
        values: `[N]`, in any order.
        shares: `[M]` in [0, 1].
    """
    return np.interp(
        shares * (len(values) - 1), np.arange(len(values)), np.sort(values)
    )


def _there_and_back(
    first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Flows from `first` `[h, w]` to `second` and from there to `first`."""
    low, high = quantiles(first.ravel(), np.array([0.005, 0.995]))
    span = max(high - low, 1e-3)
    ours, theirs = (
        (255.0 * np.clip((p - low) / span, 0.0, 1.0) + 0.5).astype(np.uint8)
        for p in (first, second)
    )
    return _flow(ours, theirs, _THERE), _flow(theirs, ours, _BACK)


def _flow(first: np.ndarray, second: np.ndarray, halvings: int) -> np.ndarray:
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setFinestScale(halvings)
    dis.setVariationalRefinementIterations(_SMOOTHED)
    # The types want a flow to begin with, which the program does not.
    return dis.calc(first, second, None)  # type: ignore[call-overload]
