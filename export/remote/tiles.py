"""Cuts a large pair into tiles and blends the results, with NumPy alone.

The same scheme as `crossnet_tf.upscaling.upscaler`, for a client without
TensorFlow: a tile's input reaches `margin` pixels further than the tile on
each side, in LR and REF alike, because what a pixel needs of REF may lie as
far away as the largest displacement. Tiles begin at multiples of `GRID`, so
that the strided layers see the same grid as in the whole picture; neighbours
overlap by one `GRID` and are blended with raised cosines.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

GRID = 64  # the largest stride of the networks, a multiple of every scale


@dataclasses.dataclass(frozen=True)
class Tile:
    """One request's place; all in HR pixels.

    Attributes:
        rows, columns: begin and end of what it contributes to.
        input_rows, input_columns: begin and end of what is sent.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    input_rows: tuple[int, int]
    input_columns: tuple[int, int]

    def cut(self, image: np.ndarray, scale: int = 1) -> np.ndarray:
        """What is sent of a picture.

        Args:
            image: `[H, W, 3]`, or LR with the network's `scale`.
            scale: HR size / size of `image`.
        """
        (top, bottom), (left, right) = self.input_rows, self.input_columns
        return image[
            top // scale : bottom // scale, left // scale : right // scale
        ]


def split(height: int, width: int, max_side: int, margin: int) -> list[Tile]:
    """Tiles that cover a picture; one if it is small enough.

    Args:
        height: of the HR picture.
        width: of the HR picture.
        max_side: of a request's REF, margins included; 0: no limit.
        margin: how far a tile's input reaches beyond it.

    Raises:
        ValueError: `max_side` leaves no room for a tile.
    """
    whole = (0, height), (0, width)
    if not max_side or height * width <= max_side**2:
        return [Tile(*whole, *whole)]
    margin = -(-margin // GRID) * GRID
    side = (max_side - 2 * margin) // GRID * GRID
    if side < 2 * GRID:
        raise ValueError(
            f"`max_side` must be at least {2 * (margin + GRID)} with "
            f"margin={margin}. Received: max_side={max_side}."
        )
    return [
        Tile(
            rows,
            columns,
            _reach(rows, margin, height),
            _reach(columns, margin, width),
        )
        for rows in _spans(height, side)
        for columns in _spans(width, side)
    ]


class Canvas:
    """Collects tiles, in any order, into a picture.

    Args:
        height: of the picture.
        width: of the picture.
    """

    def __init__(self, height: int, width: int):
        self._sum = np.zeros([height, width, 3], np.float32)
        self._weight = np.zeros([height, width, 1], np.float32)

    def add(self, tile: Tile, image: np.ndarray) -> None:
        """Adds a tile's result.

        Args:
            tile: its place.
            image: uint8, as large as what was sent.

        Raises:
            ValueError: `image` has another size.
        """
        (top, bottom), (left, right) = tile.input_rows, tile.input_columns
        if image.shape != (bottom - top, right - left, 3):
            raise ValueError(
                f"The server's picture must be {right - left} x "
                f"{bottom - top} pixels. Received: shape={image.shape}."
            )
        height, width = self._sum.shape[:2]
        rows, columns = slice(*tile.rows), slice(*tile.columns)
        weight = np.outer(_ramp(tile.rows, height), _ramp(tile.columns, width))
        inner = image[
            tile.rows[0] - top : tile.rows[1] - top,
            tile.columns[0] - left : tile.columns[1] - left,
        ]
        self._sum[rows, columns] += weight[..., None] * inner
        self._weight[rows, columns] += weight[..., None]

    def picture(self) -> np.ndarray:
        """`[H, W, 3]` uint8; every pixel must have been added."""
        return np.uint8(self._sum / self._weight + 0.5)


def _spans(size: int, side: int) -> Iterator[tuple[int, int]]:
    begin = 0
    while True:
        end = min(begin + side, size)
        yield begin, end
        if end == size:
            return
        begin = end - GRID


def _reach(span: tuple[int, int], margin: int, size: int) -> tuple[int, int]:
    return max(span[0] - margin, 0), min(span[1] + margin, size)


def _ramp(span: tuple[int, int], size: int) -> np.ndarray:
    """1, but a raised cosine over the overlap with a neighbour."""
    weight = np.ones(span[1] - span[0], np.float32)
    phase = (np.arange(GRID, dtype=np.float32) + 0.5) / GRID
    rise = 0.5 - 0.5 * np.cos(np.pi * phase)
    if span[0] > 0:
        weight[:GRID] = rise[: weight.size]
    if span[1] < size:
        weight[-GRID:] = rise[::-1][-weight.size :]
    return weight
