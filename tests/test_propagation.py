"""Flow that pixels take over from their neighbours."""

import numpy as np
import tensorflow as tf

from crossnet_tf.model.propagation import propagate

SHAPE = 1, 32, 40, 2


def _against(truth):
    """Leaves as much unexplained as the flow is wrong."""

    def remainder(target, source, flow):
        assert target.shape == source.shape == (9, *SHAPE[1:3], 3)
        return flow - tf.tile(truth, [9, 1, 1, 1])

    return remainder


def _images():
    return tf.zeros([*SHAPE[:3], 3]), tf.zeros([*SHAPE[:3], 3])


def _step(edge):
    flow = np.zeros(SHAPE, np.float32)
    flow[:, :, edge:] = (3.0, -2.0)
    return flow


def test_a_misplaced_edge_moves_to_its_place():
    truth, flow = tf.constant(_step(20)), tf.constant(_step(24))
    before = np.abs(flow - truth).mean()
    for _ in range(3):
        flow = propagate(flow, _images(), _against(truth), [4, 2])
    assert np.abs(flow - truth).mean() < 0.2 * before


def test_a_right_flow_stays():
    truth = tf.constant(_step(20))
    flow = propagate(truth, _images(), _against(truth), [4, 2])
    np.testing.assert_allclose(flow, truth, atol=0.02)


def test_each_sample_for_itself(rng):
    flows = rng.normal(size=(2, *SHAPE[1:])).astype(np.float32)
    truths = rng.normal(size=(2, *SHAPE[1:])).astype(np.float32)
    images = tf.zeros([2, *SHAPE[1:3], 3])

    def remainder(target, source, flow):
        del source
        return flow - tf.tile(truths, [target.shape[0] // 2, 1, 1, 1])

    both = propagate(tf.constant(flows), (images, images), remainder, [2])
    for number in range(2):
        one = slice(number, number + 1)
        alone = propagate(
            tf.constant(flows[one]),
            _images(),
            _against(tf.constant(truths[one])),
            [2],
        )
        np.testing.assert_allclose(both[one], alone, atol=1e-5)


def test_stays_between_the_flows_it_mixes(rng):
    flow = tf.constant(rng.normal(size=SHAPE).astype(np.float32))
    truth = tf.fill(SHAPE, 1e6)
    mixed = propagate(flow, _images(), _against(truth), [1])
    assert np.isfinite(mixed.numpy()).all()
    assert np.abs(mixed).max() <= np.abs(flow).max() + 1e-5


def test_no_gradient_passes():
    flow = tf.Variable(_step(20))
    with tf.GradientTape() as tape:
        mixed = propagate(flow, _images(), _against(tf.zeros(SHAPE)), [2])
    assert tape.gradient(mixed, flow) is None
