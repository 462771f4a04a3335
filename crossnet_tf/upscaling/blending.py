"""Mixes the results of two references, each where it explains LR better."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from crossnet_tf.ops.resampling import cubic_upscale
from crossnet_tf.ops.resizing import downscale
from crossnet_tf.ops.warp import backward_warp

# Found on frames of two walks: a residual of a fifth of LR's own contrast
# halves the weight, and flat places count as if their contrast were 2 steps.
_HALF = 0.2
_FLAT = (2 / 255) ** 2
_WINDOW = 5


def explained(
    lr: np.ndarray, ref: np.ndarray, flow: np.ndarray, scale: int
) -> np.ndarray:
    """How well REF, warped and shrunk, explains LR.

        weight = 1 / (1 + residual / (half * contrast))

    Args:
        lr: `[h, w, 3]` float32.
        ref: `[s*h, s*w, 3]` float32.
        flow: `[s*h, s*w, 2]` float32 from LR to REF.
        scale: s.

    Returns:
        `[s*h, s*w, 1]` float32 in (0, 1].
    """
    warped = downscale(backward_warp(ref[None], flow[None]), scale)
    small = tf.constant(lr[None])
    residual = _mean(tf.square(warped - small))
    contrast = _mean(tf.square(small)) - tf.square(_mean(small))
    contrast = tf.reduce_sum(tf.maximum(contrast, 0), -1, True) + _FLAT
    residual = tf.reduce_sum(residual, -1, True)
    weight = 1 / (1 + residual / (_HALF * contrast))
    return np.clip(cubic_upscale(weight, scale)[0].numpy(), 1e-3, 1)


def _mean(images: tf.Tensor) -> tf.Tensor:
    return tf.nn.avg_pool2d(images, _WINDOW, 1, "SAME")


def blended(
    results: Sequence[np.ndarray],
    weights: Sequence[np.ndarray],
    distances: Sequence[float],
) -> np.ndarray:
    """A mean of the results, by trust and by nearness in time.

    A reference fades in and out with its distance, so that no frame jumps
    when the reference changes.

    Args:
        results: `[H, W, 3]` each.
        weights: `[H, W, 1]` each, as `explained` gives them.
        distances: seconds from the frame.
    """
    total = sum(distances)
    shares = [
        weight**2 * (1 - distance / total if total else 1)
        for weight, distance in zip(weights, distances)
    ]
    whole = sum(shares)
    return sum(s * r for s, r in zip(shares, results)) / whole
