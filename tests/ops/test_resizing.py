"""Cubic resizing against the kernel written out, and the 8-bit grid."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.ops import quantization, resizing


def _keys(distance: float) -> float:
    x = abs(distance)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def _resize_rows(image: np.ndarray, num_rows: int) -> np.ndarray:
    """Keys' cubic with half-pixel centres, stretched when it shrinks."""
    factor = len(image) / num_rows
    stretch = max(factor, 1.0)
    rows = []
    for i in range(num_rows):
        centre = (i + 0.5) * factor - 0.5
        weights = [_keys((k - centre) / stretch) for k in range(len(image))]
        rows.append(np.tensordot(weights, image, 1) / sum(weights))
    return np.array(rows)


def _resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    rows = _resize_rows(image, height)
    return _resize_rows(rows.swapaxes(0, 1), width).swapaxes(0, 1)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_downscale_agrees(rng, scale):
    image = rng.random((32, 48, 3))
    expected = _resize(image, 32 // scale, 48 // scale)
    result = resizing.downscale(image.astype(np.float32), scale)
    assert result.dtype == tf.float32
    np.testing.assert_allclose(result, expected, atol=1e-6)
    batch = resizing.downscale(np.stack([image, 1 - image]), scale)
    np.testing.assert_allclose(batch[0], expected, atol=1e-6)
    np.testing.assert_allclose(batch[1], 1 - expected, atol=1e-6)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_upscale_cubic_agrees(rng, scale):
    image = rng.random((7, 5, 3))
    expected = _resize(image, 7 * scale, 5 * scale)
    result = resizing.upscale_cubic(image.astype(np.float32), scale)
    np.testing.assert_allclose(result, expected, atol=1e-6)
    batch = resizing.upscale_cubic(np.stack([image, 1 - image]), scale)
    np.testing.assert_allclose(batch[1], 1 - expected, atol=1e-6)


def test_make_lr_is_on_the_8_bit_grid(rng):
    hr = rng.random((16, 24, 3)).astype(np.float32) * 1.4 - 0.2
    expected = np.clip(_resize(hr, 4, 6), 0, 1)
    lr = resizing.make_lr(hr, 4).numpy()
    assert abs(lr - expected).max() < 0.5 / 255 + 1e-6
    np.testing.assert_array_equal(lr, np.round(lr * 255) / np.float32(255))


@pytest.mark.parametrize(
    "resize", [resizing.downscale, resizing.upscale_cubic, resizing.make_lr]
)
@pytest.mark.parametrize("shape", [(16, 24, 3), (2, 16, 24, 3)])
def test_resize_eager_and_tfdata(rng, resize, shape):
    image = rng.random(shape).astype(np.float32)
    unknown = tf.TensorSpec([None] * (len(shape) - 1) + [3], tf.float32)
    dataset = tf.data.Dataset.from_generator(
        lambda: [image], output_signature=unknown
    )
    for result in dataset.map(lambda image: resize(image, 4)):
        np.testing.assert_array_equal(result, resize(image, 4))


def test_resize_keeps_static_sizes():
    batch = tf.TensorSpec([None, 16, 24, 3], tf.float32)
    small = tf.function(lambda x: resizing.downscale(x, 4))
    small = small.get_concrete_function(batch)
    assert small.structured_outputs.shape.as_list() == [None, 4, 6, 3]


def test_downscale_rejects_a_size_between(rng):
    with pytest.raises(ValueError, match=r"multiples of `scale`.*width=26"):
        resizing.downscale(np.zeros((16, 26, 3), np.float32), 4)
    unknown = tf.TensorSpec([None, None, 3], tf.float32)
    small = tf.function(
        lambda x: resizing.downscale(x, 4), input_signature=[unknown]
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="multiples of"):
        small(np.zeros((18, 24, 3), np.float32))
    with pytest.raises(tf.errors.InvalidArgumentError, match="multiples of"):
        small(np.zeros((18, 26, 3), np.float32))


@pytest.mark.parametrize("resize", [resizing.downscale, resizing.upscale_cubic])
@pytest.mark.parametrize(
    ("image", "scale", "message"),
    [
        (np.zeros((8, 8), np.float32), 4, r"`images`.*shape=\(8, 8\)"),
        (np.zeros((8, 8, 3), np.uint8), 4, "`images`.*dtype=uint8"),
        (np.zeros((8, 8, 3), np.float32), 0, "`scale`.*scale=0"),
        (np.zeros((8, 8, 3), np.float32), 2.0, "`scale`.*scale=2.0"),
        (np.zeros((8, 8, 3), np.float32), True, "`scale`.*scale=True"),
    ],
)
def test_resize_rejects(resize, image, scale, message):
    with pytest.raises(ValueError, match=message):
        resize(image, scale)


def test_resize_rejects_unknown_rank():
    function = tf.function(lambda x: resizing.downscale(x, 4))
    with pytest.raises(ValueError, match="shape=<unknown>"):
        function.get_concrete_function(tf.TensorSpec(None, tf.float32))


@pytest.mark.parametrize("convert", [np.asarray, tf.constant])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_to_uint8_and_quantize(convert, dtype):
    values = np.array([-1.0, 0.4, 0.6, 128.7, 254.9, 300.0]) / 255
    steps = np.array([0, 0, 1, 129, 255, 255])
    values = convert(values.astype(dtype))
    integers, grid = (
        quantization.to_uint8(values),
        quantization.quantize(values),
    )
    assert isinstance(integers, type(values))
    assert isinstance(grid, type(values))
    assert integers.dtype == np.uint8
    assert grid.dtype == np.float32
    np.testing.assert_array_equal(integers, steps)
    np.testing.assert_array_equal(grid, (steps / 255).astype(np.float32))


def test_quantize_rounds_half_up_and_keeps_the_grid():
    halves = np.array([0.5, 1.5, 2.5, 126.5], np.float32) / 255
    np.testing.assert_array_equal(quantization.to_uint8(halves), [1, 2, 3, 127])
    grid = np.arange(256, dtype=np.float32) / 255
    np.testing.assert_array_equal(quantization.quantize(grid), grid)
    np.testing.assert_array_equal(
        quantization.quantize(tf.constant(grid)), grid
    )


@pytest.mark.parametrize(
    "function", [quantization.to_uint8, quantization.quantize]
)
@pytest.mark.parametrize("convert", [np.asarray, tf.constant])
def test_quantize_rejects_integers(function, convert):
    with pytest.raises(ValueError, match="`images` must be float.*=uint8"):
        function(convert(np.zeros(3, np.uint8)))


def test_check_ref_fits_accepts():
    resizing.check_ref_fits((20, 30, 3), (80, 120, 3), 4)
    resizing.check_ref_fits((1, 20, 30, 3), (1, 40, 60, 3), 2)


@pytest.mark.parametrize(
    ("lr", "ref", "scale", "message"),
    [
        ((20, 30, 3), (81, 120, 3), 4,
         "scale=4, LR 30x20, REF 120x81 .*A REF of 120x80 would fit this LR."),
        ((20, 30, 3), (84, 120, 3), 4, "or an LR of 30x21 this REF."),
        ((20, 30, 3), (40, 60, 3), 4, "both fit a network of scale 2."),
        ((1, 20, 30, 3), (1, 120, 80, 3), 4, "LR 30x20, REF 80x120"),
    ],
)  # fmt: skip
def test_check_ref_fits_rejects(lr, ref, scale, message):
    with pytest.raises(ValueError, match=message):
        resizing.check_ref_fits(lr, ref, scale)
