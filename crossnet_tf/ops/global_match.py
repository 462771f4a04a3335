"""The whole-pixel shift that fits best, among all within reach.

Lucas-Kanade steps find the nearest displacement that fits, which is the wrong
one where structure repeats or where views lie far apart. Here all shifts are
tried at once on small pictures: one convolution makes the shifted pictures.
"""

import numpy as np
import tensorflow as tf

from crossnet_tf.ops.windows import window_mean

_WINDOW = 5
# How far above the best cost a shift still takes part.
_SOFT = 0.05
_NOISE = 1e-5


def global_match(
    target: tf.Tensor, source: tf.Tensor, radius: int
) -> tf.Tensor:
    """Flow of whole pixels and means between them.

    Args:
        target: `[B, H, W, C]` float32.
        source: `[B, H, W, C]` float32.
        radius: of the search on both axes, in pixels.

    Returns:
        `[B, H, W, 2]` float32, (dx, dy) from `target` to `source`. No
        gradient passes through it.
    """
    ours, theirs = (_contrast(images) for images in (target, source))
    size = 2 * radius + 1
    shifts = np.eye(size * size, dtype=np.float32)
    kernel = shifts.reshape(size, size, 1, size * size)
    shifted = tf.nn.conv2d(theirs, tf.constant(kernel), 1, "SAME")
    cost = window_mean((ours - shifted) ** 2, _WINDOW)
    best = tf.reduce_min(cost, axis=-1, keepdims=True)
    shares = tf.nn.softmax((best - cost) / (_SOFT * best + _NOISE))
    y, x = np.divmod(np.arange(size * size), size)
    shifts = np.stack([x, y], axis=-1).astype(np.float32) - radius
    flow = tf.nn.conv2d(shares, tf.constant(shifts[None, None]), 1, "SAME")
    return tf.stop_gradient(flow)


def _contrast(images: tf.Tensor) -> tf.Tensor:
    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    return grey - window_mean(grey, _WINDOW)
