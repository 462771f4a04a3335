"""How noisy a picture is, from its quietest parts.

Noise is no detail, but a gate that compares detail with what does not fit
takes it for that: shrinking to LR's size averages most of it away, so that a
noisy REF still fits. A mask that answers to noise alone (the product of two
second differences) is averaged over blocks; texture is in some of them, noise
in all, and a harmonic mean asks the quiet ones.

Reference: Immerkaer, "Fast noise variance estimation", 1996 (the mask).
"""

import numpy as np
import tensorflow as tf

_BLOCK = 8
# Variance below which a picture counts as clean: a quarter of an 8-bit step.
_CLEAN = 1e-6


def noise_power(images: tf.Tensor) -> tf.Tensor:
    """Variance of the noise, the same for all colours and brightnesses.

    Args:
        images: `[B, H, W, C]` float32 in [0, 1], H and W at least 8.

    Returns:
        `[B, 1, 1, 1]` float32. Blocks that are nearly black or white tell
        nothing and do not count. No gradient passes through it.
    """
    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    channels = images.shape[-1]
    second = np.array([1.0, -2.0, 1.0], np.float32)
    mask = np.outer(second, second)[:, :, None, None] / 6.0
    answer = tf.nn.depthwise_conv2d(
        images, tf.constant(np.tile(mask, [1, 1, channels, 1])), [1] * 4, "SAME"
    )
    power = tf.reduce_mean(answer**2, axis=-1, keepdims=True)
    blocks = tf.concat([power, grey], axis=-1)
    blocks = tf.nn.avg_pool2d(blocks, _BLOCK, _BLOCK, "VALID")
    power, grey = blocks[..., :1], blocks[..., 1:]
    counts = tf.clip_by_value(20.0 * grey * (1.0 - grey) - 0.5, 0.0, 1.0)
    total = tf.reduce_sum(counts, axis=[1, 2], keepdims=True)
    inverse = tf.reduce_sum(
        counts / (power + _CLEAN), axis=[1, 2], keepdims=True
    )
    noise = total / (inverse + 1.0) - _CLEAN
    return tf.stop_gradient(tf.nn.relu(noise))
