"""REF at LR's brightness: one gain per colour, that varies slowly.

Two exposures, a lens that darkens towards the corners, another white balance:
to a match by intensities, a difference of 5 % is a displacement, and costs
preset `lite` half of what REF is worth. So what is compared is first brought
to the same local mean, over a window much larger than any displacement that
is left: then motion does not pass for light, nor light for motion.
"""

import tensorflow as tf

from crossnet_tf.model.windows import window_mean

CELL = 32
_WINDOW = 3
# Keeps the gain of dark areas, where noise rules, near 1.
_DARK = 0.02
_LOWEST, _HIGHEST = 0.7, 1.4


def matching_gain(
    target: tf.Tensor, images: tf.Tensor, cell: int = CELL
) -> tf.Tensor:
    """The factor that brings `images` to the brightness of `target`.

    Args:
        target: `[B, H, W, C]` float32 in [0, 1].
        images: `[B, H, W, C]` float32, nearly aligned with `target`.
        cell: pixels that share a gain before it is interpolated; 32 of the
            full-size picture, half as many at each level of a pyramid.

    Returns:
        `[B, H, W, C]` float32 in [0.7, 1.4]. No gradient passes through it.
    """
    means = tf.nn.avg_pool2d(
        tf.concat([target, images], axis=-1), cell, cell, "SAME"
    )
    ours, theirs = tf.split(window_mean(means, _WINDOW), 2, axis=-1)
    gain = (ours + _DARK) / (tf.maximum(theirs, 0.0) + _DARK)
    gain = tf.clip_by_value(gain, _LOWEST, _HIGHEST)
    if cell > 1:
        size = tf.shape(target)[1:3]
        gain = tf.image.resize(gain, size, method="bilinear")
    return tf.stop_gradient(gain)
