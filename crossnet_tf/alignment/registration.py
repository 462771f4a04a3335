"""Brings a reference of any size, zoom and turn onto HR's grid.

What features of both give (`search`) is believed if LR and REF, moved and
shrunk, look alike at LR's size. Resampling costs detail (0.3 to 0.7 dB), and
the network finds small displacements itself: so a REF that fits the grid and
moves by less than 5 % is left as it is. Most do, which dense matches show at a
tenth of what features cost.
"""

import dataclasses

import numpy as np

from crossnet_tf import arrays
from crossnet_tf.alignment import sampling
from crossnet_tf.alignment.correlation import agreement
from crossnet_tf.alignment.homography import is_sane
from crossnet_tf.alignment.matches import Matches
from crossnet_tf.alignment.overlay import Overlay
from crossnet_tf.alignment.search import (
    SURELY_ALIKE,
    matched_homography,
    over_hr,
)

# LR's longer side from which homographies were found without fail.
MIN_SIDE = 48
# What the network finds itself: turns, zooms and perspective that displace by
# this share of the longer side in the mean, and shifts of at most this share
# and this many pixels. Resampling would cost more detail than it helps.
LEFT_ALONE = 0.03
LEFT_SHIFT, LEFT_PIXELS = 0.1, 64.0
# Mean local correlation at LR's size that two views of a scene have.
ALIKE = 0.3
# Features that must agree, or else LR and REF be alike for sure.
_SURE = 12
# Difference in size that is cut off or repeated instead of resampled.
_NEARLY = 0.01
# REF's pixels for each of LR's, along a line, that are worth the work.
MIN_DETAIL = 1.2
# Share of LR's pixels that match a REF as it lies, so that it lies there for
# sure: 0.3 to 0.99 in two views of a scene, 0.00 of other scenes. Fewer will do
# for one that moves by half as much as one that is left alone.
_MATCHING, _FEW_MATCHING = 0.5, 0.25
# Of which so many say where REF lies.
_PLACES = 1000
# Share of the longer side by which nine tenths of them differ from one shift,
# where no homography need be asked.
_SHIFTED = 0.01


@dataclasses.dataclass(frozen=True)
class Alignment:
    """REF on HR's grid.

    Attributes:
        ref: `[s*h, s*w, 3]` float32 in [0, 1]; the nearest pixels of REF's
            border where it shows nothing; black if refused.
        cover: `[s*h, s*w]` bool: where REF shows something.
        homography: `[3, 3]` float64 from pixels `(x, y, 1)` of HR's grid to
            those of REF, whole numbers at pixel centres; None if refused.
        verdict: "kept" (REF is as it was), "aligned" or "refused".
        reason: why, in one line.
        overlay: `ref` over LR, if what matches was looked for.
    """

    ref: np.ndarray
    cover: np.ndarray
    homography: np.ndarray | None
    verdict: str
    reason: str
    overlay: Overlay | None = None

    def over(self, lr: np.ndarray) -> Overlay:
        """It over `lr` `[h, w, 3]`, with the matches that are known."""
        return self.overlay or Overlay(lr, self.ref, self.cover)


def align(lr: np.ndarray, ref: np.ndarray, scale: int) -> Alignment:
    """Finds how REF lies over LR, and resamples it where that pays.

    Args:
        lr: `[h, w, 3]`, or grey, of uint8, uint16 or float in [0, 1].
        ref: likewise, of any size, of the same scene.
        scale: HR size / LR size.

    Returns:
        REF on HR's grid, float32 in [0, 1] whatever was given, and what was
        found. Refused is a REF that does not fit the grid and shows something
        else, or no more detail than LR.

    Raises:
        ValueError: a picture is of another shape, kind or range.

    Example:
        >>> import crossnet_tf, numpy as np, skimage.data
        >>> photo = np.float32(skimage.data.astronaut()[:256, 100:356]) / 255
        >>> lr = photo.reshape(64, 4, 64, 4, 3).mean((1, 3))
        >>> ref = photo[:, ::-1].swapaxes(0, 1).copy()  # turned by 90 degrees
        >>> found = crossnet_tf.align(lr, ref, scale=4)
        >>> found.verdict, found.ref.shape
        ('aligned', (256, 256, 3))
    """
    lr, ref = arrays.rgb("lr", lr), arrays.rgb("ref", ref)
    size = scale * lr.shape[0], scale * lr.shape[1]
    if max(lr.shape[:2]) < MIN_SIDE:
        return _unmoved(ref, size, f"LR is under {MIN_SIDE} pixels wide")
    if ref.shape[:2] != size:
        return _looked_for(lr, ref, scale)
    overlay = Overlay(lr, ref, np.ones(size, bool))
    if _lies_right(overlay):
        found = _unmoved(ref, size, "it matches as it lies")
    else:
        found = _looked_for(lr, ref, scale)
    return (
        dataclasses.replace(found, overlay=overlay)
        if found.ref is ref
        else found
    )


def as_it_is(ref: np.ndarray) -> Alignment:
    """REF `[s*h, s*w, 3]` that is not to be moved."""
    cover = np.ones(ref.shape[:2], bool)
    return Alignment(ref, cover, np.eye(3), "kept", "")


