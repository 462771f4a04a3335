"""Closed-form flow corrections on pictures with a known displacement."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.ops import lucas_kanade as lk
from crossnet_tf.ops.windows import window_mean


def _smooth(shape, seed=0):
    noise = np.random.default_rng(seed).random(shape, np.float32)
    return window_mean(tf.constant(noise), 5).numpy()


@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (0, -1), (1, 1)])
def test_lucas_kanade_finds_a_shift(shift):
    wide = _smooth((1, 56, 72, 3))
    dx, dy = shift
    target = wide[:, 4:52, 4:68]
    source = wide[:, 4 - dy : 52 - dy, 4 - dx : 68 - dx]
    zero = tf.zeros([1, 48, 64, 2])
    flow = lk.lucas_kanade(tf.constant(target), tf.constant(source), zero, 4)
    inner = flow[:, 8:-8, 8:-8].numpy()
    expected = np.broadcast_to(np.float32(shift), inner.shape)
    np.testing.assert_allclose(inner, expected, atol=0.05)


def test_lucas_kanade_subpixel():
    y, x = np.mgrid[:48, :64].astype(np.float32)

    def wave(shift):
        a = np.sin((x + shift) / 3.0) + np.sin(y / 2.5 + (x + shift) / 7.0)
        return tf.constant(0.25 * a[None, :, :, None] + 0.5)

    zero = tf.zeros([1, 48, 64, 2])
    flow = lk.lucas_kanade(wave(0.4), wave(0.0), zero, 4)[:, 8:-8, 8:-8]
    np.testing.assert_allclose(np.median(flow[..., 0]), 0.4, atol=0.03)
    np.testing.assert_allclose(np.median(flow[..., 1]), 0.0, atol=0.03)


def test_lucas_kanade_even_picture_identity():
    even = tf.fill([1, 16, 24, 3], 0.5)
    flow = tf.constant(np.float32(_smooth((1, 16, 24, 2)) - 0.5))
    np.testing.assert_allclose(lk.lucas_kanade(even, even, flow, 2), flow)


def test_lucas_kanade_step_is_limited():
    target = tf.constant(_smooth((1, 32, 32, 3), 1))
    source = tf.constant(_smooth((1, 32, 32, 3), 2))
    flow = lk.lucas_kanade(target, source, tf.zeros([1, 32, 32, 2]), 1)
    assert np.abs(flow).max() <= lk.MAX_STEP


def test_lucas_kanade_gradient_passes():
    picture = tf.constant(_smooth((1, 16, 16, 3)))
    flow = tf.zeros([1, 16, 16, 2])
    with tf.GradientTape() as tape:
        tape.watch(flow)
        total = tf.reduce_sum(lk.lucas_kanade(picture, picture, flow, 2))
    np.testing.assert_array_equal(tape.gradient(total, flow), 1.0)


@pytest.mark.parametrize("window", [3, 9])
def test_solve_finds_what_structure_saw(window):
    wide = _smooth((1, 48, 65, 3))
    target, source = tf.constant(wide[:, :, 1:]), tf.constant(wide[:, :, :-1])
    move = lk.solve(lk.structure(target, source), window)[:, 8:-8, 8:-8]
    np.testing.assert_allclose(np.median(move[..., 0]), 1.0, atol=0.15)
    np.testing.assert_allclose(np.median(move[..., 1]), 0.0, atol=0.05)
