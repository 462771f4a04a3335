"""Tests of the layout of a strip."""

import numpy as np
import pytest

from crossnet_tf.drawing import panels

_SIZES = [(8, 12), (16, 24), (7, 5), (16, 5), (1, 1), (9, 13)]


@pytest.mark.parametrize("size", _SIZES)
def test_resized_keeps_the_mean_of_a_plain_image(size):
    image = np.full((8, 12, 3), [0.1, 0.5, 0.9], np.float32)
    resized = panels.resized(image, *size)
    assert resized.shape == (*size, 3)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(
        resized, np.broadcast_to(image[0, 0], (*size, 3)), atol=1e-6
    )


def test_resized_averages_to_shrink(rng):
    image = rng.random((8, 12, 3)).astype(np.float32)
    means = image.reshape(4, 2, 4, 3, 3).mean((1, 3))
    np.testing.assert_allclose(panels.resized(image, 4, 4), means, atol=1e-6)


def test_with_height_keeps_the_shape_of_things():
    image = np.zeros((10, 15, 3), np.float32)
    assert panels.with_height(image, 20).shape == (20, 30, 3)
    assert panels.with_height(image, 4).shape == (4, 6, 3)
    assert panels.with_height(np.zeros((50, 1, 3)), 5).shape == (5, 1, 3)


def test_labelled_only_adds_bars(rng):
    columns = [
        rng.random((30, width, 3)).astype(np.float32) for width in (80, 60)
    ]
    with_bars = panels.labelled(columns, ["LR", "REF\n30 dB"])
    heights = {column.shape[0] for column in with_bars}
    assert len(heights) == 1
    for column, panel in zip(columns, with_bars):
        np.testing.assert_array_equal(panel[-30:], column)
        bar = panel[:-30]
        assert bar.min() < 0.3, "no ink"
        assert np.all(bar[:, [0, -1]] == 1), "text reaches the edge"
        assert np.all(bar[-2:] == 1), "text touches the picture"


def test_labelled_text_makes_a_difference():
    column = np.zeros((30, 80, 3), np.float32)
    one, other = (panels.labelled([column], [text])[0] for text in ("SR", "HR"))
    assert one.shape == other.shape
    assert not np.array_equal(one, other)


def test_labelled_shrinks_and_cuts_long_text():
    column = np.zeros((30, 200, 3), np.float32)
    short = panels.labelled([column], ["LR"])[0]
    long = panels.labelled([column], ["A label that is rather long here"])[0]
    endless = panels.labelled([column], ["endless " * 40])[0]
    assert short.shape[0] >= long.shape[0] >= endless.shape[0]
    assert np.all(long[:-30, [0, -1]] == 1)
    assert endless.shape[1] == 200
    assert endless[:-30, -8:].min() < 0.5, "cut, so the text fills the bar"


def test_joined_on_white_golden():
    tall = np.zeros((5, 2, 3), np.float32)
    low = np.full((3, 4, 3), 0.5, np.float32)
    gap = panels.GAP
    strip = panels.joined([tall, low])
    expected = np.ones((5 + 2 * gap, 6 + 3 * gap, 3), np.float32)
    expected[gap : gap + 5, gap : gap + 2] = 0
    expected[gap : gap + 3, 2 * gap + 2 : 2 * gap + 6] = 0.5
    np.testing.assert_array_equal(strip, expected)
