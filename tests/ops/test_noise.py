"""The noise of a picture."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.ops.noise import noise_power


def _texture(size: int = 64) -> np.ndarray:
    y, x = np.mgrid[:size, :size].astype(np.float32)
    waves = 0.5 + 0.2 * np.sin(x / 5) * np.cos(y / 7)
    waves[:, : size // 4] += 0.1 * (np.arange(size // 4) % 2)
    return np.repeat(waves[None, ..., None], 3, axis=-1)


@pytest.mark.parametrize("sigma", [0.01, 0.08])
def test_it_finds_the_noise_beside_texture(rng, sigma):
    noise = rng.normal(0, sigma, [1, 64, 64, 3]).astype(np.float32)
    found = np.sqrt(noise_power(_texture() + noise))
    np.testing.assert_allclose(found, sigma, rtol=0.25)


def test_a_clean_picture_has_none():
    assert np.sqrt(noise_power(_texture())) < 0.003


def test_black_and_white_do_not_hide_it(rng):
    noisy = 0.5 + rng.normal(0, 0.05, [2, 64, 64, 3]).astype(np.float32)
    noisy[0, :20], noisy[1, :20] = 0, 1
    np.testing.assert_allclose(np.sqrt(noise_power(noisy)), 0.05, rtol=0.2)
    assert noise_power(np.zeros([1, 16, 16, 3], np.float32)) == 0


def test_unknown_shape(rng):
    spec = tf.TensorSpec([None, None, None, 3])
    images = rng.random((1, 24, 16, 3)).astype(np.float32)
    power = tf.function(noise_power, input_signature=[spec])(images)
    np.testing.assert_allclose(power, noise_power(images), rtol=1e-5)
