"""What other cameras do to LR and REF is found and undone."""

import cv2
import numpy as np
import pytest
import skimage.data

from crossnet_tf import alignment
from crossnet_tf.alignment import (
    colored_noise,
    denoising,
    light,
    noise,
    sampling,
)

PHOTO = np.float32(skimage.data.astronaut()[:384, 64:448] / 255)
ALL = np.ones(PHOTO.shape[:2], bool)


def _levels(picture):
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.float32) / 255


def _small(picture):
    return _levels(sampling.resized(np.float32(picture), 96, 96))


LR = _small(PHOTO)


def test_a_soft_lens_is_sharpened():
    soft = _small(cv2.GaussianBlur(PHOTO, (0, 0), 2.5))
    matched = alignment.match(soft, PHOTO, ALL)
    assert matched.notes == ("blur of LR",)
    assert matched.ref is PHOTO
    before, after = (np.abs(p - LR).mean() for p in (soft, matched.lr))
    assert after < 0.5 * before


def test_averages_of_light_are_told_from_those_of_values():
    averaged = _levels(light.from_light(_small_light(PHOTO)))
    matched = alignment.match(averaged, PHOTO, ALL)
    assert matched.linear
    assert "averages of light" in matched.notes
    np.testing.assert_allclose(light.from_light(matched.ref), PHOTO, atol=1e-5)
    assert not alignment.match(LR, PHOTO, ALL).linear


def _small_light(picture):
    return sampling.resized(light.to_light(picture), 96, 96)


def test_prepared_pair_in_light_is_brought_back():
    averaged = _levels(light.from_light(_small_light(PHOTO)))
    prepared = alignment.prepare(averaged, PHOTO, 4)
    back = prepared.finished(prepared.ref)
    np.testing.assert_allclose(back, PHOTO, atol=1e-5)
    plain = alignment.prepare(LR, PHOTO, 4)
    assert plain.finished(PHOTO) is PHOTO


@pytest.mark.parametrize("sigma", [5, 10, 20])
def test_noise_is_measured_and_taken_out(rng, sigma):
    noisy = _levels(PHOTO + sigma / 255 * rng.standard_normal(PHOTO.shape))
    assert noise.noise_level(noisy) == pytest.approx(sigma, rel=0.1)
    prepared = alignment.prepare(LR, noisy, 4)
    assert "noise of REF" in prepared.notes[-1]
    before, after = (np.std(p - PHOTO) for p in (noisy, prepared.ref))
    assert after < (0.75 if sigma == 5 else 0.5) * before


@pytest.mark.parametrize("name", ["grass", "gravel", "brick"])
def test_texture_is_no_noise(name, rng):
    """Grass has as much power at its quietest places as noise of 2.6."""
    texture = getattr(skimage.data, name)()[:256, :256, None] / np.float32(255)
    texture = np.repeat(texture, 3, -1)
    assert noise.noise_level(texture) < noise.LEAST
    noisy = _levels(texture + 10 / 255 * rng.standard_normal(texture.shape))
    assert noise.noise_level(noisy) == pytest.approx(10, rel=0.1)


def test_texture_outlives_denoising(rng):
    """Half of what is finer than four pixels is lost to non-local means."""
    texture = skimage.data.grass()[:256, :256, None] / np.float32(255)
    texture = np.repeat(texture, 3, -1)
    noisy = _levels(texture + 20 / 255 * rng.standard_normal(texture.shape))
    clean = denoising.denoised(noisy, 20.0)
    fine, kept = (p - cv2.blur(p, (5, 5)) for p in (texture, clean))
    assert (fine * kept).mean() > 0.75 * (fine**2).mean()


@pytest.mark.parametrize("size", [(8, 9), (40, 31), (497, 16)])
def test_denoising_without_noise_identity(rng, size):
    picture = rng.random([*size, 3]).astype(np.float32)
    clean = denoising.denoised(picture, 0.0)
    np.testing.assert_allclose(clean, picture, atol=1e-5)


