"""FlowNetS and FlowNetS+, and what a second look finds."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.model.flownet import FlowNetS, FlowNetSPlus
from crossnet_tf.ops.composition import composed
from crossnet_tf.ops.warp import backward_warp


def _pictures(rng):
    shape = (1, 64, 128, 3)
    return [tf.constant(rng.random(shape), tf.float32) for _ in range(2)]


@pytest.mark.parametrize("kind", [FlowNetS, FlowNetSPlus])
def test_passes_share_their_weights(kind, rng):
    lr_up, ref = _pictures(rng)
    once, twice = kind(16, name="flow"), kind(16, passes=2, name="flow")
    once(lr_up, ref)
    flows, earlier = twice(lr_up, ref)
    assert [w.path for w in twice.weights] == [w.path for w in once.weights]
    assert [tuple(flow.shape[1:3]) for flow in flows] == [
        (64, 128),
        (32, 64),
        (16, 32),
        (8, 16),
    ]
    assert [level for level, _ in earlier] == [6, 5, 4, 3, 2]
    copy = kind.from_config(twice.get_config())
    assert copy.passes == 2


def test_second_pass_adds_what_the_first_left(rng, monkeypatch):
    """An estimator that always says (1, 0) ends at (2, 0)."""
    seen = []

    def one_pixel(self, lr_up, ref, finest=0):
        seen.append((ref, finest))
        return {
            level: tf.one_hot(
                tf.zeros([1, 64 >> level, 128 >> level], tf.int32), 2
            )
            / 2.0**level
            for level in range(6, finest - 1, -1)
        }

    monkeypatch.setattr(FlowNetSPlus, "all_flows", one_pixel)
    lr_up, ref = _pictures(rng)
    flows, _ = FlowNetSPlus(16, passes=2)(lr_up, ref)
    for level, flow in enumerate(flows):
        expected = np.broadcast_to([2.0 / 2**level, 0.0], flow.shape)
        np.testing.assert_allclose(flow, expected, atol=1e-6)
    (first, first_end), (second, second_end) = seen[-2:]
    assert (first_end, second_end) == (2, 0)
    np.testing.assert_array_equal(first, ref)
    np.testing.assert_allclose(second[:, :, :-1], ref[:, :, 1:], atol=1e-6)


def test_gradients_stay_within_a_pass(rng):
    lr_up, ref = _pictures(rng)
    estimator = FlowNetSPlus(16, passes=2)
    estimator(lr_up, ref)
    with tf.GradientTape() as tape:
        tape.watch(ref)
        first, last = estimator.all_passes(lr_up, ref, finest=6)
        of_last = tf.reduce_sum(last[6])
    assert tape.gradient(of_last, first[6]) is None


def test_composed_flow_samples_as_two_warps(rng):
    """Exact where neither leaves the picture and the first is smooth."""
    image = tf.constant(rng.random((1, 24, 32, 1)), tf.float32)
    first = tf.ones([1, 24, 32, 2]) * tf.constant([2.0, -1.0])
    second = tf.constant(rng.integers(-2, 3, (1, 24, 32, 2)), tf.float32)
    at_once = backward_warp(image, composed(first, second))
    in_turn = backward_warp(backward_warp(image, first), second)
    inside = (slice(None), slice(6, -6), slice(6, -6))
    np.testing.assert_allclose(at_once[inside], in_turn[inside], atol=1e-5)
