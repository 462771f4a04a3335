"""REF as LR's camera would have taken it.

The network was trained on LR and REF of one camera. What another camera does
differently is undone before: its tone and colour (`tone`). Each step is taken
only if it explains pixels better that it was not fitted to.
"""

import dataclasses

import numpy as np

from crossnet_tf.alignment import sampling
from crossnet_tf.alignment.matches import find_matches, places
from crossnet_tf.alignment.tone import Tone, find_tone

# The first tone is found with matches of a wrong one.
_ROUNDS = 2


@dataclasses.dataclass(frozen=True)
class Matched:
    """A pair whose pictures could be of one camera.

    Attributes:
        lr: `[h, w, 3]` float32 in [0, 1].
        ref: `[s*h, s*w, 3]` float32 in [0, 1].
        notes: what was done, a few words each.
    """

    lr: np.ndarray
    ref: np.ndarray
    notes: tuple[str, ...]


def match(lr: np.ndarray, ref: np.ndarray, cover: np.ndarray) -> Matched:
    """Brings REF to LR's tone, where that is sure to help.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        ref: `[s*h, s*w, 3]` float32 in [0, 1], aligned.
        cover: `[s*h, s*w]` bool: where REF shows something.
    """
    notes = []
    tone = _tone(lr, ref, cover)
    if tone is not None:
        ref = tone(ref)
        notes.append("tone")
    return Matched(lr, ref, tuple(notes))


def _tone(lr: np.ndarray, ref: np.ndarray, cover: np.ndarray) -> Tone | None:
    seen = sampling.resized(ref, *lr.shape[:2])
    inside = sampling.resized(np.float32(cover), *lr.shape[:2]) > 0.99
    tone, toned = None, seen
    for _ in range(_ROUNDS):
        matches = find_matches(lr, toned, inside)
        moved = sampling.sampled(seen, *places(matches.flow))
        better = find_tone(lr, moved, matches.certain)
        if better is None:
            return tone
        tone, toned = better, better(seen)
    return tone