def test_a_scene_of_noise_is_left_identity(rng):
    """LR shows it, so that it is no noise of REF."""
    scene = _levels(rng.uniform(size=(384, 384, 3)))
    assert alignment.prepare(_small(scene), scene, 4).ref is scene


def test_noise_is_taken_out_before_resampling(rng):
    """Between pixels noise is weaker, and not white any more."""
    turn = cv2.getRotationMatrix2D((192, 192), 8, 1.0)
    turned = cv2.warpAffine(PHOTO, turn, (384, 384), flags=cv2.INTER_CUBIC)
    noisy = _levels(turned + 20 / 255 * rng.standard_normal(PHOTO.shape))
    prepared = alignment.prepare(LR, noisy, 4)
    assert "noise of REF" in prepared.notes[-1]
    middle = np.s_[96:-96, 96:-96]
    assert np.std((prepared.ref - PHOTO)[middle]) < 0.5 * 20 / 255


def test_a_soft_ref_does_not_blur_lr_identity():
    soft = cv2.GaussianBlur(PHOTO, (0, 0), 3.0)
    matched = alignment.match(LR, soft, ALL)
    assert matched.lr is LR


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
def test_photographs_are_not_denoised_identity(name):
    photo = np.float32(getattr(skimage.data, name)() / 255)
    assert noise.noise_level(photo) < noise.LEAST


def test_light_roundtrip():
    values = np.linspace(0, 1, 256, dtype=np.float32)
    there = light.to_light(values)
    np.testing.assert_allclose(light.from_light(there), values, atol=1e-6)
    np.testing.assert_allclose(light.to_light(np.float32(0.5)), 0.2140, 1e-3)


def _smoothed(rng, radius):
    grain = np.float32(20 / 255 * rng.standard_normal(PHOTO.shape))
    return _levels(PHOTO + cv2.GaussianBlur(grain, (0, 0), radius))


def _jpeg(rng):
    noisy = _levels(PHOTO + 20 / 255 * rng.standard_normal(PHOTO.shape))
    quality = [cv2.IMWRITE_JPEG_QUALITY, 85]
    pixels = np.round(255 * noisy).astype(np.uint8)
    data = cv2.imencode(".jpg", pixels, quality)[1]
    return np.float32(cv2.imdecode(data, cv2.IMREAD_COLOR)) / 255


@pytest.mark.parametrize("kind", [0.7, 1.0, "JPEG"])
def test_noise_that_is_not_white_is_taken_out(rng, kind):
    noisy = _jpeg(rng) if kind == "JPEG" else _smoothed(rng, kind)
    prepared = alignment.prepare(LR, noisy, 4)
    assert "noise of REF" in prepared.notes[-1]
    before, after = (np.std(p - PHOTO) for p in (noisy, prepared.ref))
    assert after < 0.75 * before


@pytest.mark.parametrize("name", ["grass", "gravel"])
def test_smooth_texture_is_no_noise_identity(name):
    """What is in REF's quietest blocks is in LR, too."""
    texture = getattr(skimage.data, name)()[:384, :384, None] / np.float32(255)
    texture = cv2.GaussianBlur(np.repeat(texture, 3, -1), (0, 0), 1.0)
    assert colored_noise.noise_spectrum(texture).max() > noise.LEAST
    texture = _levels(texture)
    assert alignment.prepare(_small(texture), texture, 4).ref is texture


def test_spectrum_of_white_noise_is_flat(rng):
    noisy = np.float32(0.5 + 10 / 255 * rng.standard_normal([256, 256, 3]))
    spectrum = colored_noise.noise_spectrum(noisy)
    assert spectrum.shape == (3, 64)
    assert np.median(spectrum) == pytest.approx(10, rel=0.15)
    nothing = colored_noise.noise_spectrum(noisy[:8, :8])
    np.testing.assert_array_equal(nothing, 0)


def test_what_a_soft_lr_lacks_is_no_noise_identity():
    soft = _small(cv2.GaussianBlur(PHOTO, (0, 0), 2.5))
    ref = _small(PHOTO)
    everywhere = np.ones(soft.shape[:2], bool)
    assert not colored_noise.is_beyond_lr(soft, ref, everywhere)
