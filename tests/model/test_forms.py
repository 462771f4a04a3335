"""Forms of convolutions: each gives the same numbers."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf import processor
from crossnet_tf.model import forms

# Kernel size, stride, channels in and out: plain, narrow, strided.
CASES = [(3, 1, 4, 6), (5, 1, 12, 3), (5, 2, 4, 6), (3, 2, 4, 6), (7, 2, 6, 4)]


@pytest.fixture(params=[*forms.FORMS, "wide"])
def chosen(request, monkeypatch):
    table = {**forms.FORMS, "wide": forms.Forms(wide_stride=1)}
    monkeypatch.setattr(forms, "FORMS", table)
    monkeypatch.setattr(forms, "_machine", lambda: request.param)
    return request.param


def _plain(inputs, kernel, stride):
    sides = [[size // 2, size // 2] for size in kernel.shape[:2]]
    padded = tf.pad(inputs, [[0, 0], *sides, [0, 0]])
    return tf.nn.conv2d(padded, kernel, stride, "VALID")


@pytest.mark.parametrize("case", CASES)
def test_convolve_agrees(rng, chosen, case):
    size, stride, channels, filters = case
    inputs = tf.constant(rng.normal(size=(2, 9, 12, channels)), tf.float32)
    shape = (size, size, channels, filters)
    kernel = tf.constant(rng.normal(size=shape), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch([inputs, kernel])
        plain = _plain(inputs, kernel, stride)
    upstream = tf.constant(rng.normal(size=plain.shape), tf.float32)
    wanted = tape.gradient(plain, [inputs, kernel], upstream)
    ours = forms.convolve(inputs, kernel, stride)
    found = forms.convolve_gradients(inputs, kernel, stride, upstream)
    for a, b in zip([ours, *found[0], found[1]], [plain, *wanted], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_double_gradient(rng):
    inputs = tf.constant(rng.normal(size=(2, 5, 6, 3)), tf.float32)
    kernel = tf.constant(rng.normal(size=(4, 4, 2, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch([inputs, kernel])
        outputs = forms.double(inputs, kernel)
    assert outputs.shape == (2, 10, 12, 2)
    upstream = tf.constant(rng.normal(size=outputs.shape), tf.float32)
    wanted = tape.gradient(outputs, [inputs, kernel], upstream)
    found = forms.double_gradients(inputs, kernel, upstream)
    for a, b in zip([*found[0], found[1]], wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_avx2_asks_for_no_plain_convolution(monkeypatch):
    """Equal results do not show the form, so the graph must."""

    def operators(name):
        monkeypatch.setattr(forms, "_machine", lambda: name)
        function = tf.function(lambda x, k: forms.convolve(x, k, 1))
        graph = function.get_concrete_function(
            tf.TensorSpec([1, 8, 8, 4]), tf.TensorSpec([3, 3, 4, 4])
        ).graph
        return {operator.type for operator in graph.get_operations()}

    assert "Conv2D" in operators("avx512")
    assert "Conv2D" not in operators("avx2")
    with forms.portable():
        assert "Conv2D" in operators("avx2")


def test_every_instruction_set_has_its_forms():
    assert set(processor.INSTRUCTION_SETS) < set(forms.FORMS)
