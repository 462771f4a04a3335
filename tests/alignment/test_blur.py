"""How soft LR is, read from spectra, and the filters against it."""

import cv2
import numpy as np
import pytest
import skimage.data

from crossnet_tf import alignment
from crossnet_tf.alignment import blur, lenses, sampling

SCALE = 4
PHOTO = np.float32(skimage.data.astronaut()[:384, 64:448] / 255)
EVERYWHERE = np.ones([96, 96], bool)


def _lr(sigma: float = 0.0) -> np.ndarray:
    """Through a Gaussian of so many of LR's pixels, 8 bits."""
    hr = cv2.GaussianBlur(PHOTO, (0, 0), SCALE * sigma) if sigma else PHOTO
    small = np.clip(sampling.resized(hr, 96, 96), 0, 1)
    return np.round(255 * small).astype(np.float32) / 255


LR = _lr()


@pytest.mark.parametrize("sigma", [0.4, 0.5, 0.6])
def test_variance_is_that_of_the_lens(sigma):
    found = blur.find_softness(_lr(sigma), LR, EVERYWHERE)
    assert found == pytest.approx(sigma**2, abs=0.03)


def test_another_tone_is_no_softness():
    for gamma in (0.7, 1.4):
        toned = LR**gamma
        assert blur.find_softness(LR, toned, EVERYWHERE) == 0.0
        found = blur.find_softness(_lr(0.5), toned, EVERYWHERE)
        assert found == pytest.approx(0.25, abs=0.05)


def test_a_ref_that_is_slightly_off_reads_the_same():
    jitter = np.float32(np.random.default_rng(0).normal(size=(96, 96, 2)))
    off = cv2.GaussianBlur(0.4 * jitter, (0, 0), 2.0) * 4.0
    y, x = np.mgrid[:96, :96].astype(np.float32)
    expected = sampling.sampled(LR, x + off[..., 0], y + off[..., 1])
    found = blur.find_softness(_lr(0.5), expected, EVERYWHERE)
    assert found == pytest.approx(0.25, abs=0.05)


def test_what_is_no_softness_reads_zero():
    soft = _lr(0.5)
    nothing = np.zeros([96, 96], bool)
    assert blur.find_softness(soft, LR, nothing) == 0.0
    assert blur.find_softness(LR, soft, EVERYWHERE) == 0.0
    grain = np.random.default_rng(0).normal(0, 0.02, LR.shape)
    noisy = np.float32(LR + grain)  # of REF: LR shows nothing like it
    assert blur.find_softness(LR, noisy, EVERYWHERE) == 0.0
    tiny = np.zeros([12, 12, 3], np.float32)
    assert blur.find_softness(tiny, tiny, np.ones([12, 12], bool)) == 0.0


@pytest.mark.parametrize("sigma", [0.35, 0.5])
def test_filters_are_what_lenses_do(sigma):
    soft = _lr(sigma)
    before = np.std(soft - LR)
    assert np.std(blur.sharpened(soft, sigma**2) - LR) < 0.3 * before
    assert np.std(blur.softened(LR, sigma**2) - soft) < 0.3 * before
    for kernel in (lenses.sharpening(sigma**2), lenses.softening(sigma**2)):
        assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
        np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-6)


def test_no_softness_identity():
    assert blur.sharpened(LR, 0.0) is LR
    assert blur.softened(LR, 0.0) is LR


def test_results_show_a_soft_lr_as_it_was_given():
    soft = _lr(0.5)
    ready = alignment.prepare(soft, PHOTO, SCALE, follows_tone=True)
    assert ready.softness == pytest.approx(0.25, abs=0.05)
    wrong = PHOTO + np.float32(0.02)

    def missing(sr):
        seen = blur.softened(sampling.resized(sr, 96, 96), ready.softness)
        return np.abs(seen - soft).mean()

    assert missing(ready.result(wrong)) < 0.6 * missing(wrong)
