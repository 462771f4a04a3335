"""Where in REF a tile must look, measured on the whole pair, shrunk.

Shrunk to less than one tile, a pair shows all of its displacement: the
network's own flow says how far around each tile REF's pixels lie (the margin),
and where all of them lie further off than the network searches, how far off
the tile must look (the shift). A shift changes what the network finds at
places that match nothing well, so there is none without need.
"""

from collections.abc import Callable, Mapping

import numpy as np

from crossnet_tf.upscaling.sizes import resized
from crossnet_tf.upscaling.tiles import Tile, margin_on_grid

MEASURED_SIDE = 512
"""Of the square as large as the shrunk pair, in pixels of its REF."""
CONTEXT = 64
"""HR pixels that networks look around what they match."""
STRAIGHT = 64
"""HR pixels of displacement that networks find themselves."""
# Shares of a tile whose displacements do not count: mostly errors.
_OUTLIERS = 2.0

Network = Callable[[np.ndarray, np.ndarray], Mapping]


class Displacement:
    """How far REF's pixels lie from LR's.

    Args:
        flow: `[h, w, 2]` float32, (dx, dy) in HR pixels from LR to REF.
        size: height and width of HR.
    """

    def __init__(self, flow: np.ndarray, size: tuple[int, int]):
        self._flow, self._size = flow, size

    def aimed(self, tile: Tile, margin: int, grid: int) -> Tile:
        """The tile, looking where in REF its pixels lie.

        Args:
            tile: of HR.
            margin: the largest; a multiple of `grid`.
            grid: of shifts and margins.
        """
        moves = self._within(tile)
        middle = np.median(moves, axis=0)
        far = np.abs(middle) > STRAIGHT
        shift = np.where(far, np.round(middle / grid) * grid, 0)
        reach = np.percentile(np.abs(moves - shift), 100 - _OUTLIERS, axis=0)
        across, down = (
            min(margin_on_grid(int(r) + CONTEXT, grid), margin) for r in reach
        )
        return tile.looking(
            self._size, (across, down), (int(shift[0]), int(shift[1])), grid
        )

    def _within(self, tile: Tile) -> np.ndarray:
        """`[N, 2]`: displacements of the tile's pixels."""
        rows, columns = (
            slice(
                span[0] * cells // size,
                max(-(-span[1] * cells // size), 1),
            )
            for span, size, cells in zip(
                (tile.rows, tile.columns), self._size, self._flow.shape
            )
        )
        return self._flow[rows, columns].reshape(-1, 2)


def measured(
    network: Network, lr: np.ndarray, ref: np.ndarray, scale: int
) -> Displacement:
    """The displacement between two large pictures.

    Args:
        network: from `[1, h, w, 3]` and `[1, s*h, s*w, 3]` float32 to outputs
            with `flow_0`.
        lr: `[h, w, 3]` float32.
        ref: `[s*h, s*w, 3]` float32.
        scale: s.
    """
    size = ref.shape[:2]
    shrink = min(MEASURED_SIDE / np.sqrt(size[0] * size[1]), 1.0)
    height, width = (max(round(shrink * n), 16) for n in lr.shape[:2])
    small = resized(lr, (height, width))
    large = resized(ref, (scale * height, scale * width))
    flow = network(small[None], large[None])["flow_0"][0].numpy()
    factors = size[1] / large.shape[1], size[0] / large.shape[0]
    return Displacement(flow * np.asarray(factors, np.float32), size)
