"""View pairs against loops, and flow against warped renderings."""

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
import tiny_light_fields as tiny

from crossnet_tf.data.synthetic_lf import render
from crossnet_tf.data.synthetic_lf import (
    synthetic_lf_dataset_builder as builder_lib,
)
from crossnet_tf.pairs import light_fields


def _loop(rows, cols, low, high):
    pairs = []
    for a in range(rows * cols):
        for b in range(rows * cols):
            far = max(abs(a // cols - b // cols), abs(a % cols - b % cols))
            if a != b and far >= low and (not high or far <= high):
                pairs.append((a, b))
    return pairs


@pytest.mark.parametrize(("low", "high"), [(0, 0), (2, 0), (0, 1), (2, 3)])
def test_view_pairs_agrees(low, high):
    pairs = light_fields.view_pairs(tf.constant(3), tf.constant(5), low, high)
    assert pairs.dtype == tf.int32
    assert [tuple(pair) for pair in pairs.numpy()] == _loop(3, 5, low, high)


def test_view_pairs_may_be_none():
    assert light_fields.view_pairs(2, 2, min_distance=2).shape == (0, 2)


def test_sample_view_pairs_draws_all_views_and_no_view_twice():
    pairs = light_fields.view_pairs(8, 8)
    picks = light_fields.sample_view_pairs(pairs, 5000, [1, 2]).numpy()
    assert (picks[:, 0] != picks[:, 1]).all()
    # The released code never draws the last row and column.
    for column in picks.T:
        counts = np.bincount(column, minlength=64)
        assert counts.min() > 40
        assert counts.max() < 130
    again = light_fields.sample_view_pairs(pairs, 5000, [1, 2])
    np.testing.assert_array_equal(picks, again)
    other = light_fields.sample_view_pairs(pairs, 5000, [1, 3])
    assert (picks != other.numpy()).any()


def _png(array):
    return builder_lib._png(array).getvalue()


def _example(views, disparity=None):
    example = {
        "scene": tf.constant("garden"),
        "rows": tf.constant(2),
        "cols": tf.constant(3),
        "views": tf.constant([_png(view) for view in views]),
    }
    if disparity is not None:
        encoded = [_png(builder_lib.encode_disparity(d)) for d in disparity]
        example["disparity"] = tf.constant(encoded)
    return example


def test_select_views_golden():
    example = {
        "scene": tf.constant("garden"),
        "rows": tf.constant(2),
        "cols": tf.constant(3),
        "views": tf.constant(list("abcdef")),
        "disparity": tf.constant(list("uvwxyz")),
    }
    chosen = light_fields.select_views(example, tf.constant([[0, 5], [4, 2]]))
    as_lists = {key: value.numpy().tolist() for key, value in chosen.items()}
    assert as_lists == {
        "scene": [b"garden", b"garden"],
        "hr": [b"a", b"e"],
        "ref": [b"f", b"c"],
        "step": [[2, 1], [1, -1]],
        "hr_disparity": [b"u", b"y"],
        "ref_disparity": [b"z", b"w"],
    }


def test_decode_views_without_disparity(rng):
    views = rng.integers(256, size=[6, 4, 5, 3], dtype=np.uint8)
    chosen = light_fields.select_views(_example(views), tf.constant([[3, 1]]))
    pair = light_fields.decode_views({k: v[0] for k, v in chosen.items()})
    assert sorted(pair) == ["hr", "name", "ref"]
    assert pair["name"] == b"garden"
    np.testing.assert_array_equal(pair["hr"], views[3])
    np.testing.assert_array_equal(pair["ref"], views[1])


def test_decode_views_eager_and_tfdata():
    views, disparity = render.render_light_field(
        np.random.Generator(np.random.Philox(0)), 32, 40, 2, 3
    )
    example = _example(views, disparity)
    pairs = tf.constant([[0, 5], [4, 2], [1, 0]])
    chosen = light_fields.select_views(example, pairs)
    dataset = tf.data.Dataset.from_tensor_slices(chosen)
    for i, pair in enumerate(dataset.map(light_fields.decode_views)):
        eager = light_fields.decode_views({k: v[i] for k, v in chosen.items()})
        assert sorted(pair) == ["flow", "hr", "name", "ref"]
        for key in pair:
            np.testing.assert_array_equal(pair[key], eager[key])


def test_decode_disparity_golden():
    values = np.uint16([[0, 1, 32768], [33792, 31232, 65535]])
    file = builder_lib._png(values)
    assert PIL.Image.open(file).size == (3, 2)
    np.testing.assert_array_equal(
        light_fields.decode_disparity(file.getvalue()),
        [[np.nan, -32767 / 1024, 0], [1, -1.5, 32767 / 1024]],
    )


def test_flow_between_warps_the_other_view(rng):
    generator = np.random.Generator(np.random.Philox(3))
    views, disparity = render.render_light_field(generator, 64, 80, 3, 3)
    for start, end in ((0, 8), (5, 1), (6, 7)):
        step = [end % 3 - start % 3, end // 3 - start // 3]
        flow = light_fields.flow_between(
            tf.constant(disparity[start]), tf.constant(disparity[end]), step
        ).numpy()
        seen = flow[..., 2] == 1
        assert 0.6 < seen.mean() < 1
        warped = tiny.warp(views[end] / 255, flow[..., :2])
        hr = views[start] / 255
        assert tiny.psnr(warped, hr, seen) > 30
        # What is left out is left out for a reason.
        assert tiny.psnr(warped, hr, ~seen) < tiny.psnr(warped, hr, seen) - 6


def test_flow_between_golden():
    # A near thing (-2) before a far ground (0), seen two columns further on.
    here = np.zeros([1, 8], np.float32)
    here[0, 4:6] = -2
    there = np.zeros([1, 8], np.float32)
    there[0, 0:2] = -2
    flow = light_fields.flow_between(here, there, [2, 0]).numpy()[0]
    np.testing.assert_array_equal(flow[:, 0], [0, 0, 0, 0, -4, -4, 0, 0])
    np.testing.assert_array_equal(flow[:, 1], 0)
    # Ground at 0 and 1 is hidden there; nothing else.
    np.testing.assert_array_equal(flow[:, 2], [0, 0, 1, 1, 1, 1, 1, 1])


def test_flow_between_leaves_the_picture():
    plane = np.full([4, 5], 1.5, np.float32)
    flow = light_fields.flow_between(plane, plane, [-2, 1]).numpy()
    np.testing.assert_array_equal(flow[..., 0], -3)
    np.testing.assert_array_equal(flow[..., 1], 1.5)
    weight = np.zeros([4, 5])
    weight[:2, 3:] = 1
    np.testing.assert_array_equal(flow[..., 2], weight)


def test_flow_between_unknown_disparity():
    here = np.float32([[np.nan, 0, 0]])
    there = np.float32([[0, np.nan, 0]])
    flow = light_fields.flow_between(here, there, [1, 1]).numpy()
    np.testing.assert_array_equal(flow, [[[0, 0, 0], [0, 0, 0], [0, 0, 1]]])


def test_points_inside_golden():
    dx = np.float32([[0, 1, 0.5], [-0.5, 1.5, -2]])
    dy = np.float32([[0, 1, 1.5], [0, 0, -1]])
    np.testing.assert_array_equal(
        light_fields.points_inside(tf.constant(dx), tf.constant(dy)),
        [[True, True, False], [False, False, True]],
    )
