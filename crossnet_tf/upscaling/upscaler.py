"""Runs the network on pictures of any size within a bounded memory.

A picture above `max_side`^2 pixels is cut into tiles (`tiles`), smaller ones
where the network takes much memory or little is free (`free_memory`). Each
looks where in REF its pixels lie (`displacement`). If memory runs out all the
same, the tile's side is halved and the work goes on. An input of 1024 x 1024
takes 2.5 GB for preset `paper` and 0.8 GB for `lite` (float32 on a CPU).
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from crossnet_tf.config import MARGIN, MAX_SIDE
from crossnet_tf.model.base import System, named
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.upscaling import displacement, tiles
from crossnet_tf.upscaling.free_memory import (
    free_bytes,
    give_back,
    largest_side,
    tile_input_side,
)


class Upscaler:
    """Callable that super-resolves one pair of pictures.

    Args:
        model: CrossNet, or any other system.
        max_side: side in HR pixels of the largest square input that the
            network gets at once, margins included; 0: no limit; None:
            `config.MAX_SIDE`, and smaller tiles of a larger picture where
            the network takes much memory.
        margin: HR pixels that a tile's input reaches further than the tile;
            None: as far as the displacement between LR and REF asks for,
            `config.MARGIN` at most, from where in REF the tile's pixels lie.

    Raises:
        ValueError: `margin` is negative or leaves no room for a tile.
    """

    def __init__(
        self,
        model: System,
        max_side: int | None = None,
        margin: int | None = None,
    ):
        self._scale = model.config.scale
        self._grid = math.lcm(model.stride, self._scale)
        self._measures = margin is None
        margin = MARGIN if margin is None else margin
        self._margin = tiles.margin_on_grid(margin, self._grid)
        cut = max_side
        if max_side is None:
            max_side = MAX_SIDE
            cut = tile_input_side(model.config.preset, margin, max_side)
        # Both without margins; a picture within `_whole` is done at once.
        self._whole, self._side = (
            tiles.tile_side(side, margin, self._grid) if side else 0
            for side in (max_side, cut)
        )
        self._network = _compiled(model)

    def __call__(
        self,
        lr: np.ndarray,
        ref: np.ndarray,
        names: Sequence[str] = ("sr",),
        cover: np.ndarray | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, np.ndarray]:
        """The network's full-size outputs.

        Args:
            lr: `[h, w, 3]` float32 in [0, 1].
            ref: `[s*h, s*w, 3]` float32 in [0, 1].
            names: of the outputs wanted: "sr", "lr_up", "flow_0".
            cover: `[s*h, s*w]` bool: where REF shows something; where it
                does not, "sr" is "lr_up".
            progress: called after each tile with the number of those done
                and of all; never where the picture is done at once.

        Returns:
            `[s*h, s*w, C]` float32 for each name, not clipped.

        Raises:
            MemoryError: even the smallest tile does not fit.
        """
        self._keep_within(largest_side(free_bytes()))
        limit = self._whole + 2 * self._margin
        if not self._whole or ref.shape[0] * ref.shape[1] <= limit**2:
            try:
                return self._run(lr, ref, names, cover)
            except (tf.errors.ResourceExhaustedError, MemoryError):
                self._halve(max(ref.shape[:2]))
        while True:
            try:
                return self._tiled(lr, ref, names, cover, progress)
            except (tf.errors.ResourceExhaustedError, MemoryError):
                self._halve(self._side)

    def _keep_within(self, max_side: int) -> None:
        """Smaller tiles where little memory is free; two grids at least."""
        if self._side:
            room = (max_side - 2 * self._margin) // self._grid * self._grid
            self._whole, self._side = (
                max(min(side, room), 2 * self._grid)
                for side in (self._whole, self._side)
            )

    def _halve(self, side: int) -> None:
        side = side // 2 // self._grid * self._grid
        if side < 2 * self._grid:
            raise MemoryError(
                "Not enough memory for even the smallest tile; give a "
                "smaller margin."
            )
        self._whole = side
        self._side = min(self._side or side, side)

    def _tiled(
        self,
        lr: np.ndarray,
        ref: np.ndarray,
        names: Sequence[str],
        cover: np.ndarray | None,
        progress: Callable[[int, int], None] | None,
    ) -> dict[str, np.ndarray]:
        give_back()
        height, width = ref.shape[:2]
        canvases: dict[str, tiles.Canvas] = {}
        cut = tiles.cover(height, width, self._side, self._margin, self._grid)
        if self._measures:
            moves = displacement.measured(self._network, lr, ref, self._scale)
            cut = [moves.aimed(tile, self._margin, self._grid) for tile in cut]
        for number, tile in enumerate(cut, 1):
            pair = tile.cut(lr, self._scale), tile.cut_ref(ref)
            part = None if cover is None else tile.cut_ref(cover)
            for name, value in self._run(*pair, names, part).items():
                if name == "flow_0":
                    value = value + np.asarray(tile.shift, np.float32)
                if name not in canvases:
                    canvases[name] = tiles.Canvas(
                        height, width, value.shape[-1]
                    )
                canvases[name].add(tile, value)
            if progress:
                progress(number, len(cut))
        return {name: canvas.picture() for name, canvas in canvases.items()}

    def _run(
        self,
        lr: np.ndarray,
        ref: np.ndarray,
        names: Sequence[str],
        cover: np.ndarray | None,
    ) -> dict[str, np.ndarray]:
        outputs = self._network(lr[None], ref[None])
        if cover is not None and "sr" in names and not cover.all():
            outputs = {**outputs, "sr": _covered(outputs, cover)}
        return {name: outputs[name][0].numpy() for name in names}


def _covered(outputs: Mapping[str, tf.Tensor], cover: np.ndarray) -> tf.Tensor:
    """`sr` where its flow ends in what REF shows, and `lr_up` elsewhere.

    As if `cover`, warped like REF, were a factor of the trust in REF.
    """
    mask = tf.constant(cover[None, ..., None], tf.float32)
    # Beyond the picture nothing is covered; sampling would repeat its border.
    mask = tf.pad(mask, [[0, 0], [1, 1], [1, 1], [0, 0]])
    flow = tf.pad(outputs["flow_0"], [[0, 0], [1, 1], [1, 1], [0, 0]])
    share = backward_warp(mask, flow)[:, 1:-1, 1:-1]
    return outputs["lr_up"] + share * (outputs["sr"] - outputs["lr_up"])


def _compiled(
    model: System,
) -> Callable[[np.ndarray, np.ndarray], Mapping[str, tf.Tensor]]:
    """The model as one graph for all sizes; its outputs by name."""
    image = tf.TensorSpec([1, None, None, 3], tf.float32)

    @tf.function(input_signature=[image, image], autograph=False)
    def network(lr: tf.Tensor, ref: tf.Tensor) -> dict[str, tf.Tensor]:
        return named(model({"lr": lr, "ref": ref}, training=False))

    return network
