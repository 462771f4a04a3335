"""REF's weak detail counts as far as LR shows it, too."""

import numpy as np
import pytest
import skimage.data

from crossnet_tf import alignment
from crossnet_tf.alignment import belief, sampling

SCALE = 4
PHOTO = np.float32(skimage.data.astronaut()[:256, 64:448] / 255)
NO_FLOW = np.zeros([256, 384, 2], np.float32)
RANDOM = np.random.default_rng(0)


def _shrunk(hr: np.ndarray) -> np.ndarray:
    small = np.clip(sampling.resized(hr, 64, 96), 0, 1)
    return np.round(255 * small).astype(np.float32) / 255


def test_what_lr_shows_is_believed():
    share = belief.believed(_shrunk(PHOTO), PHOTO, NO_FLOW, noisy=True)
    assert share.shape == PHOTO.shape[:2]
    assert share.dtype == np.float32
    assert share.mean() > 0.9
    assert share.max() <= 1.0


def test_another_tone_is_believed():
    share = belief.believed(_shrunk(PHOTO), PHOTO**1.3, NO_FLOW, noisy=False)
    assert share.mean() > 0.95


def test_weak_detail_that_lr_lacks_is_not():
    grey = np.full_like(PHOTO, 0.5)
    grain = np.float32(RANDOM.normal(0, 8 / 255, PHOTO.shape))
    for noisy in (False, True):
        share = belief.believed(_shrunk(grey), grey + grain, NO_FLOW, noisy)
        assert share.mean() < 0.05


def test_strong_detail_is_left_to_the_network():
    other = np.float32(skimage.data.coffee()[:256, :384] / 255)
    contrast = np.clip(3.0 * (other - 0.5) + 0.5, 0, 1)
    share = belief.believed(_shrunk(PHOTO), contrast, NO_FLOW, noisy=False)
    strong = share[share >= np.quantile(share, 0.9)]
    assert strong.min() > 0.8


def test_flow_says_where_ref_is_looked_at():
    right = np.roll(PHOTO, 16, axis=1)
    flow = NO_FLOW + np.float32([16, 0])
    inner = np.s_[:, 40:-40]
    lr = _shrunk(PHOTO)
    known = belief.believed(lr, right, flow, noisy=False)[inner]
    wrong = belief.believed(lr, right, NO_FLOW, noisy=False)[inner]
    assert known.mean() > 0.95
    assert wrong.mean() < known.mean() - 0.1


@pytest.mark.parametrize("sigma", [0, 15])
def test_pairs_say_whether_noise_was_found(sigma):
    grain = np.float32(RANDOM.normal(0, sigma / 255, PHOTO.shape))
    ref = np.clip(PHOTO + grain, 0, 1)
    prepared = alignment.prepare(_shrunk(PHOTO), ref, SCALE)
    assert prepared.noisy == (sigma > 0)
    assert any("noise" in note for note in prepared.notes) == (sigma > 0)
    share = prepared.believed(prepared.lr, prepared.ref, NO_FLOW)
    assert share.min() >= 0.0
    assert share.max() <= 1.0


def test_all_is_believed_where_nothing_is_matched_or_lr_is_noisy():
    lr = _shrunk(PHOTO)
    plain = alignment.prepare(lr, PHOTO, SCALE, matching="none")
    grain = np.float32(RANDOM.normal(0, 10 / 255, lr.shape))
    noisy = alignment.prepare(np.clip(lr + grain, 0, 1), PHOTO, SCALE)
    for prepared in (plain, noisy):
        assert prepared.noisy is None
        assert prepared.believed(prepared.lr, prepared.ref, NO_FLOW) is None
