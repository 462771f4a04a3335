"""Training losses, each one value per sample.

Charbonnier is the paper's: sqrt(d^2 + eps^2) summed over pixels and
channels. The others are teachers for the flow, in the same unit (a sum over
full-size pixels), since the image loss alone lets the network ignore REF:
one compares pictures after warping, the other flow with true flow. Flows
come by the names that `CrossNet.call` gives them, which tell their level.
"""

from collections.abc import Callable, Mapping

import tensorflow as tf

from crossnet_tf.ops.levels import level_of
from crossnet_tf.ops.resampling import pyramid
from crossnet_tf.ops.warp import backward_warp

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
    flows: Mapping[str, tf.Tensor], ref: tf.Tensor, hr: tf.Tensor
) -> tf.Tensor:
    """Charbonnier between warped REF and HR at each level, mean of flows.

    Args:
        flows: `[B, H / 2**level, W / 2**level, 2]` by name.
        ref: `[B, H, W, 3]`.
        hr: `[B, H, W, 3]`.

    Returns:
        `[B]` float32, as a sum over full-size pixels and channels.
    """
    images = tf.concat([ref, hr], axis=-1)

    def compare(estimate, image, level):
        del level  # Pictures have no unit that changes with size.
        ref, hr = tf.split(image, 2, axis=-1)
        return charbonnier(backward_warp(ref, estimate), hr)

    return _mean(flows, images, compare)


def end_point_error(
    flows: Mapping[str, tf.Tensor], flow: tf.Tensor
) -> tf.Tensor:
    """Distance to the true flow in full-size pixels, mean of flows.

    Args:
        flows: `[B, H / 2**level, W / 2**level, 2]` by name.
        flow: `[B, H, W, 3]`: (dx, dy, weight).

    Returns:
        `[B]` float32: weighted sum over full-size pixels.
    """
    return _flow_error(flows, flow, lambda distance: distance)


def flow_loss(flows: Mapping[str, tf.Tensor], flow: tf.Tensor) -> tf.Tensor:
    """log(1 + distance to the true flow), which few wrong pixels do not rule.

    Args:
        flows: `[B, H / 2**level, W / 2**level, 2]` by name.
        flow: `[B, H, W, 3]`: (dx, dy, weight).

    Returns:
        `[B]` float32: weighted sum over full-size pixels, mean of flows.
    """
    return _flow_error(flows, flow, tf.math.log1p)


def _flow_error(flows, flow, penalty: Callable) -> tf.Tensor:
    weighted_flow = tf.concat(
        [flow[..., :2] * flow[..., 2:], flow[..., 2:]], axis=-1
    )

    def compare(estimate, known, level):
        weighted, weight = known[..., :2], known[..., 2:]
        # Mean over the known pixels, so that unknown ones do not pull.
        target = weighted / tf.maximum(weight, 1e-6)
        difference = estimate * 2.0**level - target
        squared = tf.reduce_sum(difference**2, axis=-1, keepdims=True)
        distance = tf.sqrt(squared + EPSILON**2)
        return tf.reduce_sum(weight * penalty(distance), axis=[1, 2, 3])

    return _mean(flows, weighted_flow, compare)


def _mean(flows, images, compare: Callable) -> tf.Tensor:
    """Mean over flows of `compare(flow, images of its level, level)`."""
    levels = pyramid(images, max(map(level_of, flows)))
    losses = []
    for name, flow in flows.items():
        level = level_of(name)
        losses.append(4.0**level * compare(flow, levels[level], level))
    return tf.add_n(losses) / len(losses)


def _smooth_abs(difference: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(difference**2 + EPSILON**2)
