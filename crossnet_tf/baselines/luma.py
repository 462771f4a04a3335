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
    return add_to_all(images, tf.cast(new_luma, tf.float32) - luma(images))


def add_to_all(images: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
    """Adds `change` `[B, H, W, 1]` to each channel of `images`.

    Written out, because TensorFlow's graph optimiser takes a broadcast after
    a bias for a bias of all channels.
    """
    return images + tf.repeat(change, images.shape[-1], axis=-1)
