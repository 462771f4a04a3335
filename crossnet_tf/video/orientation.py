"""How a video's display matrix turns and mirrors its frames.

The matrix has nine 32-bit numbers; the four that matter map a stored point
(x, y) to the shown one: x' = a x + c y, y' = b x + d y, in 16.16 fixed point.
FFmpeg's own angle of it forgets that a front camera mirrors.
"""

import struct

import numpy as np

_UPRIGHT = (1, 0, 0, 1)
# (a, b, c, d) -> what to do with `[H, W, C]`: transpose, flip rows, columns.
_STEPS = {
    (1, 0, 0, 1): (False, False, False),
    (-1, 0, 0, 1): (False, False, True),
    (1, 0, 0, -1): (False, True, False),
    (-1, 0, 0, -1): (False, True, True),
    (0, 1, 1, 0): (True, False, False),
    (0, 1, -1, 0): (True, False, True),
    (0, -1, 1, 0): (True, True, False),
    (0, -1, -1, 0): (True, True, True),
}


def signs(matrix: bytes) -> tuple[int, int, int, int]:
    """(a, b, c, d) of a display matrix, each -1, 0 or 1.

    Args:
        matrix: 36 bytes, as FFmpeg hands them on; empty: upright.

    Raises:
        ValueError: it does more than turn in quarters and mirror.
    """
    if len(matrix) < 36:
        return _UPRIGHT
    numbers = struct.unpack("=9i", matrix[:36])
    found = tuple(
        int(np.sign(numbers[i])) if abs(numbers[i]) > 2**12 else 0
        for i in (0, 1, 3, 4)
    )
    if found not in _STEPS:
        raise ValueError("its frames are turned by other than quarters")
    return found


def upright(pixels: np.ndarray, turn: tuple[int, int, int, int]) -> np.ndarray:
    """A frame as it is shown.

    Args:
        pixels: `[H, W, C]` as stored.
        turn: what `signs` found.

    Returns:
        `[H, W, C]` or `[W, H, C]`.
    """
    transpose, rows, columns = _STEPS[turn]
    if transpose:
        pixels = pixels.swapaxes(0, 1)
    if rows:
        pixels = pixels[::-1]
    if columns:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