def _lies_right(overlay: Overlay) -> bool:
    """Whether most of REF is where the network finds it, beyond doubt."""
    share = overlay.matches.certain.mean()
    if share < _FEW_MATCHING:
        return False
    if share >= _MATCHING and _is_shifted(overlay.matches, overlay.scale):
        return True
    height, width = overlay.lr.shape[:2]
    homography = matched_homography(overlay.matches, _PLACES)
    if homography is None or not is_sane(homography, height, width):
        return False
    to_hr = sampling.scaling(overlay.scale, overlay.scale)
    homography = to_hr @ homography @ np.linalg.inv(to_hr)
    size = overlay.ref.shape[:2]
    if share < _MATCHING:
        return _distance(homography, np.eye(3), *size) < 0.5 * LEFT_ALONE
    nearest = _without_resampling(homography, *size)
    return np.array_equal(nearest, np.eye(3))


def _is_shifted(matches: Matches, scale: int) -> bool:
    """Whether nearly all that matches moves alike, and not too far."""
    moves = matches.flow[matches.certain]
    moves = moves[:: len(moves) // _PLACES or 1]
    shift = np.median(moves, axis=0)
    side = max(matches.flow.shape[:2])
    far = np.hypot(*shift)
    rest = np.hypot(*(moves - shift).T)
    most = min(LEFT_SHIFT * side, LEFT_PIXELS / scale)
    return bool(
        far < (1.0 - _SHIFTED / LEFT_SHIFT) * most
        and np.mean(rest < _SHIFTED * side) > 0.9
    )


def _looked_for(lr: np.ndarray, ref: np.ndarray, scale: int) -> Alignment:
    """As `align`, wherever in REF that lies what LR shows."""
    size = scale * lr.shape[0], scale * lr.shape[1]
    homography, count = over_hr(lr, ref, scale)
    if homography is None:
        return _unmoved(ref, size, f"{count} places of REF were found in LR")
    needed = ALIKE if count >= _SURE else SURELY_ALIKE
    return _moved(lr, ref, homography, scale, needed)


def _fits(ref: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether REF is as large as HR, up to some pixels."""
    off = np.abs(np.subtract(ref.shape[:2], size))
    return bool((off <= _NEARLY * np.array(size)).all())


def _unmoved(ref: np.ndarray, size: tuple[int, int], reason: str) -> Alignment:
    """REF as it is, if it fits the grid up to some pixels, or refused."""
    if not _fits(ref, size):
        black, cover = np.zeros([*size, 3], np.float32), np.zeros(size, bool)
        return Alignment(black, cover, None, "refused", reason)
    return Alignment(
        *laid_over(ref, np.eye(3), size), np.eye(3), "kept", reason
    )


def laid_over(
    ref: np.ndarray, homography: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """REF on HR's grid; REF itself if it already is.

    Args:
        ref: `[H, W, 3]` float32 in [0, 1].
        homography: `[3, 3]` from pixels of HR's grid to those of `ref`.
        size: height and width of HR.

    Returns:
        `[s*h, s*w, 3]` float32, and `[s*h, s*w]` bool: what it covers.
    """
    if ref.shape[:2] == size and np.array_equal(homography, np.eye(3)):
        return ref, np.ones(size, bool)
    return sampling.warped(ref, homography, *size)


def _distance(
    first: np.ndarray, second: np.ndarray, height: int, width: int
) -> float:
    """How far two homographies lie apart, as a share of the longer side."""
    x, y = np.meshgrid(np.linspace(0, width, 9), np.linspace(0, height, 9))
    places = np.stack([x.ravel(), y.ravel()], axis=-1)
    moves = sampling.mapped(first, places) - sampling.mapped(second, places)
    return float(np.linalg.norm(moves, axis=-1).mean() / max(height, width))


def _without_resampling(
    homography: np.ndarray, height: int, width: int
) -> np.ndarray:
    """The nearest one of quarter turns and whole pixels, if it will do."""
    middle = np.array([(width - 1) // 2, (height - 1) // 2], np.float64)
    around = middle + np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    here, right, below = sampling.mapped(homography, around)
    (a, d), (b, e) = right - here, below - here
    quarters = round(np.arctan2(d - b, a + e) / (np.pi / 2)) % 4
    cos, sin = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarters]
    exact = np.eye(3)
    exact[:2, :2] = [[cos, -sin], [sin, cos]]
    exact[:2, 2] = np.round(here - exact[:2, :2] @ middle)
    side = max(height, width)
    if _distance(homography, exact, height, width) > LEFT_ALONE:
        return homography
    shift = side * _distance(exact, np.eye(3), height, width)
    return np.eye(3) if shift < min(LEFT_SHIFT * side, LEFT_PIXELS) else exact


def _moved(
    lr: np.ndarray,
    ref: np.ndarray,
    homography: np.ndarray,
    scale: int,
    needed: float,
) -> Alignment:
    height, width = lr.shape[:2]
    size = scale * height, scale * width
    detail = scale * sampling.magnification(homography, *size)
    if detail < MIN_DETAIL:
        reason = f"it has {detail:.2f} pixels for one of LR along a line"
        return _unmoved(ref, size, reason)
    small = sampling.scaling(scale, scale)
    seen, cover = sampling.warped(
        sampling.grey(ref), homography @ small, height, width
    )
    alike = agreement(sampling.grey(lr), seen, cover)
    reason = (
        f"{detail:.2g} of its pixels for one of LR along a line, over "
        f"{cover.mean():.0%} of LR, correlation {alike:.2f}"
    )
    if alike < needed:
        return _unmoved(ref, size, f"what lies over LR differs: {reason}")
    homography = _without_resampling(homography, *size)
    if np.array_equal(homography, np.eye(3)) and _fits(ref, size):
        return _unmoved(ref, size, f"it hardly moves: {reason}")
    moved, cover = laid_over(ref, homography, size)
    return Alignment(moved, cover, homography, "aligned", reason)
