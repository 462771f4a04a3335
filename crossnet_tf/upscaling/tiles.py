"""Cuts a large pair into tiles and blends the results, with NumPy alone.

A tile's input reaches `margin` pixels further than the tile on every side, in
LR and in REF alike: what a pixel needs of REF may lie as far away as the
largest displacement, and the convolutions look around it. Tiles begin at
multiples of `grid`, so that a network's strided layers see the same pixels as
in the whole picture. Neighbours overlap by one `grid` and are blended with
raised-cosine weights.

          margin      tile       margin
        |--------|------------|--------|
                        |overlap|
                        |------------|          the next tile

What differs from the whole picture is only what the network saw beyond the
margin. Where it is known how far REF lies from LR (`displacement`), a tile
looks at REF some way off, and its margin is as small as that allows.
`upscaler` runs a network on tiles; the client of a server, which has no
TensorFlow, asks for them.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

GRID = 64  # the largest stride of the networks, a multiple of every scale


@dataclasses.dataclass(frozen=True)
class Tile:
    """One tile's place; all in HR pixels.

    Attributes:
        rows, columns: begin and end of what it contributes to.
        input_rows, input_columns: begin and end of what the network sees.
        overlap: width of what it shares with each neighbour.
        shift: `(dx, dy)` from its input to what it sees of REF.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    input_rows: tuple[int, int]
    input_columns: tuple[int, int]
    overlap: int
    shift: tuple[int, int] = (0, 0)

    def cut(self, image: np.ndarray, scale: int = 1) -> np.ndarray:
        """The tile's input.

        Args:
            image: `[H, W, C]`, or LR with the network's `scale`.
            scale: HR size / size of `image`.
        """
        (top, bottom), (left, right) = self.input_rows, self.input_columns
        return image[
            top // scale : bottom // scale, left // scale : right // scale
        ]

    def cut_ref(self, image: np.ndarray) -> np.ndarray:
        """What the tile sees of REF, or of its cover: `[H, W, ...]`."""
        (top, bottom), (left, right) = self.input_rows, self.input_columns
        x, y = self.shift
        return image[top + y : bottom + y, left + x : right + x]

    def looking(
        self,
        size: tuple[int, int],
        margins: tuple[int, int],
        shift: tuple[int, int],
        grid: int = GRID,
    ) -> "Tile":
        """The tile with another input, as far off as the picture reaches.

        Args:
            size: height and width of the picture.
            margins: how far its input reaches beyond it, across and down.
            shift: `(dx, dy)` to what it sees of REF; shorter if that would
                lie outside.
            grid: of `margins` and `shift`.
        """
        rows = reach(self.rows, margins[1], size[0])
        columns = reach(self.columns, margins[0], size[1])
        x, y = (
            min(max(off, -span[0]), (most - span[1]) // grid * grid)
            for off, span, most in zip(shift, (columns, rows), size[::-1])
        )
        return dataclasses.replace(
            self, input_rows=rows, input_columns=columns, shift=(x, y)
        )


def split(
    height: int, width: int, max_side: int, margin: int, grid: int = GRID
) -> list[Tile]:
    """Tiles that cover a picture; one if it is small enough.

    Args:
        height: of the HR picture.
        width: likewise.
        max_side: side of the largest square input, margins included; 0: no
            limit.
        margin: how far a tile's input reaches beyond it.
        grid: tiles begin at multiples of it, and overlap by it.

    Raises:
        ValueError: `max_side` leaves no room for a tile.
    """
    whole = (0, height), (0, width)
    if not max_side or height * width <= max_side**2:
        return [Tile(*whole, *whole, grid)]
    side = tile_side(max_side, margin, grid)
    return cover(height, width, side, margin_on_grid(margin, grid), grid)


def cover(
    height: int, width: int, side: int, margin: int, grid: int
) -> list[Tile]:
    """Tiles of one side, whatever the picture's size.

    Args:
        height: of the HR picture.
        width: of the HR picture.
        side: of a tile, without its margins; a multiple of `grid`.
        margin: how far a tile's input reaches beyond it; likewise.
        grid: what neighbours overlap by.
    """
    return [
        Tile(
            rows,
            columns,
            reach(rows, margin, height),
            reach(columns, margin, width),
            grid,
        )
        for rows in _spans(height, side, grid)
        for columns in _spans(width, side, grid)
    ]


def tile_side(max_side: int, margin: int, grid: int = GRID) -> int:
    """Side of a tile, without its margins; arguments as those of `split`.

    Raises:
        ValueError: `max_side` leaves no room, or `margin` is negative.
    """
    margin = margin_on_grid(margin, grid)
    side = (max_side - 2 * margin) // grid * grid
    if side < 2 * grid:
        raise ValueError(
            f"`max_side` must be at least {2 * (margin + grid)} with "
            f"margin={margin}. Received: max_side={max_side}."
        )
    return side


def margin_on_grid(margin: int, grid: int) -> int:
    """The smallest multiple of `grid` that is not below `margin`.

    Raises:
        ValueError: `margin` is negative.
    """
    if margin < 0:
        raise ValueError(
            f"`margin` must be at least 0. Received: margin={margin}."
        )
    return -(-margin // grid) * grid


class Canvas:
    """Collects the tiles of a cover, in any order, into a picture.

    Neighbours' weights add up to 1, so that sums are means already.

    Args:
        height: of the picture.
        width: of the picture.
        channels: of the picture.
    """

    def __init__(self, height: int, width: int, channels: int = 3):
        self._sum = np.zeros([height, width, channels], np.float32)

    def add(self, tile: Tile, image: np.ndarray) -> None:
        """Adds a tile's result.

        Args:
            tile: its place.
            image: `[h, w, C]`, uint8 or float32, as large as the tile's
                input.

        Raises:
            ValueError: `image` has another size.
        """
        (top, bottom), (left, right) = tile.input_rows, tile.input_columns
        if image.shape != (bottom - top, right - left, self._sum.shape[-1]):
            raise ValueError(
                f"The result of a tile must be {right - left} x "
                f"{bottom - top} pixels. Received: shape={image.shape}."
            )
        height, width = self._sum.shape[:2]
        weight = np.outer(
            _ramp(tile.rows, height, tile.overlap),
            _ramp(tile.columns, width, tile.overlap),
        )[..., None]
        inner = image[
            tile.rows[0] - top : tile.rows[1] - top,
            tile.columns[0] - left : tile.columns[1] - left,
        ]
        place = slice(*tile.rows), slice(*tile.columns)
        self._sum[place] += weight * inner

    def picture(self) -> np.ndarray:
        """`[H, W, C]` float32; every tile must have been added."""
        return self._sum


def _spans(size: int, side: int, grid: int) -> Iterator[tuple[int, int]]:
    """Begin and end of each tile along one axis."""
    begin = 0
    while True:
        end = min(begin + side, size)
        yield begin, end
        if end == size:
            return
        begin = end - grid


def reach(span: tuple[int, int], margin: int, size: int) -> tuple[int, int]:
    """`span` with `margin` on both sides, within a picture's `size`."""
    return max(span[0] - margin, 0), min(span[1] + margin, size)


def _ramp(span: tuple[int, int], size: int, overlap: int) -> np.ndarray:
    """1, but a raised cosine over the overlap with a neighbour."""
    weight = np.ones(span[1] - span[0], np.float32)
    phase = (np.arange(overlap, dtype=np.float32) + 0.5) / overlap
    rise = 0.5 - 0.5 * np.cos(np.pi * phase)
    if span[0] > 0:
        weight[:overlap] = rise
    if span[1] < size:
        weight[-overlap:] = rise[::-1]
    return weight
