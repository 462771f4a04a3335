"""REF on HR's grid over LR: what of both is asked more than once."""

import dataclasses
import functools

import cv2
import numpy as np

from crossnet_tf.alignment import blur, sampling
from crossnet_tf.alignment.matches import Matches, find_matches, places

# LR pixels along a side of the best part, from which light and blur are found.
_PART = 512
# REF's pixels up to which its means are kept, and the best part is all.
_KEPT = 2**22


@dataclasses.dataclass(frozen=True)
class BestPart:
    """The part of a pair that matches best, so that memory is bounded.

    Attributes:
        lr: `[h, w, 3]` float32 in [0, 1].
        ref: `[s*h, s*w, 3]` float32 in [0, 1].
        matches: of the part.
        expected: `[h, w, 3]` float32, what REF says LR should be.
    """

    lr: np.ndarray
    ref: np.ndarray
    matches: Matches
    expected: np.ndarray


class Overlay:
    """LR and a REF of its frame, and what matches at LR's size, found once.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        ref: `[s*h, s*w, 3]` float32 in [0, 1].
        cover: `[s*h, s*w]` bool: where REF shows something.

    Attributes:
        lr, ref, cover: as given.
    """

    def __init__(self, lr: np.ndarray, ref: np.ndarray, cover: np.ndarray):
        self.lr, self.ref, self.cover = lr, ref, cover

    @property
    def scale(self) -> int:
        """HR size / LR size."""
        return self.ref.shape[0] // self.lr.shape[0]

    @functools.cached_property
    def means(self) -> np.ndarray | None:
        """`blur.means` of REF; None: too many to be kept."""
        if self.ref.shape[0] * self.ref.shape[1] > _KEPT:
            return None
        return blur.means(self.ref, self.scale)

    @functools.cached_property
    def seen(self) -> np.ndarray:
        """REF at LR's size, `[h, w, 3]` float32."""
        if self.means is None:
            return sampling.resized(self.ref, *self.lr.shape[:2])
        return blur.shrunk_means(self.means, self.scale)

    @functools.cached_property
    def inside(self) -> np.ndarray:
        """Pixels of LR that REF shows all of, `[h, w]` bool."""
        if self.cover.all():
            return np.ones(self.lr.shape[:2], bool)
        shown = np.asarray(self.cover, np.float32)
        return sampling.resized(shown, *self.lr.shape[:2]) > 0.99

    @functools.cached_property
    def matches(self) -> Matches:
        """Pixels of both that show the same point."""
        return find_matches(self.lr, self.seen, self.inside)

    @functools.cached_property
    def moved(self) -> np.ndarray:
        """REF at LR's size, moved onto LR, `[h, w, 3]` float32."""
        return sampling.moved(self.seen, *places(self.matches.flow))

    @functools.cached_property
    def best(self) -> BestPart:
        """Up to 512 pixels of LR along a side, with the most matches."""
        if self.means is not None:
            flow = self.matches.flow
            expected = blur.moved_means(self.means, flow, self.scale)
            return BestPart(self.lr, self.ref, self.matches, expected)
        height, width = (min(n, _PART) for n in self.lr.shape[:2])
        counts = cv2.boxFilter(
            self.matches.certain.astype(np.float32),
            cv2.CV_32F,
            (width, height),
            anchor=(0, 0),
            borderType=cv2.BORDER_CONSTANT,
        )[: self.lr.shape[0] - height + 1, : self.lr.shape[1] - width + 1]
        top, left = np.unravel_index(counts.argmax(), counts.shape)
        part = np.s_[top : top + height, left : left + width]
        s = self.scale
        ref = self.ref[s * top :, s * left :][: s * height, : s * width]
        flow = self.matches.flow[part]
        matches = Matches(flow, self.matches.certain[part])
        expected = blur.moved_and_shrunk(ref, flow, s)
        return BestPart(self.lr[part], ref, matches, expected)
