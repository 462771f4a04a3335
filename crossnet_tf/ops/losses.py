"""Training losses, each one value per sample.

Charbonnier is the paper's: sqrt(d^2 + eps^2) summed over pixels and
channels. The others are teachers for the flow, in the same unit (a sum over
full-size pixels), since the image loss alone lets the network ignore REF:
one compares pictures after warping, the other flow with true flow. Each flow
comes with the level of the pyramid that it belongs to.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from crossnet_tf.ops.pyramids import pyramid
from crossnet_tf.ops.warp import backward_warp

EPSILON = 1e-3
# Coarsest level whose error counts in full.
_FULLY_COUNTED = 2

Flows = Sequence[tuple[int, tf.Tensor]]
"""Flows with their levels, each `[B, H / 2**level, W / 2**level, 2]`."""


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


def warping_loss(flows: Flows, ref: tf.Tensor, hr: tf.Tensor) -> tf.Tensor:
    """Charbonnier between warped REF and HR at each level, mean of flows.

    Args:
        flows: with their levels.
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


def end_point_error(flows: Flows, flow: tf.Tensor) -> tf.Tensor:
    """Distance to the true flow in full-size pixels, mean of flows.

    Args:
        flows: with their levels.
        flow: `[B, H, W, 3]`: (dx, dy, weight).

    Returns:
        `[B]` float32: weighted sum over full-size pixels.
    """
    return _flow_error(flows, flow, lambda distance: distance)


def end_point_loss(flows: Flows, flow: tf.Tensor) -> tf.Tensor:
    """End-point error at every level, the coarsest ones counting less.

    A level counts half as much as the next finer one beyond 1/4 size: what
    is wrong there can be mended on the way, and a picture's few coarse
    pixels must not rule the layers that all levels share.

    Args:
        flows: with their levels.
        flow: `[B, H, W, 3]`: (dx, dy, weight).

    Returns:
        `[B]` float32: weighted sum over full-size pixels, mean of flows.
    """
    shares = [0.5 ** max(0, level - _FULLY_COUNTED) for level, _ in flows]
    errors = [
        share * end_point_error([own], flow)
        for share, own in zip(shares, flows, strict=True)
    ]
    return tf.add_n(errors) / sum(shares)


def flow_loss(flows: Flows, flow: tf.Tensor) -> tf.Tensor:
    """log(1 + distance to the true flow), which few wrong pixels do not rule.

    Args:
        flows: with their levels.
        flow: `[B, H, W, 3]`: (dx, dy, weight).

    Returns:
        `[B]` float32: weighted sum over full-size pixels, mean of flows.
    """
    return _flow_error(flows, flow, tf.math.log1p)


def _flow_error(flows: Flows, flow: tf.Tensor, penalty: Callable) -> tf.Tensor:
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


def _mean(flows: Flows, images: tf.Tensor, compare: Callable) -> tf.Tensor:
    """Mean over flows of `compare(flow, images of its level, level)`."""
    levels = pyramid(images, max(level for level, _ in flows))
    losses = [
        4.0**level * compare(flow, levels[level], level)
        for level, flow in flows
    ]
    return tf.add_n(losses) / len(losses)


def _smooth_abs(difference: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(difference**2 + EPSILON**2)
