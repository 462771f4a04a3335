"""The warp against TensorFlow Addons, a NumPy loop and finite differences."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.ops.warp import backward_warp

GOLDEN = pathlib.Path(__file__).parent.parent / "golden" / "warp.npz"


def _loop_warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    batch, height, width, _ = image.shape
    out = np.zeros_like(image)
    for b, y, x in np.ndindex(batch, height, width):
        u = min(max(x + flow[b, y, x, 0], 0), width - 1)
        v = min(max(y + flow[b, y, x, 1], 0), height - 1)
        x0, y0 = int(np.floor(u)), int(np.floor(v))
        x1, y1 = min(x0 + 1, width - 1), min(y0 + 1, height - 1)
        u, v = u - x0, v - y0
        out[b, y, x] = (
            (1 - v) * (1 - u) * image[b, y0, x0]
            + (1 - v) * u * image[b, y0, x1]
            + v * (1 - u) * image[b, y1, x0]
            + v * u * image[b, y1, x1]
        )
    return out


def _random_pair(seed, shape, amplitude):
    rng = np.random.default_rng(seed)
    image = rng.random(shape, np.float32)
    flow = rng.uniform(-amplitude, amplitude, (*shape[:3], 2))
    return image, flow.astype(np.float32)


def test_warp_golden():
    """Values and both gradients of `tfa.image.dense_image_warp`."""
    golden = np.load(GOLDEN, allow_pickle=False)
    cases = sorted({key.split("/")[0] for key in golden.files})
    assert len(cases) >= 4
    for case in cases:
        image = tf.constant(golden[f"{case}/image"])
        flow = tf.constant(golden[f"{case}/flow"])
        with tf.GradientTape() as tape:
            tape.watch([image, flow])
            warped = backward_warp(image, flow)
            total = tf.reduce_sum(warped**2) / 2
        gradients = tape.gradient(total, [image, flow])
        np.testing.assert_allclose(
            warped, golden[f"{case}/warped"], atol=1e-5, err_msg=case
        )
        for name, gradient in zip(("image", "flow"), gradients):
            expected = golden[f"{case}/{name}_gradient"]
            np.testing.assert_allclose(
                gradient, expected, atol=1e-4, err_msg=f"{case} {name}"
            )


def test_warp_by_hand():
    image = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)
    flow = np.zeros((1, 3, 4, 2), np.float32)
    flow[0, 1, 1] = (1.0, 0.0)
    flow[0, 0, 0] = (0.0, 0.5)
    flow[0, 2, 3] = (9.0, 9.0)
    flow[0, 0, 3] = (-0.25, -7.0)
    expected = image.copy()
    expected[0, 1, 1] = 6.0
    expected[0, 0, 0] = 2.0
    expected[0, 2, 3] = 11.0
    expected[0, 0, 3] = 2.75
    np.testing.assert_allclose(backward_warp(image, flow), expected)


@pytest.mark.parametrize("shape", [(1, 7, 9, 3), (2, 16, 11, 5)])
@pytest.mark.parametrize("amplitude", [0.7, 3.0, 40.0])
def test_warp_agrees(shape, amplitude):
    image, flow = _random_pair(3, shape, amplitude)
    expected = _loop_warp(image, flow)
    np.testing.assert_allclose(backward_warp(image, flow), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1, 5, 2), (1, 5, 1, 2), (1, 1, 1, 2)])
def test_warp_single_row_agrees(shape):
    image, flow = _random_pair(4, shape, 3.0)
    expected = _loop_warp(image, flow)
    np.testing.assert_allclose(backward_warp(image, flow), expected, atol=1e-5)


def test_warp_identity():
    image, flow = _random_pair(5, (2, 6, 8, 4), 0.0)
    np.testing.assert_array_equal(backward_warp(image, flow), image)


def test_warp_gradient():
    image, flow = _random_pair(6, (1, 5, 6, 2), 1.5)
    # Away from whole pixels, where the bilinear surface has its kinks.
    flow = np.floor(flow) + 0.2 + 0.6 * (flow - np.floor(flow))
    for which in (0, 1):
        arguments = [tf.constant(image), tf.constant(flow)]

        def function(value, which=which, arguments=arguments):
            values = [*arguments]
            values[which] = value
            return backward_warp(*values)

        theoretical, numerical = tf.test.compute_gradient(
            function, [arguments[which]], delta=1e-2
        )
        np.testing.assert_allclose(theoretical[0], numerical[0], atol=2e-4)


def test_warp_outside_has_no_flow_gradient():
    image, flow = _random_pair(7, (1, 5, 6, 2), 0.0)
    flow = tf.constant(flow + 50.0)
    with tf.GradientTape() as tape:
        tape.watch(flow)
        total = tf.reduce_sum(backward_warp(image, flow))
    np.testing.assert_array_equal(tape.gradient(total, flow), 0.0)


def test_warp_bfloat16_keeps_coordinates():
    ramp = np.tile(np.arange(300, dtype=np.float32) % 2, (4, 1))
    image = tf.cast(ramp[None, :, :, None], tf.bfloat16)
    flow = np.zeros((1, 4, 300, 2), np.float32)
    warped = backward_warp(image, flow)
    assert warped.dtype == tf.bfloat16
    np.testing.assert_array_equal(tf.cast(warped, tf.float32)[0, ..., 0], ramp)


def test_warp_unknown_shape():
    function = tf.function(
        backward_warp,
        input_signature=[
            tf.TensorSpec([None, None, None, 3]),
            tf.TensorSpec([None, None, None, 2]),
        ],
    )
    image, flow = _random_pair(8, (2, 9, 7, 3), 2.0)
    np.testing.assert_allclose(
        function(image, flow), _loop_warp(image, flow), atol=1e-5
    )


def test_warp_rejects():
    image, flow = _random_pair(9, (1, 4, 5, 3), 1.0)
    with pytest.raises(ValueError, match=r"`flow`.*\(1, 4, 5, 3\)"):
        backward_warp(image, np.zeros((1, 4, 5, 3), np.float32))
    with pytest.raises(ValueError, match=r"`image`.*\(4, 5, 3\)"):
        backward_warp(image[0], flow)
    with pytest.raises(ValueError, match="`image`.*None"):
        tf.function(
            backward_warp,
            input_signature=[
                tf.TensorSpec([None, None, None, None]),
                tf.TensorSpec([None, None, None, 2]),
            ],
        ).get_concrete_function()
