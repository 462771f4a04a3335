"""The tone curve between two pictures."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.ops import tone


@pytest.fixture
def picture(rng) -> np.ndarray:
    return rng.random((2, 24, 40, 3)).astype(np.float32)


def test_equal_pictures_identity(picture):
    curve = tone.tone_curve(picture, picture)
    assert curve.shape == (2, 1, tone.KNOTS, 3)
    toned = tone.with_tone(picture, curve)
    np.testing.assert_allclose(toned, picture, atol=1e-5)
    np.testing.assert_allclose(tone.slope(picture, curve), 1.0, atol=1e-3)


@pytest.mark.parametrize("gamma", [0.7, 1.4])
def test_it_finds_a_gamma_per_colour(picture, gamma):
    exponents = np.float32([1.0, gamma, 1.0])
    target = picture**exponents
    curve = tone.tone_curve(target, picture)
    toned = tone.with_tone(picture, curve).numpy()
    assert (
        np.abs(toned - target).mean()
        < 0.15 * np.abs(picture - target).mean(axis=(0, 1, 2)).max()
    )
    middle = np.full([2, 1, 1, 3], 0.5, np.float32)
    expected = exponents * 0.5 ** (exponents - 1)
    np.testing.assert_allclose(
        tone.slope(middle, curve)[0, 0, 0], expected, atol=0.08
    )


def test_pixels_that_do_not_fit_count_for_little(picture):
    target = (0.1 + 0.8 * picture).astype(np.float32)
    hidden = target.copy()
    hidden[:, :4] = 1.0
    toned = tone.with_tone(picture, tone.tone_curve(hidden, picture)).numpy()
    assert np.abs(toned - target)[:, 4:].max() < 0.05


def test_the_curve_never_falls(rng, picture):
    curve = tone.tone_curve(1 - picture, picture).numpy()
    assert (np.diff(curve, axis=2) > 0).all()
    flat = np.full_like(picture, 0.4)
    assert np.isfinite(tone.tone_curve(picture, flat)).all()
    assert np.isfinite(tone.tone_curve(0 * flat, 0 * flat)).all()


def test_unknown_shape(picture):
    image = tf.TensorSpec([None, None, None, 3])
    curve = tf.function(tone.tone_curve, input_signature=[image, image])
    target = picture**0.8
    np.testing.assert_allclose(
        curve(target, picture), tone.tone_curve(target, picture), atol=1e-5
    )
