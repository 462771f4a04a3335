"""The cosine transform of blocks of 8x8 pixels, in which noise is read."""

import numpy as np

SIDE = 8
"""Of a block, in pixels."""


def _cosines() -> np.ndarray:
    k, i = np.mgrid[:SIDE, :SIDE]
    line = np.cos(np.pi * k * (2 * i + 1) / (2 * SIDE))
    line *= np.where(k == 0, np.sqrt(1.0 / SIDE), np.sqrt(2.0 / SIDE))
    return np.kron(line, line).astype(np.float32)


COSINES = _cosines()
"""Of flat blocks, `[64, 64]` float32: a coefficient in each row."""

FREQUENCIES = np.add.outer(np.arange(SIDE), np.arange(SIDE)).ravel()
"""The sum of both frequencies of each coefficient, `[64]`."""


def flat_blocks(picture: np.ndarray) -> np.ndarray:
    """Blocks side by side, `[N, 3, 64]`; what is left at the ends is cut.

    Args:
        picture: `[H, W, 3]` float32.
    """
    rows, columns = (n // SIDE for n in picture.shape[:2])
    cut = picture[: SIDE * rows, : SIDE * columns]
    blocks = cut.reshape(rows, SIDE, columns, SIDE, 3)
    return blocks.transpose(0, 2, 4, 1, 3).reshape(-1, 3, SIDE * SIDE)
