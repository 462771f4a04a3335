"""True flow for pairs that come without, from HR itself.

A network at work sees LR; in training there is HR, whose fine texture REF
shows, too. Lucas-Kanade steps between the two are exact to a fraction of a
pixel almost everywhere, and where they are not, HR says so: the flow counts
only where warped REF equals HR.

It finds what the steps can reach: some ten pixels, so that pictures further
apart are to be aligned coarsely before.
"""

import tensorflow as tf

from crossnet_tf.ops.brightness import CELL, matching_gain
from crossnet_tf.ops.lucas_kanade import lucas_kanade
from crossnet_tf.ops.pyramids import double_flow, pyramid
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.ops.windows import window_mean, window_power

_COARSEST = 5
_STEPS = 3
_FIT_WINDOW = 5
# Share of HR's local contrast that may be error, and error that noise makes.
_TOLERATED = 0.1
_NOISE = 0.01


def complete_flow(flow: tf.Tensor, hr: tf.Tensor, ref: tf.Tensor) -> tf.Tensor:
    """Fills in the flow of samples that have none.

    Args:
        flow: `[B, H, W, 3]` float32: (dx, dy, weight), HR to REF.
        hr: `[B, H, W, 3]` float32, H and W at least 32.
        ref: `[B, H, W, 3]` float32.

    Returns:
        `[B, H, W, 3]`: `flow` where a sample has any weight, else that of
        `matched_flow`.
    """
    known = tf.reduce_max(flow[..., 2:], axis=[1, 2, 3], keepdims=True) > 0
    return tf.where(known, flow, matched_flow(hr, ref))


def matched_flow(hr: tf.Tensor, ref: tf.Tensor) -> tf.Tensor:
    """The flow from HR to REF, by matching, and where it can be believed.

    Args:
        hr: `[B, H, W, 3]` float32, H and W at least 32.
        ref: `[B, H, W, 3]` float32.

    Returns:
        `[B, H, W, 3]` float32: (dx, dy, weight), the weight 0 or 1.
    """
    target, source = pyramid(hr, _COARSEST), pyramid(ref, _COARSEST)
    flow = tf.zeros_like(target[-1][..., :2])
    for level in range(_COARSEST, -1, -1):
        if level < _COARSEST:
            shape = tf.shape(target[level])
            flow = double_flow(flow)[:, : shape[1], : shape[2]]
        warped = backward_warp(source[level], flow)
        gain = matching_gain(target[level], warped, CELL >> level)
        flow = lucas_kanade(target[level], source[level], flow, _STEPS, gain)
    warped = backward_warp(ref, flow)
    weight = _fits(hr, matching_gain(hr, warped) * warped)
    return tf.stop_gradient(tf.concat([flow, weight], axis=-1))


def _fits(hr: tf.Tensor, warped: tf.Tensor) -> tf.Tensor:
    error = window_power(hr - warped, _FIT_WINDOW)
    contrast = window_power(hr - window_mean(hr, _FIT_WINDOW), _FIT_WINDOW)
    fits = error < _TOLERATED * contrast + _NOISE**2
    return tf.cast(fits, tf.float32)
