"""Cubic sampling."""

import numpy as np
import tensorflow as tf

from crossnet_tf.ops.cubic_warp import cubic_warp
from crossnet_tf.ops.warp import backward_warp


def _keys(x: float) -> float:
    x = abs(x)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def _flow(dx: float, dy: float, shape: tuple) -> np.ndarray:
    return np.broadcast_to(np.float32([dx, dy]), (*shape[:3], 2)).copy()


def test_along_an_axis_agrees(rng):
    image = rng.random((1, 12, 16, 3)).astype(np.float32)
    warped = cubic_warp(image, _flow(1.3, 0.0, image.shape)).numpy()
    for column in range(2, 12):
        taps = [_keys(1.3 - n) for n in range(-1, 5)]
        parts = image[0, :, column - 1 : column + 5]
        expected = np.einsum("n,ync->yc", taps, parts)
        np.testing.assert_allclose(warped[0, :, column], expected, atol=1e-5)


def test_whole_pixels_identity(rng):
    image = rng.random((1, 12, 16, 3)).astype(np.float32)
    flow = rng.integers(-3, 4, (1, 12, 16, 2)).astype(np.float32)
    np.testing.assert_array_equal(
        cubic_warp(image, flow), backward_warp(image, flow)
    )


def test_a_smooth_picture_is_sampled_better_than_bilinearly():
    y, x = np.mgrid[:32, :32].astype(np.float32)

    def wave(x, y):
        return np.sin(0.8 * x) + np.cos(0.7 * y)

    image = wave(x, y)[None, ..., None]
    flow = _flow(0.5, 0.4, image.shape)
    inside = np.s_[0, 3:-3, 3:-3, 0]
    expected = wave(x + 0.5, y + 0.4)[3:-3, 3:-3]
    errors = [
        np.abs(warp(image, flow).numpy()[inside] - expected).max()
        for warp in (cubic_warp, backward_warp)
    ]
    assert errors[0] < 0.3 * errors[1]


def test_a_jump_of_the_flow_is_left_alone():
    image = np.random.default_rng(0).random((1, 8, 16, 1)).astype(np.float32)
    flow = _flow(0.5, 0.0, image.shape)
    flow[:, :, 8:, 0] = 5.5
    difference = cubic_warp(image, flow) - backward_warp(image, flow)
    assert np.abs(difference[:, :, 7:9]).max() < 1e-3
    assert np.abs(difference[:, :, 3:6]).max() > 1e-2


def test_the_gradient_reaches_the_flow():
    image = tf.random.stateless_uniform([1, 8, 8, 3], [0, 1])
    flow = tf.Variable(_flow(0.3, 0.2, (1, 8, 8)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(cubic_warp(image, flow) ** 2)
    assert np.abs(tape.gradient(loss, flow)).max() > 0


def test_the_gradient_for_the_picture_is_the_transposed_warp(rng):
    # For a linear map A and its gradient A^T: (A x) . y = x . (A^T y).
    image, other = (
        tf.constant(rng.random((1, 7, 9, 2)), tf.float32) for _ in range(2)
    )
    flow = tf.constant(rng.uniform(-1.5, 1.5, (1, 7, 9, 2)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(image)
        warped = cubic_warp(image, flow)
    transposed = tape.gradient(warped, image, output_gradients=other)
    np.testing.assert_allclose(
        tf.reduce_sum(warped * other),
        tf.reduce_sum(image * transposed),
        rtol=1e-5,
    )
