"""What REF's detail is worth, and when it is believed."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.model.detail import ReferenceDetail, gated
from crossnet_tf.ops import resizing
from crossnet_tf.ops.resampling import cubic_upscale


def _picture(rng):
    coarse = rng.random((1, 16, 24, 3), np.float32)
    fine = rng.random((1, 64, 96, 3), np.float32)
    coarse = cubic_upscale(tf.constant(coarse), 4).numpy()
    return np.clip(0.8 * coarse + 0.2 * fine, 0, 1)


def _detail(lr, ref, flow):
    return [value.numpy() for value in ReferenceDetail(4)(lr, ref, flow)]


def test_detail_of_the_same_picture_gives_it_back(rng):
    hr = _picture(rng)
    zero = tf.zeros([1, 64, 96, 2])
    lr = resizing.make_lr(hr[0], 4)[None]
    with_ref, mismatch, trust = _detail(lr, hr, zero)
    assert np.abs(with_ref - hr).max() < 0.01
    assert np.abs(mismatch).max() < 0.01
    assert trust.min() > 0.95


def test_detail_follows_the_flow(rng):
    hr = _picture(rng)
    ref = np.roll(hr, 5, axis=2)
    flow = np.zeros((1, 64, 96, 2), np.float32)
    flow[..., 0] = 5.0
    lr = resizing.make_lr(hr[0], 4)[None]
    with_ref, _, trust = _detail(lr, ref, tf.constant(flow))
    assert np.abs(with_ref - hr)[:, 12:-12, 12:-20].max() < 0.01
    assert trust[:, 12:-12, 12:-20].min() > 0.95


@pytest.mark.parametrize("wrong", ["other", "black"])
def test_what_does_not_explain_lr_is_not_believed(rng, wrong):
    hr = _picture(rng)
    ref = _picture(rng) if wrong == "other" else np.zeros_like(hr)
    zero = tf.zeros([1, 64, 96, 2])
    trust = _detail(resizing.make_lr(hr[0], 4)[None], ref, zero)[2]
    assert trust.mean() < 0.05


def test_bent_flow_is_not_believed(rng):
    # Stripes look the same wherever the flow points, as long as it is even.
    stripes = np.tile(np.float32([0.1, 0.1, 0.9, 0.9]), (1, 64, 24))
    stripes = np.repeat(stripes[..., None], 3, axis=-1)
    lr = resizing.make_lr(stripes[0], 4)[None]
    flow = np.zeros((1, 64, 96, 2), np.float32)
    flow[..., 0] = 4.0
    even = _detail(lr, stripes, tf.constant(flow))[2][:, 16:-16, 16:-16]
    assert even.min() > 0.95
    flow[..., 0] = 8.0 * rng.integers(-1, 2, (1, 64, 96))
    bent = _detail(lr, stripes, tf.constant(flow))[2][:, 16:-16, 16:-16]
    assert bent.max() < 1e-3


def test_enlarged_lr_is_not_believed(rng):
    hr = _picture(rng)
    lr = resizing.make_lr(hr[0], 4)[None]
    zero = tf.zeros([1, 64, 96, 2])
    assert _detail(lr, hr, zero)[2].min() > 0.9
    assert _detail(lr, cubic_upscale(lr, 4), zero)[2].mean() < 0.2


def test_gate_ends_at_the_upsampler_without_trust(rng):
    fused = tf.constant(rng.normal(0, 3, (1, 8, 8, 4)).astype(np.float32))
    lr_up, with_ref = tf.zeros([1, 8, 8, 3]), tf.ones([1, 8, 8, 3])
    trust = tf.zeros([1, 8, 8, 1])
    np.testing.assert_array_equal(gated(fused, lr_up, with_ref, trust), lr_up)
    open_gate = tf.constant([[[[0.0, 0.0, 0.0, 50.0]]]])
    result = gated(open_gate, lr_up, with_ref, trust + 1.0)
    np.testing.assert_allclose(result, with_ref)
