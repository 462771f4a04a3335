"""Each change of a pair, held against a plain warp by the changed flow."""

import numpy as np
import pytest
import tensorflow as tf
import tiny_light_fields as tiny

from crossnet_tf.pairs import geometry

HEIGHT, WIDTH = 24, 36


def _picture(x, y):
    phase = np.array([0.0, 1.0, 2.0])
    waves = np.sin(0.4 * x[..., None] + phase) * np.cos(0.3 * y[..., None])
    return (0.5 + 0.4 * waves).astype(np.float32)


@pytest.fixture
def pair():
    """`hr(x, y) = ref(x + dx, y + dy)`; the flow differs between pixels."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    dx, dy = 2.5 + 0.05 * y, -1.25 + 0.03 * x
    inside = (x + dx >= 0) & (x + dx <= WIDTH - 1)
    inside &= (y + dy >= 0) & (y + dy <= HEIGHT - 1)
    hr = _picture(x + dx, y + dy)
    return {
        "hr": tf.constant(hr),
        "ref": tf.constant(_picture(x, y)),
        "lr": tf.constant(hr.reshape(12, 2, 18, 2, 3).mean((1, 3))),
        "flow": tf.constant(np.stack([dx, dy, inside], -1).astype(np.float32)),
    }


def _check_flow(out, share=0.5):
    flow = out["flow"].numpy()
    assert out["hr"].shape == out["ref"].shape == flow.shape
    seen = flow[..., 2] == 1
    assert seen.mean() > share
    warped = tiny.warp(out["ref"].numpy(), flow[..., :2])
    np.testing.assert_allclose(warped[seen], out["hr"].numpy()[seen], atol=0.02)


def _check_lr(out):
    hr = out["hr"].numpy()
    height, width = hr.shape[0] // 2, hr.shape[1] // 2
    blocks = hr.reshape(height, 2, width, 2, 3).mean((1, 3))
    np.testing.assert_allclose(out["lr"], blocks, atol=1e-6)


def _both_ways(function, pair, *arguments):
    """Runs eagerly and inside tf.data, and compares."""
    arguments = [tf.constant(a) for a in arguments]
    eager = function(pair, *arguments)
    dataset = tf.data.Dataset.from_tensors((pair, *arguments)).map(function)
    inside = next(iter(dataset))
    assert sorted(inside) == sorted(eager)
    for key in eager:
        np.testing.assert_allclose(inside[key], eager[key], atol=1e-6)
    return eager


def test_the_fixture_itself(pair):
    _check_flow(pair)
    _check_lr(pair)


def _cut(pair, top, left, shift):
    return geometry.cut(pair, top, left, 16, 20, shift, scale=2)


@pytest.mark.parametrize("shift", [(0, 0), (3, -2), (-4, 5), (12, 0), (0, -9)])
def test_cut_eager_and_tfdata(pair, shift):
    out = _both_ways(_cut, pair, 4, 6, shift)
    assert out["hr"].shape == (16, 20, 3)
    assert out["lr"].shape == (8, 10, 3)
    _check_flow(out, share=0.2)
    _check_lr(out)
    # The crop of REF begins at (6 + shift_x, 4 + shift_y).
    x, y = max(6 + shift[0], 0), max(4 + shift[1], 0)
    inside = out["ref"][y - 4 - shift[1] :, x - 6 - shift[0] :]
    inside = inside[: HEIGHT - y, : WIDTH - x]
    height, width = inside.shape[:2]
    np.testing.assert_array_equal(
        inside, pair["ref"][y : y + height, x : x + width]
    )


def test_cut_clamps_at_the_border():
    ref = np.arange(12).reshape(3, 4, 1)
    pair = {"hr": tf.constant(ref), "ref": tf.constant(ref)}
    out = geometry.cut(pair, 0, 0, 3, 4, (-2, 1))
    np.testing.assert_array_equal(
        out["ref"][..., 0], [[4, 4, 4, 5], [8, 8, 8, 9], [8, 8, 8, 9]]
    )
    np.testing.assert_array_equal(out["hr"], ref)


def test_cut_weight_is_zero_where_flow_leaves_the_crop(pair):
    out = geometry.cut(pair, 4, 6, 8, 10, (20, 0))
    assert not out["flow"][..., 2].numpy().any()


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("down", [False, True])
def test_flip_eager_and_tfdata(pair, across, down):
    out = _both_ways(geometry.flip, pair, across, down)
    _check_flow(out)
    _check_lr(out)
    hr = pair["hr"].numpy()
    hr = hr[:, ::-1] if across else hr
    hr = hr[::-1] if down else hr
    np.testing.assert_array_equal(out["hr"], hr)


def test_flip_golden():
    image = tf.reshape(tf.range(18), [2, 3, 3])
    out = geometry.flip({"hr": image, "ref": image}, True, False)
    # Left and right change places, red and blue do not.
    np.testing.assert_array_equal(out["hr"][0, 0], [6, 7, 8])


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_turn_eager_and_tfdata(pair, quarters):
    out = _both_ways(geometry.turn, pair, quarters)
    _check_flow(out)
    _check_lr(out)
    np.testing.assert_array_equal(out["hr"], np.rot90(pair["hr"], quarters))


def test_turn_golden():
    flow = tf.constant([[[1.0, 2.0, 1.0]]])
    image = tf.zeros([1, 1, 3])
    turned = [
        geometry.turn({"hr": image, "ref": image, "flow": flow}, quarters)
        for quarters in range(4)
    ]
    # What pointed right (and twice as far down) points up (and right).
    assert [t["flow"].numpy()[0, 0].tolist() for t in turned] == [
        [1, 2, 1],
        [2, -1, 1],
        [-1, -2, 1],
        [-2, 1, 1],
    ]


def test_random_cut_reaches_everything_and_nothing_else(pair):
    tops, lefts, shifts = set(), set(), set()
    grid_y, grid_x = np.mgrid[:HEIGHT, :WIDTH]
    where = tf.constant(np.stack([grid_x, grid_y, 0 * grid_x], -1))
    pair = {"hr": where, "ref": where}
    seeds = tf.data.Dataset.range(150).map(lambda i: tf.stack([5, i]))
    for out in seeds.map(
        lambda seed: geometry.random_cut(pair, seed, 22, 34, True, 2)
    ).as_numpy_iterator():
        x, y, _ = out["hr"][0, 0]
        ref_x, ref_y, _ = out["ref"][10, 10]
        tops.add(y)
        lefts.add(x)
        shifts.add((ref_x - x - 10, ref_y - y - 10))
    assert tops == lefts == {0, 1, 2}
    assert shifts == {(x, y) for x in range(-2, 3) for y in range(-2, 3)}


def test_random_cut_top_left_without_shift_is_the_paper_s(pair):
    out = geometry.random_cut(pair, tf.constant([1, 2]), 16, 20, False, 0, 2)
    np.testing.assert_array_equal(out["hr"], pair["hr"][:16, :20])
    np.testing.assert_array_equal(out["ref"], pair["ref"][:16, :20])
    np.testing.assert_array_equal(out["lr"], pair["lr"][:8, :10])


def test_random_cut_keeps_to_the_grid_of_lr(pair):
    for i in range(10):
        seed = tf.constant([3, i])
        out = geometry.random_cut(pair, seed, 16, 20, True, 3, scale=2)
        _check_lr(out)
        _check_flow(out, share=0.2)


def test_random_flip_draws_all_four(pair):
    corners = set()
    for i in range(30):
        out = geometry.random_flip({"hr": pair["hr"]}, tf.constant([3, i]))
        corners.add(float(out["hr"][0, 0, 1]))
    assert len(corners) == 4


def test_random_quarters_fit_the_picture():
    def draws(height, width):
        size = tf.constant([40, 60, 3])
        return {
            int(
                geometry.random_quarters(
                    tf.constant([1, i]), size, height, width
                )
            )
            for i in range(40)
        }

    assert draws(32, 32) == {0, 1, 2, 3}
    assert draws(32, 40) == {0, 1, 2, 3}
    assert draws(32, 48) == {0, 2}
