"""Flow that pixels take over from their neighbours."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.ops import propagation
from crossnet_tf.ops.propagation import propagate
from crossnet_tf.ops.warp import backward_warp

SHAPE = 1, 32, 40, 2


def _source(batch=1):
    """A picture that tells where it was sampled."""
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]].astype(np.float32)
    return tf.constant(
        np.stack([[columns, rows]] * batch).transpose(0, 2, 3, 1)
    )


def _against(truth):
    """Leaves as much unexplained as the flow is wrong."""
    target = backward_warp(_source(len(truth)), truth)

    def remainder(warped):
        assert warped.shape == (9 * len(truth), *SHAPE[1:])
        return warped - tf.tile(target, [9, 1, 1, 1])

    return remainder


def _step(edge):
    flow = np.zeros(SHAPE, np.float32)
    flow[:, :, edge:] = (3.0, -2.0)
    return flow


def test_a_misplaced_edge_moves_to_its_place():
    truth, flow = tf.constant(_step(20)), tf.constant(_step(24))
    before = np.abs(flow - truth).mean()
    for _ in range(3):
        flow = propagate(flow, _source(), _against(truth), [4, 2])
    assert np.abs(flow - truth).mean() < 0.2 * before


def test_a_right_flow_stays():
    truth = tf.constant(_step(20))
    flow = propagate(truth, _source(), _against(truth), [4, 2])
    np.testing.assert_allclose(flow, truth, atol=0.02)


def test_each_sample_for_itself(rng):
    flows = rng.normal(size=(2, *SHAPE[1:])).astype(np.float32)
    truths = tf.constant(rng.normal(size=(2, *SHAPE[1:])).astype(np.float32))
    both = propagate(tf.constant(flows), _source(2), _against(truths), [2])
    for number in range(2):
        one = slice(number, number + 1)
        alone = propagate(
            tf.constant(flows[one]), _source(), _against(truths[one]), [2]
        )
        np.testing.assert_allclose(both[one], alone, atol=1e-5)


@pytest.mark.parametrize("distance", [1, 4])
def test_candidates_are_warped_by_the_neighbours_flow(rng, distance):
    flow = rng.normal(size=SHAPE).astype(np.float32) * 9
    source = rng.random((*SHAPE[:3], 3)).astype(np.float32)
    flows, pictures = propagation.candidates(flow, source, distance)
    padded = np.pad(
        flow, [(0, 0), (distance,) * 2, (distance,) * 2, (0, 0)], "symmetric"
    )
    places = set()
    for neighbour, picture in zip(flows, pictures):
        expected = backward_warp(source, neighbour)
        np.testing.assert_allclose(picture, expected, atol=1e-5)
        for y in range(0, 2 * distance + 1, distance):
            for x in range(0, 2 * distance + 1, distance):
                part = padded[:, y : y + SHAPE[1], x : x + SHAPE[2]]
                if np.array_equal(neighbour, part):
                    places.add((y, x))
    assert len(places) == len(flows) == 9
    np.testing.assert_array_equal(flows[0], flow)


def test_stays_between_the_flows_it_mixes(rng):
    flow = tf.constant(rng.normal(size=SHAPE).astype(np.float32))
    truth = tf.fill(SHAPE, 1e6)
    mixed = propagate(flow, _source(), _against(truth), [1])
    assert np.isfinite(mixed.numpy()).all()
    assert np.abs(mixed).max() <= np.abs(flow).max() + 1e-5


def test_no_gradient_passes():
    flow = tf.Variable(_step(20))
    with tf.GradientTape() as tape:
        mixed = propagate(flow, _source(), _against(tf.zeros(SHAPE)), [2])
    assert tape.gradient(mixed, flow) is None
