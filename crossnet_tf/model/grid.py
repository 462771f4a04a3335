"""The grid of preset `quick`: a quarter of HR's size, LR's own at x4."""

import tensorflow as tf

from crossnet_tf.ops.resampling import cubic_downscale, cubic_upscale

STRIDE = 32
GRID = 4
CELL = 8
"""Pixels of the grid that share a gain: 32 of the full size."""


def on_grid(lr: tf.Tensor, scale: int) -> tf.Tensor:
    """A picture of LR's size, `[B, h, w, C]`, at a quarter of HR's."""
    if scale > GRID:
        return cubic_upscale(lr, scale // GRID)
    return cubic_downscale(lr, GRID // scale) if scale < GRID else lr
