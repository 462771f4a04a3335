"""Both steps before the network, and what they say."""

import numpy as np
import pytest
import skimage.data

from crossnet_tf import alignment
from crossnet_tf.alignment import sampling, sizes

PHOTO = np.float32(skimage.data.astronaut() / 255)
HR = PHOTO[40:296, 100:356]
LR = np.clip(sampling.resized(HR, 64, 64), 0, 1)


def test_pair_that_fits_identity():
    prepared = alignment.prepare(LR, HR, 4)
    assert prepared.lr is LR
    assert prepared.ref is HR
    assert prepared.cover is None
    assert prepared.notes == ()


def test_both_steps_at_once():
    ref = np.clip(sampling.resized(PHOTO, 600, 600), 0, 1) ** 0.8
    prepared = alignment.prepare(LR, np.float32(ref), 4)
    assert prepared.cover is None
    assert np.abs(prepared.ref - HR).mean() < 0.02
    aligned, matched = prepared.notes
    assert "REF is 600x600, not 256x256" in aligned
    assert "tone" in matched


def test_steps_can_be_left_out():
    dark = HR**2
    assert alignment.prepare(LR, dark, 4, matching="none").ref is dark
    turned = PHOTO[40:296, 200:456]
    alone = alignment.prepare(LR, turned, 4, alignment="none", matching="none")
    assert alone.ref is turned
    assert alone.cover is None


def test_far_from_what_ref_shows_enlarged_lr_stands():
    ref = PHOTO[100:200, 150:300]
    prepared = alignment.prepare(LR, ref, 4)
    inside = prepared.cover[60:160, 50:200]
    assert inside[5:-5, 5:-5].all()
    assert prepared.cover.sum() < 1.1 * ref.shape[0] * ref.shape[1]
    large = np.clip(sampling.resized(LR, 256, 256), 0, 1)
    np.testing.assert_allclose(prepared.ref[200:], large[200:], atol=1e-6)


@pytest.mark.parametrize(
    ("lr", "ref", "said"),
    [
        ((30, 40), (120, 160), ""),
        ((30, 40), (121, 160), "REF is 160x121, not 160x120"),
        ((30, 40), (240, 320), "both fit a network of scale 8"),
        ((30, 40), (30, 40), "LR and REF both are 40x30"),
        ((120, 160), (30, 40), "LR and REF may be swapped"),
    ],
)
def test_sizes_are_understood(lr, ref, said):
    text = sizes.describe_sizes((*lr, 3), (*ref, 3), 4)
    assert said in text
    assert bool(said) == bool(text)


@pytest.mark.parametrize(
    ("lr", "ref", "expected"),
    [
        (HR, LR, "scale=4.*swapped"),
        (LR, np.float32(skimage.data.coffee() / 255), "600x400.*256x256"),
    ],
)
def test_prepare_rejects(lr, ref, expected):
    with pytest.raises(ValueError, match=f"REF must show.*{expected}"):
        alignment.prepare(lr, ref, 4)


def test_result_shows_what_lr_shows():
    """A network that follows another camera departs from LR."""
    prepared = alignment.prepare(LR, HR, 4, follows_tone=True)
    grain = np.random.default_rng(0).standard_normal([64, 64, 3])
    wrong = sampling.resized(np.float32(0.003 * grain), 256, 256)
    result = prepared.result(HR + wrong)
    assert np.abs(result - HR).mean() < 0.5 * np.abs(wrong).mean()
    left = alignment.prepare(LR, HR, 4)
    assert left.result(HR) is HR
    itself = alignment.prepare(LR, HR, 4, follows_tone=True, held=True)
    assert itself.result(result) is result


def test_a_network_that_mends_lr_is_believed_identity():
    rng = np.random.default_rng(0)
    noisy = np.clip(LR + 0.02 * rng.standard_normal(LR.shape), 0, 1)
    noisy = np.float32(noisy)
    prepared = alignment.prepare(noisy, HR, 4, follows_tone=True)
    assert prepared.result(HR) is HR
    # Half of the pixels, and not their means: aliases, but no noise is seen.
    aliased = HR[2::4, 2::4].copy()
    prepared = alignment.prepare(aliased, HR, 4, follows_tone=True)
    assert prepared.result(HR) is HR
