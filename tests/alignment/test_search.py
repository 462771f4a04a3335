"""A homography that is nearly right is made exact by dense matches."""

import numpy as np
import pytest
import skimage.data

from crossnet_tf.alignment import sampling
from crossnet_tf.alignment.search import over_hr, refined

SCALE = 4
PHOTO = np.float32(skimage.data.astronaut()[40:232, 140:332] / 255)
LR = sampling.resized(PHOTO, 48, 48)
TO_REF = sampling.scaling(SCALE, SCALE)


def _error(homography: np.ndarray) -> float:
    """Largest at LR's corners, in LR's pixels."""
    corners = sampling.corners(48, 48)
    off = sampling.mapped(homography, corners) - sampling.mapped(
        TO_REF, corners
    )
    return np.abs(off).max() / SCALE


@pytest.mark.parametrize("off", [(0.6, -0.4), (-0.5, 0.5)])
def test_refined_is_exact(off):
    nearly = TO_REF @ np.array(
        [[1.01, 0, off[0]], [0, 0.99, off[1]], [0, 0, 1]]
    )
    assert _error(nearly) > 0.5
    greys = sampling.grey(LR), sampling.grey(PHOTO)
    assert _error(refined(*greys, nearly)) < 0.1


def test_refined_never_takes_what_lies_worse():
    noise = np.random.default_rng(0).uniform(size=PHOTO.shape)
    noise = sampling.grey(noise.astype(np.float32))
    kept = refined(sampling.grey(LR), noise, TO_REF)
    np.testing.assert_array_equal(kept, TO_REF)


def test_small_lr_is_found_in_large_ref():
    """REF has twelve times as many pixels along a side."""
    ref = sampling.resized(PHOTO, 576, 576)
    homography, count = over_hr(LR, np.clip(ref, 0, 1), SCALE)
    assert count >= 12
    to_ref = homography @ sampling.scaling(SCALE, SCALE)
    corners = sampling.corners(48, 48)
    off = sampling.mapped(to_ref, corners) - 12 * (corners + 0.5) + 0.5
    assert np.abs(off).max() / 12 < 0.2


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_tele_of_few_features_is_found_by_templates(name):
    """REF shows 24 of LR's 48 pixels, with no five features in common."""
    top, left = {"astronaut": (0, 0), "coffee": (100, 200)}[name]
    photo = getattr(skimage.data, name)()[top : top + 192, left : left + 192]
    photo = np.float32(photo / 255)
    small = np.clip(sampling.resized(photo, 48, 48), 0, 1)
    homography, count = over_hr(small, photo[48:144, 48:144], SCALE)
    assert count == 0
    corners = np.array([[60.0, 60], [130, 60], [130, 130], [60, 130]])
    off = sampling.mapped(homography, corners) - (corners - 48)
    assert np.abs(off).max() / SCALE < 0.5
