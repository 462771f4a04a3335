"""Tone curves that are known, and pairs that need none."""

import tracemalloc

import numpy as np
import pytest
import skimage.data
from scipy import optimize

from crossnet_tf import alignment
from crossnet_tf.alignment import sampling, tone

LEFT, RIGHT, _ = skimage.data.stereo_motorcycle()
HR = np.float32(LEFT[40:424, 40:424] / 255)
# The same scene from some centimetres to the side.
REF = np.float32(RIGHT[40:424, 20:404] / 255)
LR = np.clip(sampling.resized(HR, 96, 96), 0, 1)
ALL = np.ones(REF.shape[:2], bool)


def _levels(picture):
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.float32) / 255


@pytest.mark.parametrize("gamma", [0.7, 0.8, 1.25, 1.5])
def test_gamma_is_undone(gamma):
    changed = _levels(REF**gamma)
    matched = alignment.match(LR, changed, ALL)
    assert matched.notes == ("tone",)
    before = np.abs(changed - REF).mean()
    assert np.abs(matched.ref - REF).mean() < 0.2 * before
    assert matched.lr is LR


def test_mixed_colours_are_unmixed():
    mix = np.array([[0.7, 0.3, 0], [0.1, 0.8, 0.1], [0, 0.25, 0.75]])
    changed = _levels(REF**1.2 @ mix.T.astype(np.float32))
    matched = alignment.match(LR, changed, ALL)
    before = np.abs(changed - REF).mean()
    assert np.abs(matched.ref - REF).mean() < 0.35 * before


@pytest.mark.parametrize("gain", [1.0, 0.85])
def test_what_the_network_does_itself_is_left_identity(gain):
    ref = _levels(gain * REF)
    matched = alignment.match(LR, ref, ALL)
    assert matched.ref is ref
    assert matched.notes == ()


def test_another_picture_is_left_identity():
    other = np.float32(skimage.data.coffee()[:384, :384] / 255)
    assert alignment.match(LR, other, ALL).ref is other


def test_small_and_uncovered_pictures_are_left_identity():
    assert alignment.match(LR[:16, :16], REF[:64, :64], ALL[:64, :64]).ref.size
    nothing = alignment.match(LR, REF**2, ~ALL)
    assert nothing.notes == ()


def test_curve_is_smooth():
    """Knees between bins stretch detail by ten times too much or nothing."""
    matched = alignment.match(LR, _levels(REF**0.8), ALL)
    slopes = np.diff(matched.curve[4:-4], axis=0)
    assert (np.abs(np.diff(slopes, axis=0)) < 0.25 * slopes.mean()).all()


@pytest.mark.parametrize("follows_tone", [False, True])
def test_light_that_varies_is_left_to_a_network_that_follows(follows_tone):
    """Shadows lifted by places: no curve, though one fits better than none."""
    wave = np.sin(np.linspace(0, 5 * np.pi, 384, dtype=np.float32))
    changed = _levels(REF**1.5 * (1 + 0.25 * wave[:, None, None]))
    matched = alignment.match(LR, changed, ALL, follows_tone)
    assert (matched.ref is changed) == follows_tone
    even = alignment.match(LR, _levels(REF**1.25), ALL, follows_tone)
    assert even.notes == ("tone",)


def test_curve_is_monotone_and_keeps_the_range(rng):
    theirs = rng.random((64, 64, 3), np.float32)
    ours = np.clip(theirs**2 + 0.05 * rng.standard_normal(theirs.shape), 0, 1)
    found = tone.find_tone(np.float32(ours), theirs, np.ones([64, 64], bool))
    ramp = np.linspace(0, 1, 101, dtype=np.float32)[:, None].repeat(3, -1)
    values = found(ramp)
    assert values.min() >= 0.0
    assert values.max() <= 1.0
    assert (np.diff(values, axis=0) >= -1e-3).all()
    np.testing.assert_allclose(values[10:90], ramp[10:90] ** 2, atol=0.04)


def test_isotonic_agrees_with_scipy(rng):
    values, weights = rng.random(30), 0.1 + rng.random(30)
    expected = optimize.isotonic_regression(values, weights=weights).x
    np.testing.assert_allclose(tone.isotonic(values, weights), expected)


def test_a_large_picture_is_converted_in_parts():
    curves = ((np.array([0.0, 1.0]), np.array([0.0, 0.5])),) * 3
    half = tone.Tone(curves, np.eye(3, 4))
    picture = np.linspace(0, 1, 9_000_000, dtype=np.float32)
    picture = picture.reshape(3000, 1000, 3)
    tracemalloc.start()
    result = half(picture)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(result, picture / 2, atol=1e-6)
    assert most < 2.5 * picture.nbytes
