"""References of other scenes, which alignment should refuse."""

from collections.abc import Iterator, Sequence

import numpy as np

from crossnet_tf.alignment import sampling
from tests.measuring.scenes import Scene, cut, levels

# LR's longer side.
_SIDE = 112


def wrong_pairs(
    scenes: Sequence[Scene], scale: int, count: int
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Names, HR of a scene and REF of another: `count` of them.

    Scenes are the same where their names are up to the first `_v` or `_t`
    and number; REF is as large as HR.
    """
    random = np.random.default_rng(0)
    made = 0
    while made < count:
        one, other = random.choice(len(scenes), 2, replace=False)
        ours, theirs = scenes[one], scenes[other]
        if _place(ours.name) == _place(theirs.name):
            continue
        made += 1
        hr = _fitted(ours.hr, scale)
        ref = np.clip(sampling.resized(theirs.ref, *hr.shape[:2]), 0.0, 1.0)
        yield f"{ours.name} <- {theirs.name}", hr, levels(ref)


def _fitted(hr: np.ndarray, scale: int) -> np.ndarray:
    factor = min(1.0, scale * _SIDE / max(hr.shape[:2]))
    size = (round(factor * n) for n in hr.shape[:2])
    return cut(levels(sampling.resized(hr, *size)), 2 * scale)


def _place(name: str) -> str:
    return name.split("_v")[0].split("_t")[0]
