"""Labelled pictures side by side."""

import numpy as np
import pytest

from crossnet_tf.drawing import panels
from crossnet_tf.drawing.strips import side_by_side


def _panel_of(strip, left, height, width):
    """A panel under the labels: the strip ends with it and a gap."""
    gap = panels.GAP
    bottom = strip.shape[0] - gap
    return strip[bottom - height : bottom, left : left + width]


def test_side_by_side_enlarges_by_repeating(rng):
    hr = rng.random((32, 48, 3)).astype(np.float32)
    lr = rng.random((8, 12, 3)).astype(np.float32)
    strip = side_by_side([lr, hr], ["LR", "HR"])
    gap = panels.GAP
    assert strip.dtype == np.float32
    assert strip.shape[1] == 2 * 48 + 3 * gap
    repeated = lr.repeat(4, 0).repeat(4, 1)
    np.testing.assert_array_equal(_panel_of(strip, gap, 32, 48), repeated)
    np.testing.assert_array_equal(_panel_of(strip, 48 + 2 * gap, 32, 48), hr)


def test_side_by_side_clips():
    image = np.zeros((10, 20, 3))
    image[:, :10], image[:, 10:] = -3, 4
    strip = side_by_side([image], ["x"])
    panel = _panel_of(strip, panels.GAP, 10, 20)
    assert np.all(panel[:, :10] == 0)
    assert np.all(panel[:, 10:] == 1)


def test_side_by_side_shows_the_crop(rng):
    hr = rng.random((40, 60, 3)).astype(np.float32)
    strip = side_by_side([hr], ["HR"], crop=(8, 12, 10, 20))
    gap = panels.GAP
    detail = _panel_of(strip, gap, 30, 60)
    cut = hr[8:18, 12:32]
    np.testing.assert_array_equal(detail, cut.repeat(3, 0).repeat(3, 1))
    overview = strip[-gap - 30 - gap - 40 : -gap - 30 - gap, gap : gap + 60]
    np.testing.assert_array_equal(overview[8:18, 12:32], cut)
    for frame in (overview[7, 11:33], overview[18, 11:33], overview[7:19, 11]):
        assert np.all(frame == np.float32(panels.FRAME_COLOR))
    overview[7:19, 11:33] = hr[7:19, 11:33]
    np.testing.assert_array_equal(overview, hr)


def test_side_by_side_height_shrinks_the_overview_only(rng):
    hr = rng.random((40, 60, 3)).astype(np.float32)
    strip = side_by_side([hr], ["HR"], (0, 0, 10, 15), height=20)
    gap = panels.GAP
    assert strip.shape[1] == 30 + 2 * gap
    detail = _panel_of(strip, gap, 20, 30)
    cut = hr[:10, :15]
    np.testing.assert_array_equal(detail, cut.repeat(2, 0).repeat(2, 1))


def test_side_by_side_rejects_images():
    image = np.zeros((4, 6, 3))
    with pytest.raises(ValueError, match=r"`images`.*Received shapes: \[\]"):
        side_by_side([], [])
    with pytest.raises(ValueError, match=r"`images`.*\(4, 6\)"):
        side_by_side([image, image[..., 0]], ["a", "b"])
    with pytest.raises(ValueError, match=r"`images`.*\(0, 6, 3\)"):
        side_by_side([image[:0]], ["a"])


def test_side_by_side_rejects_labels():
    with pytest.raises(ValueError, match=r"`labels`.*1 images, .*\['a', 'b'\]"):
        side_by_side([np.zeros((4, 6, 3))], ["a", "b"])


def test_side_by_side_rejects_height():
    with pytest.raises(ValueError, match="`height`.*height=0"):
        side_by_side([np.zeros((4, 6, 3))], ["a"], height=0)


@pytest.mark.parametrize(
    "crop",
    [(-1, 0, 2, 2), (0, 0, 0, 2), (3, 0, 2, 2), (0, 3, 2, 2), (0, 0, 2, 5)],
)
def test_side_by_side_rejects_crop(crop):
    images = [np.zeros((4, 6, 3)), np.zeros((4, 4, 3))]
    with pytest.raises(ValueError, match=r"`crop`.*crop=\(") as error:
        side_by_side(images, ["a", "b"], crop)
    assert str(crop) in str(error.value)
