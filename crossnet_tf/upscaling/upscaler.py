"""Runs the network on pictures of any size within a bounded memory.

A picture above `max_side`^2 pixels is cut into tiles (`tiles`), smaller ones
where the network takes much memory or little is free (`free_memory`). Each
looks where in REF its pixels lie (`displacement`). If memory runs out all the
same, the tile's side is halved and the work goes on. An input of 1024 x 1024
takes 2.5 GB for preset `paper` and 0.8 GB for `lite` (float32 on a CPU).
"""

import functools
import math
import typing
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from crossnet_tf.config import MARGIN, MAX_SIDE
from crossnet_tf.model.base import System
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.upscaling import displacement, networks, tiles
from crossnet_tf.upscaling.free_memory import (
    free_bytes,
    give_back,
    largest_side,
    tile_input_side,
)

Share = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray | None]
"""LR, REF and the flow of a picture or a tile -> `[H, W]` in [0, 1]."""


class _Wanted(typing.NamedTuple):
    """What is asked of the network, as `Upscaler` is called."""

    names: Sequence[str]
    cover: np.ndarray | None
    share: Share | None
    holds: bool


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
        self._model = model
        self._network = networks.compiled(model)

    @functools.cached_property
    def _without_hold(self) -> networks.Network:
        return networks.compiled(networks.without_hold(self._model))

    def __call__(
        self,
        lr: np.ndarray,
        ref: np.ndarray,
        names: Sequence[str] = ("sr",),
        cover: np.ndarray | None = None,
        progress: Callable[[int, int], None] | None = None,
        share: Share | None = None,
        holds: bool = True,
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
            share: of what REF adds to "lr_up" in "sr"; None: all of it.
            holds: whether a network that holds its result to LR does so.

        Returns:
            `[s*h, s*w, C]` float32 for each name, not clipped.

        Raises:
            MemoryError: even the smallest tile does not fit.
        """
        wanted = _Wanted(names, cover, share, holds)
        self._keep_within(largest_side(free_bytes()))
        limit = self._whole + 2 * self._margin
        if not self._whole or ref.shape[0] * ref.shape[1] <= limit**2:
            try:
                return self._run(lr, ref, wanted)
            except (tf.errors.ResourceExhaustedError, MemoryError):
                self._halve(max(ref.shape[:2]))
        while True:
            try:
                return self._tiled(lr, ref, wanted, progress)
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
        wanted: _Wanted,
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
            part = wanted
            if wanted.cover is not None:
                part = wanted._replace(cover=tile.cut_ref(wanted.cover))
            for name, value in self._run(*pair, part).items():
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
        self, lr: np.ndarray, ref: np.ndarray, wanted: _Wanted
    ) -> dict[str, np.ndarray]:
        network = self._network if wanted.holds else self._without_hold
        outputs = network(lr[None], ref[None])
        if "sr" in wanted.names:
            if wanted.share is not None:
                flow = outputs["flow_0"][0].numpy()
                outputs = _lessened(outputs, wanted.share(lr, ref, flow))
            if wanted.cover is not None and not wanted.cover.all():
                shown = _covered(outputs["flow_0"], wanted.cover)
                outputs = _lessened(outputs, shown)
        return {name: outputs[name][0].numpy() for name in wanted.names}


def _lessened(
    outputs: Mapping[str, tf.Tensor], share: np.ndarray | tf.Tensor | None
) -> Mapping[str, tf.Tensor]:
    """`outputs` with a share `[H, W]` of what REF adds; None: with all."""
    if share is None:
        return outputs
    added = outputs["sr"] - outputs["lr_up"]
    sr = outputs["lr_up"] + tf.convert_to_tensor(share)[..., None] * added
    return {**outputs, "sr": sr}


def _covered(flow: tf.Tensor, cover: np.ndarray) -> tf.Tensor:
    """`[H, W]`: 1 where `flow` ends in what REF shows, and 0 elsewhere.

    As if `cover`, warped like REF, were a factor of the trust in REF.
    """
    mask = tf.constant(cover[None, ..., None], tf.float32)
    # Beyond the picture nothing is covered; sampling would repeat its border.
    border = [[0, 0], [1, 1], [1, 1], [0, 0]]
    share = backward_warp(tf.pad(mask, border), tf.pad(flow, border))
    return share[0, 1:-1, 1:-1, 0]
