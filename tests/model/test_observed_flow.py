"""The flow's last levels, untrained: they already improve what they get."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.model import observed_flow, pyramid_flow
from crossnet_tf.ops import lucas_kanade as lk
from crossnet_tf.ops.resampling import matched_blur
from crossnet_tf.ops.windows import window_mean


def _pair(shift):
    noise = np.random.default_rng(0).random((1, 72, 104, 3), np.float32)
    wide = window_mean(tf.constant(noise), 7)
    wide = 4.0 * (wide - 0.5) + 0.5
    return wide[:, 4:68, 4:100], wide[:, 4:68, 4 - shift : 100 - shift]


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_observed_flow_improves_a_rough_flow(scale):
    hr, ref = _pair(2)
    layer = observed_flow.ObservedFlow(scale, 8)
    rough = tf.fill([1, 32, 48, 1], 0.4)
    rough = tf.concat([rough, 0.0 * rough], axis=-1)
    *steps, flow = layer(matched_blur(hr, scale), ref, rough)
    assert len(steps) == observed_flow.STEPS
    assert steps[0].shape == rough.shape
    assert flow.shape == (1, 64, 96, 2)
    errors = [np.abs(f[:, 8:-8, 8:-8, 0] - 1.0).mean() for f in steps]
    assert errors[-1] < errors[0] < 0.6
    inner = flow[:, 16:-16, 16:-16].numpy()
    assert np.abs(inner - [2.0, 0.0]).mean() < 0.5


def test_each_step_learns_from_its_own_flow_only():
    hr, ref = _pair(2)
    layer = observed_flow.ObservedFlow(4, 8)
    rough = tf.zeros([1, 32, 48, 2])
    with tf.GradientTape() as tape:
        tape.watch(rough)
        flow = layer(matched_blur(hr, 4), ref, rough)[-1]
    assert tape.gradient(flow, rough) is None


def test_bounded_changes_are_far_from_infinite():
    hr, ref = _pair(1)
    layer = observed_flow.ObservedFlow(4, 8)
    layer(matched_blur(hr, 4), ref, tf.zeros([1, 32, 48, 2]))
    layer.change.bias.assign([1e6, -1e6])
    steps = layer(matched_blur(hr, 4), ref, tf.zeros([1, 32, 48, 2]))
    assert np.abs(steps[0]).max() <= 2.0 + lk.MAX_STEP


def test_pyramid_flow_names_the_levels_it_went_through():
    hr, ref = _pair(2)
    layer = pyramid_flow.PyramidFlow(4, 8)
    flows, earlier = layer(matched_blur(hr, 4), ref)
    levels = [level for level, _ in earlier]
    assert levels == [5, 4, 3, 2, 1, *[1] * observed_flow.STEPS]
    expected = (0, 1, 2, 3, *levels)
    sizes = [64 // f.shape[1] for f in [*flows, *(f for _, f in earlier)]]
    assert sizes == [2**level for level in expected]
