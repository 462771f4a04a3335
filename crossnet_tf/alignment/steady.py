"""Frames of a video with one REF: prepared as pictures are, but steadily.

What was found for one frame would differ a little for the next, and the video
would flicker. So where REF lies and what the cameras differ by are found once,
and kept as long as frames move little against the frame they were found for;
the network finds small moves itself. Only dense flow at LR's size is asked in
between.
"""

import dataclasses

import numpy as np

from crossnet_tf import arrays
from crossnet_tf.alignment import registration
from crossnet_tf.alignment.filling import filled
from crossnet_tf.alignment.matches import Matches, find_matches
from crossnet_tf.alignment.matching import Cameras, match_over, without_noise
from crossnet_tf.alignment.overlay import Overlay
from crossnet_tf.alignment.preparing import Prepared, aligned
from crossnet_tf.alignment.registration import Alignment

# Share of LR's longer side that a frame may move until all is found anew.
_MOVES = registration.LEFT_ALONE
# Share of the matches that must be left.
_LEFT = 0.5
_ALIKE = Cameras(None, False, 0.0)


@dataclasses.dataclass(frozen=True)
class _Found:
    """What is kept from frame to frame: `ref` is ready for the network."""

    overlay: Overlay
    cameras: Cameras
    ref: np.ndarray


class SteadyRef:
    """Callable that prepares frames of a video with the same REF.

    Args:
        ref: `[H, W, 3]`, or grey, of uint8, uint16 or float in [0, 1], of any
            size.
        scale: HR size / LR size.
        alignment: "auto", or "none": REF is `[s*h, s*w, 3]`.
        matching: "auto", or "none".
        follows_tone: as `matching.match`.
    """

    def __init__(
        self,
        ref: np.ndarray,
        scale: int,
        alignment: str = "auto",
        matching: str = "auto",
        follows_tone: bool = False,
    ):
        self._given, self._scale = arrays.rgb("ref", ref), scale
        self._aligns, self._matches = alignment == "auto", matching == "auto"
        self._follows_tone = follows_tone
        self._found: _Found | None = None

    def __call__(self, lr: np.ndarray) -> Prepared:
        """The pair for one frame, a picture of the kinds that REF may have.

        Raises:
            ValueError: REF does not fit, or shows nothing of the first frame,
                or the frame is of another shape, kind or range.
        """
        lr = arrays.rgb("lr", lr)
        if self._found is None or self._has_moved(lr, self._found.overlay):
            self._found = self._anew(lr)
        found = self._found
        cover, cameras = found.overlay.cover, found.cameras
        ours, ref = cameras.of_lr(lr), found.ref
        shown = None if cover.all() else cover
        ref = ref if shown is None else filled(ref, shown, ours)
        return Prepared(ours, ref, shown, cameras.notes, cameras.linear)

    def _has_moved(self, lr: np.ndarray, last: Overlay) -> bool:
        """Whether REF lies over this frame otherwise than over the last."""
        if not self._aligns:
            return False
        now = find_matches(lr, last.seen, last.inside)
        return _differ(last.matches, now, max(lr.shape[:2]))

    def _anew(self, lr: np.ndarray) -> _Found:
        """Where REF lies, and what the cameras differ by if not known."""
        laid, last = self._laid(lr), self._found
        if laid.verdict == "refused" and last is not None:
            return last
        overlay = laid.over(lr)
        cameras = _ALIKE if last is None else last.cameras
        if self._matches:
            overlay = without_noise(self._given, laid, overlay)
            # Nothing known: perhaps too little of the last frame matched.
            if not cameras.notes:
                _, cameras = match_over(overlay, self._follows_tone)
        return _Found(overlay, cameras, cameras.of_ref(overlay.ref))

    def _laid(self, lr: np.ndarray) -> Alignment:
        """REF on the grid; refused only if it was over a frame before."""
        if not self._aligns:
            return registration.as_it_is(self._given)
        align = aligned if self._found is None else registration.align
        return align(lr, self._given, self._scale)


def _differ(before: Matches, now: Matches, side: int) -> bool:
    """Whether flow has changed by more than the network finds itself."""
    both = before.certain & now.certain
    if both.sum() <= _LEFT * before.certain.sum():
        return True
    moved = np.linalg.norm(now.flow - before.flow, axis=-1)[both]
    return bool(np.median(moved) > _MOVES * side)
