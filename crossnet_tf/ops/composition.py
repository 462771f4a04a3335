"""Flows one after another: what two warps do, as one flow."""

import tensorflow as tf

from crossnet_tf.ops.warp import backward_warp


def composed(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """The flow that samples at once what `second` samples of warped REF.

    Warped REF is `ref(x + first)`; read where `second` points, that is
    `ref(x + second + first(x + second))`.

    Args:
        first: `[B, H, W, 2]` float32, from warped REF to REF.
        second: `[B, H, W, 2]` float32, from the output grid to warped REF.

    Returns:
        `[B, H, W, 2]` float32, from the output grid to REF.
    """
    return second + backward_warp(first, second)
