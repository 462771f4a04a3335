"""Other light and other cameras."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.pairs import color

_SAME_LIGHT = tf.ones([3]), tf.zeros([2])


@pytest.fixture
def pair(rng):
    return {
        "hr": tf.constant(rng.uniform(0.3, 0.7, [6, 8, 3]), tf.float32),
        "ref": tf.constant(rng.uniform(0.3, 0.7, [6, 8, 3]), tf.float32),
        "lr": tf.constant(rng.uniform(0.3, 0.7, [3, 4, 3]), tf.float32),
        "flow": tf.constant(rng.normal(size=[6, 8, 3]), tf.float32),
    }


def _both_ways(function, pair, *arguments):
    eager = function(pair, *arguments)
    dataset = tf.data.Dataset.from_tensors(pair)
    inside = next(iter(dataset.map(lambda p: function(p, *arguments))))
    for key in pair:
        np.testing.assert_allclose(inside[key], eager[key], atol=1e-6)
    return eager


def test_recolor_agrees_eager_and_tfdata(pair):
    out = _both_ways(color.recolor, pair, 1.1, -0.02, 0.25)
    mean = (1.1 * pair["hr"].numpy() - 0.02).mean()
    for name in ("hr", "ref", "lr"):
        lit = 1.1 * pair[name].numpy() - 0.02
        expected = 0.75 * lit + 0.25 * mean
        np.testing.assert_allclose(out[name], expected, atol=1e-6)
    np.testing.assert_array_equal(out["flow"], pair["flow"])


def test_recolor_clips(pair):
    assert color.recolor(pair, 1.0, 0.6, 0.0)["ref"].numpy().max() == 1
    assert color.recolor(pair, 1.0, -0.6, 0.0)["ref"].numpy().min() == 0


def test_random_recolor_has_the_paper_s_ranges():
    # Two greys show gain and contrast: their difference is scaled.
    half = tf.constant(0.5, shape=[1, 1, 3])
    hr = tf.concat([half - 0.1, half + 0.1], axis=0)
    seeds = tf.data.Dataset.range(400).map(lambda i: tf.stack([1, i]))
    out = seeds.map(
        lambda seed: color.random_recolor({"hr": hr, "ref": half}, seed)["hr"]
    )
    out = next(iter(out.batch(400))).numpy()
    means = out.mean((1, 2, 3))
    factors = (out[:, 1, 0, 0] - out[:, 0, 0, 0]) / 0.2
    # gain 1 +- 0.1 times 1 - contrast, 1 +- 0.3.
    assert 0.63 - 1e-5 <= factors.min() < 0.72
    assert 1.35 < factors.max() <= 1.43 + 1e-5
    # Mean: 0.5 times the gain, plus N(0, 0.02): 0.5 * 0.1 / sqrt(3) = 0.029.
    assert abs(np.mean(means) - 0.5) < 0.01
    assert 0.028 < np.std(means) < 0.042


def test_mismatch_agrees_eager_and_tfdata(pair):
    gains = np.float32([0.9, 1.0, 1.2])
    slopes = np.float32([0.1, -0.2])
    out = _both_ways(color.mismatch, pair, gains, slopes, 1.2, 0.0)
    light = 1 + 0.1 * np.linspace(-1, 1, 8)[:, None]
    light = light - 0.2 * np.linspace(-1, 1, 6)[:, None, None]
    expected = np.minimum(gains * light * pair["ref"].numpy(), 1) ** 1.2
    np.testing.assert_allclose(out["ref"], expected, atol=1e-6)
    for name in ("hr", "lr", "flow"):
        np.testing.assert_array_equal(out[name], pair[name])


def test_mismatch_blur_golden():
    ref = np.zeros([7, 9, 3], np.float32)
    ref[3, 4] = 1
    out = color.mismatch({"ref": tf.constant(ref)}, *_SAME_LIGHT, 1.0, 0.8)
    taps = np.exp(-0.5 * (np.arange(-2, 3) / 0.8) ** 2)
    taps /= taps.sum()
    expected = np.zeros([7, 9])
    expected[1:6, 2:7] = taps[:, None] * taps[None]
    np.testing.assert_allclose(out["ref"][..., 1], expected, atol=1e-6)


def test_mismatch_blur_keeps_flat_borders():
    flat = {"ref": tf.fill([5, 6, 3], 0.25)}
    out = color.mismatch(flat, *_SAME_LIGHT, 1.0, 0.8)
    np.testing.assert_allclose(out["ref"], 0.25, atol=1e-6)


def test_random_mismatch_is_small_and_never_the_same(pair):
    seen = set()
    for i in range(20):
        out = color.random_mismatch(pair, tf.constant([2, i]))
        change = out["ref"].numpy() - pair["ref"].numpy()
        assert 0 < np.abs(change.mean()) < 0.15
        seen.add(float(change.mean()))
        np.testing.assert_array_equal(out["hr"], pair["hr"])
    assert len(seen) == 20
