"""Convolutions: both forms, padding, gradients, unknown sizes."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.model.convolution import (
    Convolution,
    Deconvolution,
    leaky_relu,
    selu,
)


def _layer(channels, filters, size):
    layer = Convolution(filters, size)
    layer.build((None, None, None, channels))
    layer.bias.assign(np.arange(filters, dtype=np.float32))
    return layer


def _plain(layer, inputs):
    outputs = tf.nn.conv2d(inputs, layer.kernel.value, 1, "SAME")
    return outputs + layer.bias.value


def _operators(layer, channels):
    function = tf.function(lambda inputs: layer(inputs))
    spec = tf.TensorSpec([None, None, None, channels])
    graph = function.get_concrete_function(spec).graph
    return {operator.type for operator in graph.get_operations()}


# 16 channels to 4 and fewer are computed in the transposed form.
@pytest.mark.parametrize("filters", [1, 3, 4, 5])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_few_filters_agrees(rng, filters, size):
    layer = _layer(16, filters, size)
    inputs = tf.constant(rng.normal(size=(2, 9, 12, 16)), tf.float32)
    np.testing.assert_allclose(layer(inputs), _plain(layer, inputs), atol=1e-5)


def test_few_filters_gradient(rng):
    layer = _layer(16, 3, 5)
    inputs = tf.constant(rng.normal(size=(2, 9, 12, 16)), tf.float32)
    weight = tf.constant(rng.normal(size=(2, 9, 12, 3)), tf.float32)
    gradients = []
    for function in (layer, lambda inputs: _plain(layer, inputs)):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            total = tf.reduce_sum(weight * function(inputs))
        wanted = [inputs, layer.kernel.value, layer.bias.value]
        gradients.append(tape.gradient(total, wanted))
    for ours, plain in zip(*gradients):
        np.testing.assert_allclose(ours, plain, atol=1e-4)


def test_form_follows_from_the_channels():
    """The form is a matter of speed that equal results do not show."""
    assert "Conv2D" not in _operators(_layer(16, 4, 3), 16)
    assert "Conv2D" in _operators(_layer(16, 5, 3), 16)


def test_few_filters_unknown_shape(rng):
    layer = _layer(16, 3, 3)
    inputs = tf.constant(rng.normal(size=(2, 9, 12, 16)), tf.float32)
    spec = tf.TensorSpec([None, None, None, 16])
    function = tf.function(lambda x: layer(x), input_signature=[spec])
    concrete = function.get_concrete_function()
    assert concrete.output_shapes.as_list() == [None, None, None, 3]
    np.testing.assert_allclose(function(inputs), layer(inputs), atol=1e-6)


@pytest.mark.parametrize(
    "activation",
    [None, "relu", "selu", selu, leaky_relu, tf.nn.tanh, tf.nn.elu],
)
@pytest.mark.parametrize("kind", ["plain", "strided", "doubling"])
def test_several_inputs_gradient(rng, kind, activation):
    """As the layer of one input, with all that autodiff would keep."""
    layers = {
        "plain": lambda: Convolution(6, 3, 1, activation),
        "strided": lambda: Convolution(6, 3, 2, activation),
        "doubling": lambda: Deconvolution(6, activation),
    }
    layer = layers[kind]()
    parts = [
        tf.constant(rng.normal(size=(1, 8, 6, count)), tf.float32)
        for count in (3, 4)
    ]
    layer(parts)
    assert layer.input_spec is None
    results = []
    for call in (layer, lambda parts: _kept(layer, kind, parts)):
        with tf.GradientTape() as tape:
            tape.watch(parts)
            outputs = call(parts)
            total = tf.reduce_sum(outputs**2)
        wanted = [*parts, layer.kernel.value, layer.bias.value]
        results.append([outputs, *tape.gradient(total, wanted)])
    for ours, plain in zip(*results, strict=True):
        np.testing.assert_allclose(ours, plain, atol=2e-4)


def _kept(layer, kind, parts):
    inputs = tf.concat(parts, -1)
    kernel = layer.kernel.value
    if kind == "doubling":
        outputs = tf.nn.conv2d_transpose(
            inputs, kernel, [1, 16, 12, 6], 2, "SAME"
        )
    else:
        padded = tf.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]])
        outputs = tf.nn.conv2d(padded, kernel, layer.strides, "VALID")
    return layer.activation(outputs + layer.bias.value)
