"""Resizing and warping against plain loops and known cases."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.alignment import homography, sampling
from crossnet_tf.ops import resizing


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_resized_agrees_with_how_lr_is_made(rng, scale):
    picture = rng.random((6 * scale, 9 * scale, 3), np.float32)
    small = sampling.resized(picture, 6, 9)
    expected = resizing.downscale(tf.constant(picture), scale)
    np.testing.assert_allclose(small, expected, atol=2e-5)
    large = sampling.resized(small, *picture.shape[:2])
    expected = resizing.upscale_cubic(tf.constant(small), scale)
    np.testing.assert_allclose(large, expected, atol=2e-5)


def test_scaling_maps_centres_to_centres_golden():
    places = sampling.mapped(sampling.scaling(4, 2), np.array([[0, 0], [3, 5]]))
    np.testing.assert_allclose(places, [[1.5, 0.5], [13.5, 10.5]])


def test_mapped_agrees(rng):
    matrix = np.eye(3) + 0.01 * rng.standard_normal((3, 3))
    points = 10 * rng.random((5, 2))
    for point, place in zip(points, sampling.mapped(matrix, points)):
        x, y, w = matrix @ [*point, 1.0]
        np.testing.assert_allclose(place, [x / w, y / w])


@pytest.mark.parametrize("zoom", [0.5, 1.0, 3.0])
def test_magnification_golden(zoom):
    turned = np.array([[0, -zoom, 3], [zoom, 0, 1], [0, 0, 1.0]])
    assert sampling.magnification(turned, 9, 7) == pytest.approx(zoom)


def test_warped_identity(rng):
    picture = rng.random((20, 30, 3), np.float32)
    same, cover = sampling.warped(picture, np.eye(3), 20, 30)
    np.testing.assert_array_equal(same, picture)
    assert cover.all()


def test_warped_shift_golden(rng):
    picture = rng.random((20, 30, 3), np.float32)
    shift = np.array([[1.0, 0, 4], [0, 1, -2], [0, 0, 1]])
    moved, cover = sampling.warped(picture, shift, 20, 30)
    np.testing.assert_array_equal(moved[2:, :-4], picture[:-2, 4:])
    np.testing.assert_array_equal(cover[2:, :-4], True)
    assert cover.sum() == 18 * 26
    # Its border is repeated beyond.
    np.testing.assert_array_equal(moved[0, :-4], picture[0, 4:])


def test_warped_shrinks_without_aliasing():
    stripes = np.zeros([64, 64, 3], np.float32)
    stripes[:, ::2] = 1.0
    small, _ = sampling.warped(stripes, sampling.scaling(4, 4), 16, 16)
    np.testing.assert_allclose(small[2:-2, 2:-2], 0.5, atol=0.01)


def test_warped_behind_the_camera_is_not_covered():
    picture = np.ones([16, 16, 3], np.float32)
    tilted = np.array([[1.0, 0, 0], [0, 1, 0], [-0.1, 0, 1]])
    result, cover = sampling.warped(picture, tilted, 16, 32)
    assert np.isfinite(result).all()
    assert not cover[:, 10:].any()


@pytest.mark.parametrize(
    ("matrix", "sane"),
    [
        (np.eye(3), True),
        (np.diag([2.0, 2.0, 1.0]), True),
        (np.array([[0.0, -1, 9], [1, 0, 0], [0, 0, 1]]), True),
        (np.diag([-1.0, 1.0, 1.0]), False),  # mirrored
        (np.diag([20.0, 20.0, 1.0]), False),
        (np.diag([0.05, 0.05, 1.0]), False),
        (np.array([[1.0, 0, 0], [0, 1, 0], [-0.2, 0, 1]]), False),  # folded
        (np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]]), False),  # a line
        (np.full([3, 3], np.nan), False),
    ],
)
def test_sane_homographies(matrix, sane):
    assert homography.is_sane(matrix, 10, 10) is sane
