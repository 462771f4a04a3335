"""Means over square windows around each pixel."""

import tensorflow as tf


def window_mean(images: tf.Tensor, size: int) -> tf.Tensor:
    """Mean over a square window, applied twice: nearly a Gaussian."""
    for _ in range(2):
        images = tf.nn.avg_pool2d(images, (1, size), 1, "SAME")
        images = tf.nn.avg_pool2d(images, (size, 1), 1, "SAME")
    return images


def window_power(images: tf.Tensor, size: int) -> tf.Tensor:
    """Mean square over a window and all channels: `[B, H, W, 1]`."""
    power = tf.reduce_mean(images * images, axis=-1, keepdims=True)
    return window_mean(power, size)
