"""Noise of REF that is not white: JPEG has cut it, or a camera smoothed it.

Its finest coefficients are small, as those of texture are. LR tells the two
apart: where LR is quiet, texture is quiet in REF, too, at LR's size. Noise is
not. How strong the noise is at each frequency is then read from the blocks of
REF that are quietest, for brightness and two differences of colour.

What REF has beyond LR there, levels of 255, x4, 21 pairs: clean at most 0.65;
noise of sigma 20, smoothed or JPEG, 1.2 to 2.5; sigma 10, smoothed, up to 1.1.
Scenes without quiet places (foliage) tell nothing.
"""

import cv2
import numpy as np

from crossnet_tf.alignment import sampling
from crossnet_tf.alignment.cosines import (
    COSINES,
    FREQUENCIES,
    SIDE,
    whole_blocks,
)
from crossnet_tf.alignment.denoising import OPPONENT

# LR pixels over which what is shown is fine, and places are.
_FINE, _PLACE = 5, 9
# Share of LR's places that are its quiet ones, and the levels of 255 of detail
# that they may have.
_QUIET_PLACES, _QUIET = 0.2, 4.5
# Levels of 255 beyond LR's that noise has there.
_BEYOND = 0.7
# Share of REF's blocks that is asked, and the mean that noise has in those
# with least of it, over its true power.
_QUIETEST, _QUIET_POWER = 0.1, 0.7
_FEWEST = 20
# The sum of two frequencies from which a block counts as busy; below it the
# scene is shaded, and noise is taken for as strong as from here to the next.
_BUSY, _NEXT = 2, 4


def is_beyond_lr(lr: np.ndarray, moved: np.ndarray, inside: np.ndarray) -> bool:
    """Whether REF shows something where LR shows nothing.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        moved: `[h, w, 3]` float32: REF shrunk, moved onto LR.
        inside: `[h, w]` bool: what REF shows all of.
    """
    if not inside.any():
        return False
    ours, theirs = (_fine_power(picture) for picture in (lr, moved))
    ours, theirs = ours[inside], theirs[inside]
    quiet = ours <= np.quantile(ours, _QUIET_PLACES)
    # A soft LR shows less everywhere, noise adds as much everywhere.
    busy = ours >= np.median(ours)
    gain = max(theirs[busy].sum() / (ours[busy].sum() + 1e-6), 1.0)
    # The median, since what LR does not show at all is no noise either.
    beyond = np.median(theirs[quiet] - gain * ours[quiet])
    level = ours[quiet].mean()
    return bool(level < _QUIET**2 and beyond > _BEYOND**2)


def _fine_power(picture: np.ndarray) -> np.ndarray:
    grey = 255.0 * sampling.grey(picture)
    fine = grey - cv2.blur(grey, (_FINE, _FINE))
    return cv2.blur(fine**2, (_PLACE, _PLACE))


def noise_spectrum(picture: np.ndarray) -> np.ndarray:
    """Standard deviations of the noise, in levels of 255.

    Args:
        picture: `[H, W, 3]` float32 in [0, 1].

    Returns:
        `[3, 64]` float32: of the cosine transform of blocks of 8x8 pixels,
        for each plane that `denoising` works on; 0 where REF is small.
    """
    blocks = whole_blocks(picture)
    if len(blocks) < _FEWEST:
        return np.zeros([3, SIDE**2], np.float32)
    found = np.einsum("dc,bcp,kp->bdk", OPPONENT, blocks, COSINES) ** 2
    order = found[:, 0, FREQUENCIES >= _BUSY].mean(-1).argsort()
    power = found[order[: max(round(_QUIETEST * len(order)), 1)]].mean(0)
    # Blocks are chosen by brightness, so that of colours is not too small.
    power[0] /= _QUIET_POWER
    near = (FREQUENCIES >= _BUSY) & (FREQUENCIES <= _NEXT)
    power[:, FREQUENCIES < _BUSY] = power[:, near].mean(-1, keepdims=True)
    return (255.0 * np.sqrt(power)).astype(np.float32)


def finest(spectrum: np.ndarray) -> float:
    """Level of brightness at the finer half of the frequencies."""
    fine = spectrum[0, FREQUENCIES >= SIDE - 1]
    return float(np.sqrt((fine**2).mean()))
