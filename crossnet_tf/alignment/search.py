"""Where REF lies over LR: by features at first, then by all that matches.

LR enlarged twice and REF shrunk to as many pixels are compared by their
features. Where a small LR has few it is enlarged four times, too. What features
give is good to a tenth or a quarter of LR's pixel; dense matches between LR
and REF laid over it (`matches`) make it exact. Where a small LR and what lies
over it are not alike then, REF is tried at many sizes (`templates`).
"""

import cv2
import numpy as np

from crossnet_tf.alignment import sampling
from crossnet_tf.alignment.correlation import agreement
from crossnet_tf.alignment.homography import (
    fitted_homography,
    is_sane,
    matched_features,
)
from crossnet_tf.alignment.matches import Matches, matches_of_greys
from crossnet_tf.alignment.templates import by_templates

# Pixels of the pictures whose features are compared.
_MAX_PIXELS = 2_000_000
_FACTOR = 2.0
# LR pixels up to which few features are looked for at twice that size, too.
_SMALL, _SMALL_FACTOR = 20_000, 4.0
# Distance at which two matched features still agree, in pixels of LR.
_AGREE = 1.25
# Correlation at LR's size that leaves no doubt.
SURELY_ALIKE = 0.7
# Features that are enough.
_FEW = 40
# LR pixels up to which dense matches are looked for.
_MAX_DENSE_PIXELS = 1_000_000
_DENSE_ROUNDS = 2
_DENSE_AGREE = 0.5
_MIN_DENSE, _MAX_DENSE = 100, 3000


def over_hr(
    lr: np.ndarray, ref: np.ndarray, scale: int
) -> tuple[np.ndarray | None, int]:
    """From HR's pixels to REF's, and how many features agree, if any did.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        ref: `[H, W, 3]` float32 in [0, 1], of any size.
        scale: HR size / LR size.

    Returns:
        `[3, 3]` float64, or None where none can be believed.
    """
    lr, ref = sampling.grey(lr), sampling.grey(ref)
    height, width = size = lr.shape
    # In a REF of as many pixels: its size says nothing of its zoom.
    finer = np.sqrt(ref.shape[0] * ref.shape[1] / (height * width))
    enlarging = sampling.scaling(finer, finer)
    shrinking = np.linalg.inv(enlarging)
    here, there = _matches(lr, ref, _FACTOR, shrinking)
    homography, count = fitted_homography(here, there, size, _AGREE)
    if count < _FEW and height * width <= _SMALL:
        more = _matches(lr, ref, _SMALL_FACTOR, shrinking)
        here, there = np.append(here, more[0], 0), np.append(there, more[1], 0)
        homography, count = fitted_homography(here, there, size, _AGREE)
    if homography is not None:
        homography = enlarging @ homography
        if height * width <= _MAX_DENSE_PIXELS:
            homography = refined(lr, ref, homography)
    if height * width <= _SMALL:
        homography, count = _or_by_templates(lr, ref, homography, count)
    if homography is None:
        return None, count
    homography = homography @ np.linalg.inv(sampling.scaling(scale, scale))
    return homography / homography[2, 2], count


def refined(
    lr: np.ndarray, ref: np.ndarray, homography: np.ndarray
) -> np.ndarray:
    """A homography that lays REF over LR better, if dense matches give one.

    Args:
        lr: `[h, w]` float32 in [0, 1].
        ref: `[H, W]` float32 in [0, 1].
        homography: `[3, 3]` from LR's pixels to REF's.
    """
    best, before = -1.0, homography
    for step in range(_DENSE_ROUNDS + 1):
        seen, cover = sampling.warped(ref, homography, *lr.shape)
        alike = agreement(lr, seen, cover)
        if alike <= best:
            return before
        best, before = alike, homography
        if step == _DENSE_ROUNDS:
            break
        change = matched_homography(matches_of_greys(lr, seen, cover))
        if change is None or not is_sane(change, *lr.shape):
            break
        homography = homography @ change
    return before


def _or_by_templates(
    lr: np.ndarray, ref: np.ndarray, homography: np.ndarray | None, count: int
) -> tuple[np.ndarray | None, int]:
    """What was found, or what templates give, if that lies better."""
    before = -1.0 if homography is None else _alike(lr, ref, homography)
    if before >= SURELY_ALIKE:
        return homography, count
    tried = by_templates(lr, ref)
    if tried is None:
        return homography, count
    tried = refined(lr, ref, tried)
    after = _alike(lr, ref, tried)
    better = after > max(before, SURELY_ALIKE)
    return (tried, 0) if better else (homography, count)


def _alike(lr: np.ndarray, ref: np.ndarray, homography: np.ndarray) -> float:
    seen, cover = sampling.warped(ref, homography, *lr.shape)
    return agreement(lr, seen, cover)


def matched_homography(
    found: Matches, most: int = _MAX_DENSE
) -> np.ndarray | None:
    """From LR's pixels to those of a picture that nearly lies over it.

    Args:
        found: what of both matches.
        most: pixels that are looked at.

    Returns:
        `[3, 3]` float64; None where too little matches.
    """
    y, x = np.nonzero(found.certain)
    if len(x) < _MIN_DENSE:
        return None
    some = np.random.default_rng(0).permutation(len(x))[:most]
    y, x = y[some], x[some]
    here = np.stack([x, y], axis=-1).astype(np.float64)
    change, _ = cv2.findHomography(
        here,
        here + found.flow[y, x],
        cv2.USAC_MAGSAC,
        _DENSE_AGREE,
        maxIters=2000,
        confidence=0.999,
    )
    return change


def _matches(
    lr: np.ndarray, ref: np.ndarray, factor: float, shrinking: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Places of LR, enlarged for that, and of REF, shrunk, that match."""
    height, width = lr.shape
    factor = min(factor, np.sqrt(_MAX_PIXELS / (height * width)))
    rows, columns = round(factor * height), round(factor * width)
    larger = sampling.resized(lr, rows, columns)
    shrink = min(1.0, np.sqrt(larger.size / ref.size))
    size = [max(round(shrink * n), 1) for n in ref.shape]
    smaller = sampling.resized(ref, *size)
    here, there = matched_features(larger, smaller)
    to_lr = sampling.scaling(width / columns, height / rows)
    to_ref = sampling.scaling(ref.shape[1] / size[1], ref.shape[0] / size[0])
    there = sampling.mapped(shrinking @ to_ref, there)
    return sampling.mapped(to_lr, here), there
