"""The line that the flow of a camera's motion lies on, as a prior."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.ops.epipolar import line_prior
from crossnet_tf.ops.lucas_kanade import solve
from crossnet_tf.ops.windows import window_mean

HEIGHT, WIDTH = 48, 64
# Structure of a corner, and of an edge that says nothing of dy.
CORNER = (0.05, 0.0, 0.05, 0.0, 0.0)
EDGE = (0.05, 0.0, 0.0, 0.0, 0.0)


def _depth(rng):
    noise = rng.random((1, HEIGHT, WIDTH, 1), np.float32)
    smooth = window_mean(tf.constant(noise), 7).numpy()
    return 4 * (smooth - smooth.mean()) / smooth.std()


def _flow(rng, angle, noise):
    direction = np.float32([np.cos(angle), np.sin(angle)])
    flow = _depth(rng) * direction + np.float32([2.0, -3.0])
    return flow + noise * rng.normal(size=flow.shape).astype(np.float32)


def _products(structure):
    return tf.tile(tf.constant([[[structure]]]), [1, HEIGHT, WIDTH, 1])


def _across(flow, angle):
    normal = np.float32([-np.sin(angle), np.cos(angle)])
    return (np.asarray(flow) - [2.0, -3.0]) @ normal


@pytest.mark.parametrize("degrees", [0, 45, 90, 135, 170])
def test_noise_across_the_line_is_taken_away(rng, degrees):
    angle = np.deg2rad(degrees)
    flow = _flow(rng, angle, 0.02)
    wrong = np.array(flow)
    normal = np.float32([-np.sin(angle), np.cos(angle)])
    wrong[:, 10:20, 10:20] += 0.5 * normal
    products = np.array(_products(CORNER))
    products[:, 10:20, 10:20] *= 1e-4
    prior = line_prior(tf.constant(wrong), tf.constant(products))
    moved = wrong + solve(tf.constant(products), 3, prior).numpy()
    inside = np.s_[0, 13:17, 13:17]
    assert np.abs(_across(moved[inside], angle)).max() < 0.1
    along = (moved - wrong)[inside] @ np.float32([-normal[1], normal[0]])
    assert np.abs(along).max() < 0.05


def test_strong_evidence_wins(rng):
    flow = np.array(_flow(rng, 0.0, 0.02))
    flow[:, 10:30, 10:30, 1] += 1.0  # Something that moves by itself.
    products = 100.0 * _products(CORNER)
    prior = line_prior(tf.constant(flow), products)
    moved = flow + solve(products, 3, prior).numpy()
    assert (moved - flow)[0, 15:25, 15:25, 1].min() > -0.1


def test_flow_on_no_line_has_no_prior(rng):
    flow = np.concatenate([_depth(rng), _depth(rng)], axis=-1)
    prior = line_prior(tf.constant(flow), _products(CORNER)).numpy()
    assert np.abs(prior).max() < 1e-6


@pytest.mark.parametrize("structure", [EDGE, (0.0,) * 5])
def test_edges_alone_show_no_line(rng, structure):
    flow = tf.constant(_flow(rng, 0.3, 0.02))
    prior = line_prior(flow, _products(structure)).numpy()
    assert np.isfinite(prior).all()
    assert np.abs(prior[..., :3]).max() < 0.02


def test_even_flow_is_finite():
    prior = line_prior(tf.zeros([1, HEIGHT, WIDTH, 2]), _products(CORNER))
    assert np.isfinite(prior.numpy()).all()


def test_each_sample_has_its_own_line(rng):
    flows = [_flow(rng, angle, 0.02) for angle in (0.2, 1.5)]
    products = _products(CORNER)
    both = line_prior(tf.concat(flows, 0), tf.repeat(products, 2, axis=0))
    for number, flow in enumerate(flows):
        alone = line_prior(tf.constant(flow), products)
        np.testing.assert_allclose(
            both[number : number + 1], alone, rtol=1e-3, atol=1e-5
        )
