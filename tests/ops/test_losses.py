"""Losses on values computed by hand."""

import numpy as np

from crossnet_tf.ops import losses


def test_charbonnier_by_hand():
    hr = np.zeros((2, 4, 5, 3), np.float32)
    sr = np.zeros_like(hr)
    sr[1, 0, 0, 0] = 0.5
    zeros = 60 * 1e-3
    value = losses.charbonnier(sr, hr)
    expected = [zeros, zeros - 1e-3 + np.sqrt(0.25 + 1e-6)]
    np.testing.assert_allclose(value, expected, rtol=1e-5)


def _shifted_pair():
    rng = np.random.default_rng(0)
    wide = rng.random((1, 32, 56, 3), np.float32)
    return wide[:, :, 4:52], wide[:, :, 8:56]


def _constant_flows(dx):
    flows = []
    for level in range(3):
        shape = (1, 32 >> level, 48 >> level, 2)
        flow = np.full(shape, (dx / 2**level, 0.0), np.float32)
        flows.append((level, flow))
    return flows


def test_warping_loss_prefers_the_right_flow():
    ref, hr = _shifted_pair()
    values = {
        dx: float(losses.warping_loss(_constant_flows(dx), ref, hr)[0])
        for dx in (-4.0, 0.0, 4.0)
    }
    assert values[4.0] < 0.5 * values[0.0]
    assert values[4.0] < 0.5 * values[-4.0]


def test_end_point_error_by_hand():
    flow = np.zeros((1, 32, 48, 3), np.float32)
    flow[..., 0], flow[..., 2] = 3.0, 1.0
    right = losses.end_point_error(_constant_flows(3.0), flow)
    wrong = losses.end_point_error(_constant_flows(5.0), flow)
    pixels = 32 * 48
    assert float(right[0]) < 2e-3 * pixels
    np.testing.assert_allclose(wrong, [2.0 * pixels], rtol=1e-4)


def test_flow_loss_by_hand():
    flow = np.zeros((1, 32, 48, 3), np.float32)
    flow[..., 0], flow[..., 2] = 3.0, 1.0
    wrong = losses.flow_loss(_constant_flows(5.0), flow)
    np.testing.assert_allclose(wrong, [np.log(3.0) * 32 * 48], rtol=1e-4)


def test_end_point_error_ignores_unknown_flow():
    flow = np.zeros((1, 32, 48, 3), np.float32)
    flow[:, :, :24] = (3.0, 0.0, 1.0)
    flow[:, :, 24:, 0] = np.float32(1e3)
    value = losses.end_point_error(_constant_flows(3.0), flow)
    assert float(value[0]) < 2e-3 * 32 * 48
