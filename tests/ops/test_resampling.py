"""Cubic resampling against TensorFlow's own operator."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.ops import resampling
from crossnet_tf.ops.pyramids import double_flow


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_cubic_upscale_agrees(scale):
    images = np.random.default_rng(0).random((2, 16, 24, 3), np.float32)
    expected = tf.image.resize(images, [16 * scale, 24 * scale], "bicubic")
    actual = resampling.cubic_upscale(images, scale)
    np.testing.assert_allclose(actual, expected, atol=1e-6)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_cubic_downscale_agrees(scale):
    images = np.random.default_rng(1).random((2, 32, 48, 3), np.float32)
    size = [32 // scale, 48 // scale]
    expected = tf.image.resize(images, size, "bicubic", antialias=True)
    actual = resampling.cubic_downscale(images, scale)
    np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_cubic_unknown_shape():
    function = tf.function(
        lambda x: resampling.matched_blur(x, 4),
        input_signature=[tf.TensorSpec([None, None, None, 3])],
    )
    images = np.random.default_rng(2).random((1, 16, 24, 3), np.float32)
    expected = resampling.matched_blur(images, 4)
    np.testing.assert_allclose(function(images), expected, atol=1e-6)


def test_matched_blur_keeps_what_lr_shows():
    ramp = np.tile(np.linspace(0, 1, 48, dtype=np.float32), (32, 1))
    images = np.repeat(ramp[None, :, :, None], 3, axis=-1)
    blurred = resampling.matched_blur(images, 4).numpy()
    inner = np.s_[:, :, 8:-8]
    np.testing.assert_allclose(blurred[inner], images[inner], atol=2e-3)


def test_double_flow_doubles_values():
    flow = np.full((1, 4, 6, 2), (1.5, -2.0), np.float32)
    expected = np.full((1, 8, 12, 2), (3.0, -4.0), np.float32)
    np.testing.assert_allclose(double_flow(flow), expected)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_seen_again_agrees_with_the_two(rng, scale):
    images = rng.random((1, 20, 24, 3)).astype(np.float32)
    both = resampling.cubic_upscale(images, scale)
    both = resampling.cubic_downscale(both, scale)
    inside = np.s_[:, 4:-4, 4:-4]
    again = resampling.seen_again(images, scale)
    np.testing.assert_allclose(again[inside], both[inside], atol=1e-5)
    even = resampling.seen_again(tf.ones([1, 6, 5, 3]), scale)
    np.testing.assert_allclose(even, 1.0, atol=1e-5)
