"""Runs the network on pictures of any size within a bounded memory.

A picture above `max_side`^2 pixels is cut into tiles. Each tile's input
reaches `margin` pixels further on every side, in LR and in REF alike: what a
pixel needs of REF may lie as far away as the largest displacement, and the
convolutions look around it. Tiles begin at multiples of the network's stride,
so that its strided layers see the same grid as in the whole picture.
Neighbouring tiles overlap and are blended with raised-cosine weights.

          margin      tile       margin
        |--------|------------|--------|
                        |overlap|
                        |------------|          the next tile

What differs from the whole picture is only what the network saw beyond the
margin. If memory runs out, the tile's side is halved and the work goes on.
An input of 1024 x 1024 takes 2.5 GB for preset `paper` and 0.8 GB for `lite`
(float32 on a CPU).
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from crossnet_tf.model.base import System, named

MAX_SIDE = 1024
MARGIN = 128
_BORDERS = 2  # a tile has two on each axis


class Upscaler:
    """Callable that super-resolves one pair of pictures.

    Args:
        model: CrossNet, or any other system.
        max_side: side in HR pixels of the largest square input that the
            network gets at once, margins included; 0: no limit.
        margin: HR pixels that a tile's input reaches further than the tile:
            the largest displacement between LR and REF, and some more.

    Raises:
        ValueError: `margin` is negative or leaves no room for a tile.
    """

    def __init__(
        self,
        model: System,
        max_side: int = MAX_SIDE,
        margin: int = MARGIN,
    ):
        self._scale = model.config.scale
        self._stride = math.lcm(model.stride, self._scale)
        if margin < 0:
            raise ValueError(
                f"`margin` must be at least 0. Received: margin={margin}."
            )
        self._margin = math.ceil(margin / self._stride) * self._stride
        self._side = self._tile_side(max_side) if max_side else 0
        self._network = _compiled(model)

    def __call__(
        self,
        lr: np.ndarray,
        ref: np.ndarray,
        names: Sequence[str] = ("sr",),
    ) -> dict[str, np.ndarray]:
        """The network's full-size outputs.

        Args:
            lr: `[h, w, 3]` float32 in [0, 1].
            ref: `[s*h, s*w, 3]` float32 in [0, 1].
            names: of the outputs wanted: "sr", "lr_up", "flow_0".

        Returns:
            `[s*h, s*w, C]` float32 for each name, not clipped.

        Raises:
            MemoryError: even the smallest tile does not fit.
        """
        limit = self._side + _BORDERS * self._margin
        if not self._side or ref.shape[0] * ref.shape[1] <= limit**2:
            try:
                return self._run(lr, ref, names)
            except (tf.errors.ResourceExhaustedError, MemoryError):
                self._halve(max(ref.shape[:2]))
        while True:
            try:
                return self._tiled(lr, ref, names)
            except (tf.errors.ResourceExhaustedError, MemoryError):
                self._halve(self._side)

    def _tile_side(self, max_side: int) -> int:
        side = max_side - _BORDERS * self._margin
        if side < _BORDERS * self._stride:
            smallest = _BORDERS * (self._margin + self._stride)
            raise ValueError(
                f"`max_side` must be at least {smallest} with "
                f"margin={self._margin}. Received: max_side={max_side}."
            )
        return side // self._stride * self._stride

    def _halve(self, side: int) -> None:
        side = side // 2 // self._stride * self._stride
        if side < _BORDERS * self._stride:
            raise MemoryError(
                "Not enough memory for even the smallest tile; give a "
                "smaller margin."
            )
        self._side = side

    def _tiled(
        self, lr: np.ndarray, ref: np.ndarray, names: Sequence[str]
    ) -> dict[str, np.ndarray]:
        height, width = ref.shape[:2]
        sums: dict[str, np.ndarray] = {}
        weights = np.zeros([height, width, 1], np.float32)
        for rows in self._tiles(height):
            for columns in self._tiles(width):
                outputs, weight = self._tile(lr, ref, rows, columns, names)
                place = (slice(*rows), slice(*columns))
                weights[place] += weight
                for name, value in outputs.items():
                    if name not in sums:
                        shape = [height, width, value.shape[-1]]
                        sums[name] = np.zeros(shape, np.float32)
                    sums[name][place] += weight * value
        for value in sums.values():
            value /= weights
        return sums

    def _tiles(self, size: int) -> Iterator[tuple[int, int]]:
        """Begin and end of each tile along one axis; one stride overlaps."""
        begin = 0
        while True:
            end = min(begin + self._side, size)
            yield begin, end
            if end == size:
                return
            begin = end - self._stride

    def _tile(
        self,
        lr: np.ndarray,
        ref: np.ndarray,
        rows: tuple[int, int],
        columns: tuple[int, int],
        names: Sequence[str],
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        (top, bottom), (left, right) = (
            self._reach(*span, size)
            for span, size in zip((rows, columns), ref.shape[:2], strict=True)
        )
        scale = self._scale
        outputs = self._run(
            lr[top // scale : bottom // scale, left // scale : right // scale],
            ref[top:bottom, left:right],
            names,
        )
        inner = (
            slice(rows[0] - top, rows[1] - top),
            slice(columns[0] - left, columns[1] - left),
        )
        weight = np.outer(
            self._ramp(*rows, ref.shape[0]), self._ramp(*columns, ref.shape[1])
        )
        return {n: v[inner] for n, v in outputs.items()}, weight[..., None]

    def _reach(self, begin: int, end: int, size: int) -> tuple[int, int]:
        return max(begin - self._margin, 0), min(end + self._margin, size)

    def _ramp(self, begin: int, end: int, size: int) -> np.ndarray:
        """1, but a raised cosine over the overlap with a neighbour."""
        weight = np.ones(end - begin, np.float32)
        phase = (np.arange(self._stride, dtype=np.float32) + 0.5) / self._stride
        rise = 0.5 - 0.5 * np.cos(np.pi * phase)
        if begin > 0:
            weight[: self._stride] = rise
        if end < size:
            weight[-self._stride :] = rise[::-1]
        return weight

    def _run(
        self, lr: np.ndarray, ref: np.ndarray, names: Sequence[str]
    ) -> dict[str, np.ndarray]:
        outputs = self._network(lr[None], ref[None])
        return {name: outputs[name][0].numpy() for name in names}


def _compiled(
    model: System,
) -> Callable[[np.ndarray, np.ndarray], Mapping[str, tf.Tensor]]:
    """The model as one graph for all sizes; its outputs by name."""
    image = tf.TensorSpec([1, None, None, 3], tf.float32)

    @tf.function(input_signature=[image, image])
    def network(lr: tf.Tensor, ref: tf.Tensor) -> dict[str, tf.Tensor]:
        return named(model({"lr": lr, "ref": ref}, training=False))

    return network
