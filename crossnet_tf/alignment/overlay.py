"""REF on HR's grid over LR: what of both is asked more than once."""

import functools

import numpy as np

from crossnet_tf.alignment import sampling
from crossnet_tf.alignment.matches import Matches, find_matches, places


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
    def seen(self) -> np.ndarray:
        """REF at LR's size, `[h, w, 3]` float32."""
        return sampling.resized(self.ref, *self.lr.shape[:2])

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
        return sampling.sampled(self.seen, *places(self.matches.flow))
