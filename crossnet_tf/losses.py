"""Training losses, each one value per sample.

Charbonnier is the paper's: sqrt(d^2 + eps^2) summed over pixels and
channels. The other two are teachers for the flow, in the same unit (a sum
over full-size pixels), since the image loss alone lets the network ignore
REF: one compares pictures after warping, the other flow with true flow.
"""

import tensorflow as tf

from crossnet_tf.model.resampling import matched_blur
from crossnet_tf.model.warp import backward_warp

EPSILON = 1e-3


def charbonnier(sr: tf.Tensor, hr: tf.Tensor) -> tf.Tensor:
    """Sum over pixels and channels of sqrt(d^2 + 0.001^2).

    Args:
        sr: `[B, H, W, C]` float.
        hr: `[B, H, W, C]` float.

    Returns:
        `[B]` float32.

    Source: Zheng et al., ECCV 2018, section 3.4.
    """
    difference = tf.cast(sr, tf.float32) - tf.cast(hr, tf.float32)
    return tf.reduce_sum(_smooth_abs(difference), axis=[1, 2, 3])


def warping_loss(
    flows: list[tf.Tensor], ref: tf.Tensor, hr: tf.Tensor, scale: int
) -> tf.Tensor:
    """Charbonnier between REF warped at each level and HR, mean of levels.

    Both are blurred to what LR shows, so that the flow is judged where it
    can be known and the surface of the loss is smooth over some pixels.

    Args:
        flows: `[B, H / 2**i, W / 2**i, 2]`, finest first.
        ref: `[B, H, W, 3]`.
        hr: `[B, H, W, 3]`.
        scale: HR size / LR size.

    Returns:
        `[B]` float32, as a sum over full-size pixels and channels.
    """
    images, targets = matched_blur(ref, scale), matched_blur(hr, scale)
    losses = []
    for level, flow in enumerate(flows):
        if level:
            images, targets = _halve(images), _halve(targets)
        warped = backward_warp(images, flow)
        losses.append(4.0**level * charbonnier(warped, targets))
    return tf.add_n(losses) / len(flows)


def end_point_error(flows: list[tf.Tensor], flow: tf.Tensor) -> tf.Tensor:
    """Distance to the true flow in full-size pixels, mean of levels.

    Args:
        flows: `[B, H / 2**i, W / 2**i, 2]`, finest first.
        flow: `[B, H, W, 3]`: (dx, dy, weight).

    Returns:
        `[B]` float32: weighted sum over full-size pixels.
    """
    true_flow, weight = flow[..., :2], flow[..., 2:]
    weighted = true_flow * weight
    losses = []
    for level, estimate in enumerate(flows):
        if level:
            weighted, weight = _halve(weighted), _halve(weight)
        # Mean over the known pixels, so that unknown ones do not pull.
        target = weighted / tf.maximum(weight, 1e-6)
        difference = estimate * 2.0**level - target
        squared = tf.reduce_sum(difference**2, axis=-1, keepdims=True)
        distance = weight * tf.sqrt(squared + EPSILON**2)
        losses.append(4.0**level * tf.reduce_sum(distance, axis=[1, 2, 3]))
    return tf.add_n(losses) / len(flows)


def _smooth_abs(difference: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(difference**2 + EPSILON**2)


def _halve(images: tf.Tensor) -> tf.Tensor:
    return tf.nn.avg_pool2d(images, 2, 2, "SAME")
