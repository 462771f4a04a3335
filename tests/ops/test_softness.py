"""The filter between REF shrunk and LR."""

import numpy as np
import tensorflow as tf

from crossnet_tf.ops.softness import softened


def _blurred(images: np.ndarray) -> np.ndarray:
    """Filtered by 1/6, 4/6, 1/6 on both axes, the border repeated."""
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)], "edge")
    rows = (padded[:, :-2] + 4 * padded[:, 1:-1] + padded[:, 2:]) / 6
    return (rows[:, :, :-2] + 4 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 6


def test_equal_pictures_identity(rng):
    images = rng.random((1, 20, 24, 3)).astype(np.float32)
    np.testing.assert_allclose(softened(images, images), images, atol=1e-6)


def test_it_finds_a_blur(rng):
    images = rng.random((2, 24, 32, 3)).astype(np.float32)
    target = _blurred(images)
    target[0, :3] = 0.0  # Not to be explained.
    found = softened(target, images).numpy()
    left = np.abs(found - target)[:, 3:].mean()
    assert left < 0.15 * np.abs(images - target)[:, 3:].mean()


def test_it_finds_a_sharpening(rng):
    images = rng.random((1, 24, 32, 3)).astype(np.float32)
    soft = _blurred(images)
    found = softened(images, soft)
    left = np.abs(found - images).mean()
    assert left < 0.6 * np.abs(soft - images).mean()


def test_without_detail_it_is_finite():
    images = tf.fill([1, 8, 8, 3], 0.3)
    np.testing.assert_array_equal(softened(0.5 * images, images), images)
