"""Tiles without a network: they cover the picture and blend back into it."""

import tracemalloc

import numpy as np
import pytest

from crossnet_tf.upscaling import tiles


@pytest.mark.parametrize(
    ("height", "width", "max_side", "margin"),
    [
        (300, 500, 256, 64),
        (511, 257, 320, 33),
        (64, 64, 0, 9),
        (900, 20, 128, 0),
    ],
)
def test_tiles_identity(rng, height, width, max_side, margin):
    image = rng.integers(0, 256, [height, width, 3], np.uint8)
    canvas = tiles.Canvas(height, width)
    for tile in tiles.split(height, width, max_side, margin):
        assert tile.input_rows[0] % tiles.GRID == 0
        assert tile.input_columns[0] % tiles.GRID == 0
        canvas.add(tile, tile.cut(image))
    np.testing.assert_array_equal(np.uint8(canvas.picture() + 0.5), image)


def test_tiles_of_lr_and_ref_show_the_same(rng):
    lr = rng.integers(0, 256, [75, 125, 3], np.uint8)
    ref = lr.repeat(4, 0).repeat(4, 1)
    for tile in tiles.split(300, 500, 256, 64):
        small = tile.cut(lr, 4)
        enlarged = small.repeat(4, 0).repeat(4, 1)
        np.testing.assert_array_equal(tile.cut(ref), enlarged)


def test_tiles_rejects():
    with pytest.raises(ValueError, match="`max_side` .* 384 .*max_side=300"):
        tiles.split(1000, 1000, 300, 128)
    (tile,) = tiles.split(8, 8, 0, 0)
    with pytest.raises(ValueError, match="8 x 8 pixels"):
        tiles.Canvas(8, 8).add(tile, np.zeros([8, 9, 3], np.uint8))


def test_a_canvas_takes_no_more_than_the_picture():
    cut = tiles.split(1000, 600, 256, 0)
    whole = np.ones([1000, 600, 3], np.float32)
    tracemalloc.start()
    canvas = tiles.Canvas(1000, 600)
    for tile in cut:
        canvas.add(tile, tile.cut(whole))
    picture = canvas.picture()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(picture, 1, atol=1e-6)
    assert most < 1.3 * picture.nbytes
