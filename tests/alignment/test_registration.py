"""REF under known transforms, of photographs that scikit-image installs."""

import cv2
import numpy as np
import pytest
import skimage.data

from crossnet_tf import alignment
from crossnet_tf.alignment import sampling
from crossnet_tf.alignment.search import over_hr

SCALE = 4
SIDE = 256


def _photograph(name="astronaut") -> np.ndarray:
    return np.float32(getattr(skimage.data, name)()[..., :3] / 255)


PHOTO = _photograph()
OTHERS = ("chelsea", "coffee", "rocket", "retina")
# HR is a part of the photograph.
TOP, LEFT = 40, 100
HR = PHOTO[TOP : TOP + SIDE, LEFT : LEFT + SIDE]


def _lr(hr: np.ndarray) -> np.ndarray:
    small = sampling.resized(hr, *(n // SCALE for n in hr.shape[:2]))
    return np.round(np.clip(small, 0, 1) * 255).astype(np.float32) / 255


LR = _lr(HR)


def _similarity(zoom=1.0, turn=0.0, shift=(0.0, 0.0)) -> np.ndarray:
    """From REF's pixels to HR's; `zoom` > 1 shows less of the scene."""
    angle, middle = np.deg2rad(turn), (SIDE - 1) / 2
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    linear = np.array([[cos, -sin], [sin, cos]])
    moved = middle + np.array(shift) - linear @ [middle, middle]
    return np.array([[*linear[0], moved[0]], [*linear[1], moved[1]], [0, 0, 1]])


def _perspective() -> np.ndarray:
    corners = sampling.corners(SIDE, SIDE)
    off = SIDE * np.array([[0.05, 0], [-0.04, 0.06], [0.03, 0.05], [0, -0.04]])
    return cv2.getPerspectiveTransform(
        np.float32(corners), np.float32(corners + off)
    )


TRANSFORMS = {
    "zoomed out": _similarity(zoom=0.7),
    "zoomed in": _similarity(zoom=1.5),
    "shifted": _similarity(shift=(0.2 * SIDE, 0.1 * SIDE)),
    "turned": _similarity(turn=30),
    "upside down": _similarity(turn=180, shift=(3, -5)),
    "perspective": _perspective() @ _similarity(zoom=0.95, turn=4),
}


def _ref(to_hr: np.ndarray, height=SIDE, width=SIDE) -> np.ndarray:
    place = np.array([[1, 0, LEFT], [0, 1, TOP], [0, 0, 1]])
    return sampling.warped(PHOTO, place @ to_hr, height, width)[0]


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transform_is_found_within_a_quarter_of_lrs_pixel(name):
    to_hr = TRANSFORMS[name]
    homography, count = over_hr(LR, _ref(to_hr), SCALE)
    x, y = np.meshgrid(np.linspace(0, SIDE, 9), np.linspace(0, SIDE, 9))
    places = np.stack([x.ravel(), y.ravel()], -1)
    there = sampling.mapped(to_hr, sampling.mapped(homography, places))
    error = np.linalg.norm(there - places, axis=-1) / SCALE
    assert np.median(error) < 0.25
    assert count >= 8


@pytest.mark.parametrize("name", TRANSFORMS)
def test_aligned_ref_lies_over_hr(name):
    found = alignment.align(LR, _ref(TRANSFORMS[name]), SCALE)
    assert found.verdict == "aligned"
    inner = cv2.erode(np.uint8(found.cover), np.ones([9, 9])) > 0
    assert 0.3 < inner.mean() <= 1.0
    # What is left: REF was resampled twice, or is some pixels off.
    assert np.abs(found.ref - HR)[inner].mean() < 0.02 + 0.03 * (
        name in ("shifted", "upside down")
    )
    assert found.ref.shape == HR.shape
    assert found.ref.dtype == np.float32


def test_whole_pixels_and_quarter_turns_are_not_resampled():
    found = alignment.align(LR, HR[::-1, ::-1], SCALE)
    np.testing.assert_allclose(found.homography[:2, :2], -np.eye(2))
    np.testing.assert_array_equal(found.ref, HR)
    assert found.cover.all()


def test_ref_of_another_size_is_shrunk_antialiased():
    large = sampling.resized(HR, 3 * SIDE, 3 * SIDE)
    found = alignment.align(LR, np.clip(large, 0, 1), SCALE)
    assert found.verdict == "aligned"
    assert np.abs(found.ref - HR).mean() < 0.01


def test_ref_that_hardly_moves_is_kept_identity():
    ref = PHOTO[TOP + 3 : TOP + 3 + SIDE, LEFT + 5 : LEFT + 5 + SIDE]
    found = alignment.align(LR, ref, SCALE)
    assert found.verdict == "kept"
    assert found.ref is ref
    assert found.cover.all()
    np.testing.assert_array_equal(found.homography, np.eye(3))


def test_a_pixel_too_large_is_cut_off():
    ref = PHOTO[TOP : TOP + SIDE + 1, LEFT : LEFT + SIDE + 1]
    found = alignment.align(LR, ref, SCALE)
    assert found.verdict == "kept"
    np.testing.assert_array_equal(found.ref, HR)


def test_a_row_too_short_is_not_covered():
    found = alignment.align(LR, HR[:-1], SCALE)
    assert found.verdict == "kept"
    np.testing.assert_array_equal(found.ref[:-1], HR[:-1])
    assert found.cover[:-1].all()
    assert not found.cover[-1].any()


@pytest.mark.parametrize("name", OTHERS)
def test_another_picture_is_refused(name):
    found = alignment.align(LR, _photograph(name)[:300], SCALE)
    assert found.verdict == "refused"
    assert found.homography is None
    assert not found.cover.any()
    assert not found.ref.any()


@pytest.mark.parametrize("name", OTHERS)
def test_another_picture_of_the_right_size_is_left_to_the_trust(name):
    ref = _photograph(name)[:SIDE, :SIDE]
    found = alignment.align(LR, ref, SCALE)
    assert found.verdict == "kept"
    assert found.ref is ref


def test_swapped_pictures_are_refused():
    found = alignment.align(HR, LR, SCALE)
    assert found.verdict == "refused"
    assert "0.25 pixels for one of LR" in found.reason


def test_equal_sizes_of_one_zoom_are_refused():
    assert alignment.align(HR, HR, SCALE).verdict == "refused"


def test_tele_picture_of_lrs_size_is_aligned():
    wide = PHOTO[:, :480]
    small = sampling.resized(wide, 128, 120)
    tele = wide[160 : 160 + 128, 200 : 200 + 120]
    found = alignment.align(np.clip(small, 0, 1), tele, SCALE)
    assert found.verdict == "aligned"
    assert 0.04 < found.cover.mean() < 0.08
    inner = cv2.erode(np.uint8(found.cover), np.ones([9, 9])) > 0
    assert np.abs(found.ref - wide)[inner].mean() < 0.04


def test_small_lr_is_not_aligned():
    hr = HR[:160, :160]
    assert alignment.align(_lr(hr), HR, SCALE).verdict == "refused"
    assert alignment.align(_lr(hr), hr, SCALE).verdict == "kept"


def test_flat_pictures_are_refused():
    flat = np.full([300, 300, 3], 0.5, np.float32)
    assert alignment.align(LR, flat, SCALE).verdict == "refused"
    assert alignment.align(flat[:64, :64], HR[:200], SCALE).verdict == "refused"


@pytest.mark.parametrize(
    ("lr", "ref", "expected"),
    [
        (LR[..., :2], HR, r"`lr`.*\(64, 64, 2\)"),
        (LR, HR[None], r"`ref`.*\(1, 256, 256, 3\)"),
        (LR[:0], HR, r"`lr`.*\(0, 64, 3\)"),
    ],
)
def test_align_rejects(lr, ref, expected):
    with pytest.raises(ValueError, match=expected):
        alignment.align(lr, ref, SCALE)
