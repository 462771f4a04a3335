"""Gains that bring one picture to the brightness of another."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.ops.brightness import matching_gain
from crossnet_tf.ops.windows import window_mean


def _picture(height=128, width=160):
    noise = np.random.default_rng(0).random((1, height, width, 3), np.float32)
    return window_mean(tf.constant(0.3 + 0.4 * noise), 3)


def test_same_picture_needs_no_gain():
    picture = _picture()
    np.testing.assert_allclose(matching_gain(picture, picture), 1.0, atol=1e-6)


def test_white_balance_is_found():
    picture = _picture()
    factors = tf.constant([0.9, 1.0, 1.15])
    gain = matching_gain(factors * picture, picture).numpy()
    np.testing.assert_allclose(gain.mean((0, 1, 2)), factors, atol=0.01)


def test_darker_corners_are_found():
    picture = _picture()
    light = tf.linspace(0.95, 1.05, 160)[None, None, :, None]
    rest = light * picture - matching_gain(light * picture, picture) * picture
    assert np.abs(rest).mean() < 0.4 * np.abs((light - 1) * picture).mean()


def test_motion_is_no_light():
    picture = _picture(128, 168)
    gain = matching_gain(picture[:, :, 8:], picture[:, :, :-8]).numpy()
    assert np.abs(gain - 1).max() < 0.02


@pytest.mark.parametrize("value", [0.0, -1.0, 1.0, 1e30])
def test_any_picture_gives_a_bounded_gain(value):
    gain = matching_gain(_picture(), tf.fill([1, 128, 160, 3], value)).numpy()
    assert np.isfinite(gain).all()
    assert gain.min() >= 0.7
    assert gain.max() <= 1.4


@pytest.mark.parametrize("cell", [1, 2, 32])
def test_sizes_that_cells_do_not_fill(cell):
    picture = _picture(33, 47)
    gain = matching_gain(0.9 * picture, picture, cell)
    assert gain.shape == picture.shape
    np.testing.assert_allclose(np.mean(gain), 0.9, atol=0.01)


def test_no_gradient_passes():
    picture = tf.Variable(_picture())
    with tf.GradientTape() as tape:
        gain = matching_gain(picture, 0.9 * picture)
    assert tape.gradient(gain, picture) is None
