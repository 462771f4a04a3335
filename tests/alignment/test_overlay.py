"""What is found once, and the short ways of it against the plain ones."""

import numpy as np
import pytest
import skimage.data

from crossnet_tf import alignment
from crossnet_tf.alignment import blur, overlay, registration, sampling, tone
from crossnet_tf.alignment.matches import find_matches, quantiles

PHOTO = np.float32(skimage.data.astronaut()[40:296, 100:356] / 255)
LR = np.clip(sampling.resized(PHOTO, 64, 64), 0, 1)
ALL = np.ones([256, 256], bool)


def test_a_ref_that_fits_is_matched_once_and_its_features_never(monkeypatch):
    calls = []

    def counted(*pair):
        calls.append(pair)
        return find_matches(*pair)

    def never(*pair):
        raise AssertionError("features were looked for")

    monkeypatch.setattr(overlay, "find_matches", counted)
    monkeypatch.setattr(registration, "over_hr", never)
    prepared = alignment.prepare(LR, PHOTO, 4)
    assert prepared.ref is PHOTO
    assert len(calls) == 1


def test_a_ref_that_moves_further_is_looked_for_by_its_features():
    photo = np.float32(skimage.data.astronaut()[40:296, 140:396] / 255)
    found = alignment.align(LR, photo, 4)
    assert found.verdict == "aligned"
    np.testing.assert_array_equal(found.homography[:2, 2], [-40, 0])


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_mean_around_each_pixel_agrees_with_shrinking(scale):
    side = 256 // scale
    nowhere = np.zeros([side, side, 2], np.float32)
    found = blur.moved_and_shrunk(PHOTO, nowhere, scale)
    expected = sampling.resized(PHOTO, side, side)
    inner = np.s_[2:-2, 2:-2]
    np.testing.assert_allclose(found[inner], expected[inner], atol=1e-4)


def test_mean_around_each_pixel_is_that_of_where_flow_points():
    flow = np.full([64, 64, 2], [2.75, -1.5], np.float32)
    found = blur.moved_and_shrunk(PHOTO, flow, 4)
    moved = np.roll(PHOTO, (6, -11), (0, 1))
    expected = sampling.resized(moved, 64, 64)
    inner = np.s_[6:-6, 6:-6]
    np.testing.assert_allclose(found[inner], expected[inner], atol=1e-4)


def test_quantiles_agree_with_numpy(rng):
    values = rng.normal(size=501).astype(np.float32)
    shares = np.linspace(0, 1, 64)
    np.testing.assert_allclose(
        quantiles(values, shares), np.quantile(values, shares), atol=1e-6
    )


def test_medians_of_bins_agree_with_a_loop(rng):
    bins = [np.sort(rng.random(n)) for n in (5, 1, 12)]
    weights = [rng.uniform(0.1, 1, len(b)) for b in bins]
    expected = [
        b[np.searchsorted(np.cumsum(w), w.sum() / 2)]
        for b, w in zip(bins, weights)
    ]
    sizes = np.array([5, 0, 1, 12])
    found = tone._medians(np.hstack(bins), np.hstack(weights), sizes)
    np.testing.assert_array_equal(found[[0, 2, 3]], expected)
