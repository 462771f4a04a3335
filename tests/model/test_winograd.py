"""Winograd's form of 5x5 convolutions against the plain one."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.model import forms, winograd

# Batch, height, width: whole tiles and not, smaller than a tile or a kernel.
SIZES = [(1, 8, 12), (2, 9, 13), (1, 17, 6), (2, 1, 3), (1, 3, 1)]


@pytest.fixture(params=[2**25, 2000], ids=["whole", "strips"])
def strips(request, monkeypatch):
    monkeypatch.setattr(winograd, "_STRIP_BYTES", request.param)
    monkeypatch.setattr(winograd, "_LEAST_ROWS", 1)


def _drawn(rng, *shape):
    return tf.constant(rng.normal(size=shape), tf.float32)


def _plain(inputs, kernel):
    return tf.nn.conv2d(
        tf.cast(inputs, tf.float64), tf.cast(kernel, tf.float64), 1, "SAME"
    )


def _assert_equal(found, wanted):
    largest = np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * largest)


@pytest.mark.parametrize("size", SIZES)
def test_convolve_agrees(rng, strips, size):
    inputs, kernel = _drawn(rng, *size, 7), _drawn(rng, 5, 5, 7, 4)
    found = winograd.convolve(inputs, kernel)
    assert found.shape == (*size, 4)
    _assert_equal(found, _plain(inputs, kernel))


@pytest.mark.parametrize("size", SIZES)
def test_kernel_gradient_agrees(rng, strips, size):
    inputs, kernel = _drawn(rng, *size, 7), _drawn(rng, 5, 5, 7, 4)
    upstream = _drawn(rng, *size, 4)
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        total = tf.reduce_sum(
            _plain(inputs, kernel) * tf.cast(upstream, tf.float64)
        )
    found = winograd.kernel_gradient(inputs, upstream)
    _assert_equal(found, tape.gradient(total, kernel))


@pytest.mark.parametrize("strips", [2000], indirect=True)
def test_many_strips(rng, strips):
    picture = _drawn(rng, 1, 17, 8, 7)
    for filters, wanted in ((4, (4, 5)), (70, (4, 5))):
        rows, count = winograd._strips([picture], filters)
        assert (int(rows), int(count)) == wanted


def test_strips_are_not_mostly_their_surroundings(rng):
    """However wide the picture is; the wider side counts."""
    wide = tf.zeros([1, 64, 4096, 1])
    assert int(winograd._strips([wide], 192)[0]) == 8
    assert int(winograd._strips([wide], 1)[0]) == 64


def test_convolve_gradient_of_a_graph(rng, strips):
    """Made where no gradient was looking on, as `model.predict` makes it."""
    inputs, kernel = _drawn(rng, 2, 9, 13, 7), _drawn(rng, 5, 5, 7, 4)
    graph = tf.function(winograd.convolve)
    graph(inputs, kernel)
    gradients = []
    for function in (graph, _plain):
        with tf.GradientTape() as tape:
            tape.watch([inputs, kernel])
            total = tf.reduce_sum(function(inputs, kernel) ** 2)
        gradients.append(tape.gradient(total, [inputs, kernel]))
    for found, wanted in zip(*gradients, strict=True):
        _assert_equal(found, wanted)


def test_results_take_no_memory_before_their_turn():
    """Nothing else would tell TensorFlow when to make room for them."""

    @tf.function
    def function(x, kernel):
        return winograd.convolve(tf.sin(x), kernel)

    sizes = [tf.TensorSpec([1, 8, 12, 3]), tf.TensorSpec([5, 5, 3, 4])]
    graph = function.get_concrete_function(*sizes).graph
    (empty,) = [o for o in graph.get_operations() if o.type == "Empty"]
    assert [o.type for o in empty.control_inputs] == ["Sin"]


def test_calls_of_a_graph_share_no_memory(rng, strips):
    """Strips are written in place: never into an earlier result."""
    graph = tf.function(winograd.convolve)
    pictures = [_drawn(rng, 1, 9, 12, 3) for _ in range(2)]
    kernel = _drawn(rng, 5, 5, 3, 4)
    found = [graph(picture, kernel) for picture in pictures]
    for result, picture in zip(found, pictures, strict=True):
        _assert_equal(result, _plain(picture, kernel))


def test_convolve_unknown_shape(rng):
    function = tf.function(
        winograd.convolve,
        input_signature=[
            tf.TensorSpec([None, None, None, 3]),
            tf.TensorSpec([5, 5, 3, 4]),
        ],
    )
    inputs, kernel = _drawn(rng, 2, 9, 14, 3), _drawn(rng, 5, 5, 3, 4)
    _assert_equal(function(inputs, kernel), _plain(inputs, kernel))


@pytest.mark.parametrize(
    ("machine", "shape", "dtype", "wanted"),
    [
        ("avx512", (5, 5, 64, 64), tf.float32, True),
        ("avx2", (5, 5, 192, 64), tf.float32, True),
        ("avx512", (5, 5, 32, 64), tf.float32, False),
        ("avx512", (5, 5, 64, 3), tf.float32, False),
        ("avx512", (3, 3, 64, 64), tf.float32, False),
        ("amx", (5, 5, 64, 64), tf.bfloat16, False),
        ("gpu", (5, 5, 64, 64), tf.float32, False),
        ("other", (5, 5, 64, 64), tf.float32, False),
        ("portable", (5, 5, 64, 64), tf.float32, False),
    ],
)
def test_where_it_is_taken(monkeypatch, machine, shape, dtype, wanted):
    monkeypatch.setattr(forms, "_machine", lambda: machine)
    assert forms.is_winograd(tf.zeros(shape, dtype)) == wanted


def test_forms_take_it_for_all_three(rng, monkeypatch):
    """The result and both gradients, the same numbers as without."""
    monkeypatch.setattr(forms, "_machine", lambda: "avx512")
    inputs = [_drawn(rng, 1, 9, 12, channels) for channels in (40, 4, 20)]
    kernel = _drawn(rng, 5, 5, 64, 64)
    upstream = _drawn(rng, 1, 9, 12, 64)

    def all_three():
        result = forms.convolve(inputs, kernel, 1)
        below, of_kernel = forms.convolve_gradients(inputs, kernel, 1, upstream)
        return result, *below, of_kernel

    calls = []
    for name in ("convolve", "input_gradients", "kernel_gradient"):
        real = getattr(winograd, name)
        monkeypatch.setattr(
            winograd,
            name,
            lambda *a, real=real, name=name: calls.append(name) or real(*a),
        )
    found = all_three()
    assert sorted(calls) == ["convolve", "input_gradients", "kernel_gradient"]
    with forms.portable():
        wanted = all_three()
    for ours, plain in zip(found, wanted, strict=True):
        _assert_equal(ours, plain)
