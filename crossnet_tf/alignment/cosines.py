"""The cosine transform of blocks of 8x8 pixels, in which noise is read."""

import math

import numpy as np

SIDE = 8
"""Of a block, in pixels."""
_DARKEST, _BRIGHTEST = 0.03, 0.97


def _cosines() -> np.ndarray:
    k, i = np.mgrid[:SIDE, :SIDE]
    line = np.cos(np.pi * k * (2 * i + 1) / (2 * SIDE))
    line *= np.where(k == 0, np.sqrt(1.0 / SIDE), np.sqrt(2.0 / SIDE))
    return np.kron(line, line).astype(np.float32)


COSINES = _cosines()
"""Of flat blocks, `[64, 64]` float32: a coefficient in each row."""

FREQUENCIES = np.add.outer(np.arange(SIDE), np.arange(SIDE)).ravel()
"""The sum of both frequencies of each coefficient, `[64]`."""


def whole_blocks(picture: np.ndarray, enough: int = 0) -> np.ndarray:
    """Blocks that lost no noise to black or white, `[N, 3, 64]`.

    By the brightness of their pixels: mean colours tell too late, and read
    noise of sigma 20 0.4 levels lower (13 photographs).

    Args:
        picture: `[H, W, 3]` float32 in [0, 1].
        enough: as `flat_blocks`.
    """
    blocks = flat_blocks(picture, enough)
    brightness = blocks.mean(1)
    shown = brightness.min(-1) > _DARKEST
    return blocks[shown & (brightness.max(-1) < _BRIGHTEST)]


def flat_blocks(picture: np.ndarray, enough: int = 0) -> np.ndarray:
    """Blocks side by side, `[N, 3, 64]`; what is left at the ends is cut.

    Args:
        picture: `[H, W, 3]` float32.
        enough: blocks, evenly spread, that will do; 0: all are wanted.
    """
    rows, columns = (n // SIDE for n in picture.shape[:2])
    cut = picture[: SIDE * rows, : SIDE * columns]
    blocks = cut.reshape(rows, SIDE, columns, SIDE, 3)
    if enough:
        step = math.isqrt(rows * columns // enough) or 1
        blocks = blocks[step // 2 :: step, :, step // 2 :: step]
    return blocks.transpose(0, 2, 4, 1, 3).reshape(-1, 3, SIDE * SIDE)
