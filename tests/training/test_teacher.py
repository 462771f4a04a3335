"""True flow made from HR, and where it is not believed."""

import numpy as np
import tensorflow as tf

from crossnet_tf.ops.windows import window_mean
from crossnet_tf.training import teacher


def _pair(shift):
    noise = np.random.default_rng(0).random((2, 72, 104, 3), np.float32)
    wide = window_mean(tf.constant(noise), 3)
    return wide[:, 4:68, 4:100], wide[:, 4:68, 4 - shift : 100 - shift]


def test_matched_flow_finds_a_shift():
    hr, ref = _pair(3)
    flow = teacher.matched_flow(hr, ref)[:, 8:-8, 8:-8].numpy()
    assert flow[..., 2].mean() > 0.95
    known = flow[flow[..., 2] > 0]
    np.testing.assert_allclose(np.median(known[:, 0]), 3.0, atol=0.05)
    np.testing.assert_allclose(np.median(known[:, 1]), 0.0, atol=0.05)


def test_matched_flow_does_not_believe_another_picture():
    hr, _ = _pair(0)
    assert teacher.matched_flow(hr, hr[::-1])[..., 2].numpy().mean() < 0.1
    assert teacher.matched_flow(hr, 0 * hr)[..., 2].numpy().mean() < 0.1


def test_complete_flow_keeps_what_is_known():
    hr, ref = _pair(3)
    flow = np.zeros((2, 64, 96, 3), np.float32)
    flow[0, :10] = (7.0, 0.0, 1.0)
    full = teacher.complete_flow(tf.constant(flow), hr, ref)
    np.testing.assert_array_equal(full[0], flow[0])
    assert np.abs(full[1, 8:-8, 8:-8, 0] - 3.0).mean() < 0.2


def test_matched_flow_looks_through_another_exposure():
    hr, ref = _pair(3)
    flow = teacher.matched_flow(hr, 0.9 * ref)[:, 8:-8, 8:-8].numpy()
    assert flow[..., 2].mean() > 0.95
    np.testing.assert_allclose(np.median(flow[..., 0]), 3.0, atol=0.05)
