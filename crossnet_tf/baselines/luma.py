"""Luma, on which the first networks for one image work.

The eye sees detail in brightness, so SRCNN and VDSR enhance luma and leave
chroma to bicubic upscaling. With chroma held, a change of (full-range BT.601)
luma changes R, G and B alike.
"""

import tensorflow as tf

_LUMA = (0.299, 0.587, 0.114)


def luma(images: tf.Tensor) -> tf.Tensor:
    """`[B, H, W, 3]` RGB -> `[B, H, W, 1]`, float32 in [0, 1]."""
    weights = tf.constant(_LUMA, tf.float32)
    images = tf.cast(images, tf.float32)
    return tf.reduce_sum(images * weights, axis=-1, keepdims=True)


def with_luma(images: tf.Tensor, new_luma: tf.Tensor) -> tf.Tensor:
    """The images with other luma and the same chroma.

    Args:
        images: `[B, H, W, 3]` RGB float32.
        new_luma: `[B, H, W, 1]`.

    Returns:
        `[B, H, W, 3]` float32.
    """
    return images + (tf.cast(new_luma, tf.float32) - luma(images))
