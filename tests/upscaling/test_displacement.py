"""Tiles look where in REF their pixels lie, as far as REF goes."""

import numpy as np
import pytest
import tensorflow as tf
from small_network import STRIDE, build_small_model

from crossnet_tf import config
from crossnet_tf.upscaling import displacement, tiles
from crossnet_tf.upscaling.upscaler import Upscaler

GRID = 32
SIZE = (1024, 2048)


def _moves(x, y=0.0):
    flow = np.zeros([64, 128, 2], np.float32)
    flow[...] = x, y
    return flow


def _tile(rows, columns):
    return tiles.Tile(rows, columns, rows, columns, GRID)


@pytest.mark.parametrize(("x", "shift"), [(-200.0, -192), (70.0, 64), (95, 96)])
def test_a_tile_looks_the_nearest_steps_off(x, shift):
    found = displacement.Displacement(_moves(x), SIZE)
    tile = found.aimed(_tile((256, 512), (512, 768)), 128, GRID)
    assert tile.shift == (shift, 0)
    least = tiles.margin_on_grid(displacement.CONTEXT, GRID)
    assert tile.input_rows == (256 - least, 512 + least)
    image = np.arange(SIZE[1])[None].repeat(SIZE[0], 0)
    seen, straight = tile.cut_ref(image), tile.cut(image)
    np.testing.assert_array_equal(seen, straight + shift)


def test_what_networks_find_themselves_needs_no_shift():
    found = displacement.Displacement(_moves(60.0, -9.0), SIZE)
    tile = found.aimed(_tile((256, 512), (512, 768)), 128, GRID)
    assert tile.shift == (0, 0)
    assert tile.input_rows == (256 - 96, 512 + 96)
    assert tile.input_columns == (512 - 128, 768 + 128)


def test_margins_follow_what_varies():
    flow = _moves(0.0)
    flow[:, 32:40, 0] = 20.0  # half of the tile below, in cells of 16 pixels
    found = displacement.Displacement(flow, SIZE)
    tile = found.aimed(_tile((256, 512), (512, 768)), 128, GRID)
    least = tiles.margin_on_grid(displacement.CONTEXT, GRID)
    assert tile.input_rows == (256 - least, 512 + least)
    assert tile.input_columns == (512 - least - GRID, 768 + least + GRID)
    tile = found.aimed(_tile((256, 512), (512, 768)), GRID, GRID)
    assert tile.input_columns == (512 - GRID, 768 + GRID), "at most"


@pytest.mark.parametrize(("x", "y"), [(-900, -900), (900, 900), (60, -70)])
def test_what_a_tile_sees_is_within_ref(x, y):
    found = displacement.Displacement(_moves(x, y), (1000, 2001))
    for tile in tiles.cover(1000, 2001, 256, 128, GRID):
        aimed = found.aimed(tile, 128, GRID)
        image = np.zeros([1000, 2001])
        assert aimed.cut_ref(image).shape == aimed.cut(image).shape
        assert aimed.input_rows[0] % GRID == aimed.shift[0] % GRID == 0


def test_tiles_see_ref_where_the_shrunk_pair_says(monkeypatch, rng):
    monkeypatch.setattr(displacement, "MEASURED_SIDE", 128)
    model = build_small_model(config.ModelConfig())
    upscaler = Upscaler(model, 320)
    lr = rng.random((96, 128, 3), np.float32)
    ref = rng.random((384, 512, 3), np.float32)
    sizes = []

    def network(lr, ref):
        sizes.append(ref.shape[1:3])
        # The whole pair's displacement, in pixels of the shrunk one.
        moved = 96 * ref.shape[2] / 512 if len(sizes) == 1 else 0
        flow = np.broadcast_to(np.float32([moved, 0]), (*ref.shape[:3], 2))
        return {"sr": tf.constant(ref), "flow_0": tf.constant(flow)}

    upscaler._network = network
    cover = np.ones([384, 512], bool)
    result = upscaler(lr, ref, ("sr", "flow_0"), cover)
    assert sizes[0] == (112, 148)
    assert max(max(size) for size in sizes) <= 320
    # The last tile cannot look so far.
    left = np.s_[:, :158]
    np.testing.assert_allclose(result["sr"][left], ref[:, 96:254], atol=1e-6)
    flow = np.broadcast_to(np.float32([96, 0]), (384, 158, 2))
    np.testing.assert_allclose(result["flow_0"][left], flow, atol=1e-4)


def test_a_margin_that_is_given_looks_straight_ahead(rng, monkeypatch):
    monkeypatch.setattr(displacement, "measured", None)
    model = build_small_model(config.ModelConfig())
    upscaler = Upscaler(model, 128, margin=STRIDE)
    lr = rng.random((48, 64, 3), np.float32)
    ref = rng.random((192, 256, 3), np.float32)
    assert upscaler(lr, ref)["sr"].shape == ref.shape
