"""The renderer against geometry worked out by hand, and the TFDS builder."""

import hashlib
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds
import tiny_light_fields as tiny

from crossnet_tf.data.synthetic_lf import (
    mattes,
    photographs,
    render,
    sampling,
    scenes,
    textures,
)
from crossnet_tf.data.synthetic_lf import (
    synthetic_lf_dataset_builder as builder_lib,
)
from crossnet_tf.pairs import light_fields, prepared


def _rng(seed):
    return np.random.Generator(np.random.Philox(seed))


@pytest.fixture(scope="module")
def field():
    """A scene of 3 x 4 views, and views and disparity by row and column."""
    views, disparity = render.render_light_field(
        _rng(1), 64, 80, 3, 4, max_disparity=1.5
    )
    return views.reshape(3, 4, 64, 80, 3), disparity.reshape(3, 4, 64, 80)


@pytest.mark.parametrize(
    ("seed", "names", "expected"),
    [
        (
            7,
            photographs.TRAIN,
            "174ddc7388f7993b9c7a2dd1ad22346da21411c842b40eb68282f32386692954",
        ),
        (
            8,
            photographs.TEST,
            "949b4c7d99642b54b3e19ad651281b04552cf08201d3acf6d827a6899d37de5b",
        ),
    ],
)
def test_render_golden(seed, names, expected):
    views, disparity = render.render_light_field(
        _rng(seed), 48, 64, 2, 3, photographs=names
    )
    digest = hashlib.sha256(views.tobytes())
    digest.update(builder_lib.encode_disparity(disparity).tobytes())
    assert views.shape == (6, 48, 64, 3)
    assert views.dtype == np.uint8
    assert disparity.shape == (6, 48, 64)
    assert disparity.dtype == np.float32
    assert digest.hexdigest() == expected


@pytest.mark.parametrize(
    ("start", "end"), [((0, 0), (2, 3)), ((2, 1), (0, 2)), ((1, 3), (1, 0))]
)
def test_disparity_warps_any_view_to_any_other(field, start, end):
    views, disparity = field[0] / 255, field[1]
    d = disparity[start]
    step = np.array([end[1] - start[1], end[0] - start[0]])
    flow = d[..., None] * step
    there = tiny.warp(disparity[end], flow)
    y, x = np.mgrid[:64, :80]
    x, y = x + flow[..., 0], y + flow[..., 1]
    seen = (x >= 0) & (x <= 79) & (y >= 0) & (y <= 63)
    seen &= np.abs(there - d) < 0.02
    assert seen.mean() > 0.6
    warped = tiny.warp(views[end], flow)
    assert tiny.psnr(warped, views[start], seen) > 30
    assert tiny.psnr(views[end], views[start], seen) < 22


def test_disparity_of_a_point_is_the_same_in_all_views(field):
    # Not seen by chance: most points keep theirs to a part in a thousand.
    disparity = field[1]
    flow = disparity[0, 0][..., None] * np.array([3, 2])
    there = tiny.warp(disparity[2, 3], flow)
    same = np.abs(there - disparity[0, 0]) < 1e-3
    assert same.mean() > 0.6


def _flat_layer(color, left, top, size, plane, rim=False):
    texels = np.ones([size[1] * 3 + 1, size[0] * 3 + 1, 4], np.float32)
    texels[..., :3] = color
    if rim:
        for edge in (texels[0], texels[-1], texels[:, 0], texels[:, -1]):
            edge[...] = 0
    return scenes.Layer(texels, left, top, plane)


def test_near_square_moves_and_hides_golden():
    background = _flat_layer((1, 0, 0), -8, -8, (56, 48), (1.0, 0.0, 0.0))
    square = _flat_layer((0, 1, 0), 10, 8, (12, 8), (-2.0, 0.0, 0.0), True)
    # Nearer things come later or earlier in the list: it must not matter.
    for layers in ([background, square], [square, background]):
        image, d = render.render_view(layers, 32, 40, u=1.0, v=-2.0)
        green = np.zeros([32, 40], bool)
        green[13:20, 9:20] = True  # (10, 8) moves by (-2, +4); rim left out.
        np.testing.assert_array_equal(image[green], [[0, 255, 0]] * 77)
        assert (d[green] == -2).all()
        outside = np.ones([32, 40], bool)
        outside[12:21, 8:21] = False
        assert (image[outside] == [255, 0, 0]).all()
        assert (d[outside] == 1).all()


def test_crossing_planes_hide_each_other_on_either_side():
    red = _flat_layer((1, 0, 0), -4, -4, (48, 40), (0.0, 0.0, 0.0))
    tilted = _flat_layer((0, 1, 0), -4, -4, (48, 40), (-2.0, 0.1, 0.0))
    image, d = render.render_view([red, tilted], 32, 40, 0.0, 0.0)
    # They cross at x = 20; there the pixel is half and half.
    assert (image[:, :20] == [0, 255, 0]).all()
    assert (image[:, 21:] == [255, 0, 0]).all()
    assert (np.abs(image[:, 20] - np.array([127.5, 127.5, 0])) <= 1).all()
    x = np.arange(40)
    np.testing.assert_allclose(
        d, np.tile(np.minimum(0, -2 + 0.1 * x), (32, 1)), atol=1e-6
    )


def test_tilted_plane_follows_its_formula():
    plane = (0.5, 0.02, -0.01)
    layer = _flat_layer((1, 1, 1), -20, -20, (80, 72), plane)
    _, d = render.render_view([layer], 32, 40, u=3.0, v=-2.0)
    # Where point (X, Y) = (12, 7) of the middle camera appears:
    there = plane[0] + plane[1] * 12 + plane[2] * 7
    x, y = 12 + 3 * there, 7 - 2 * there
    flow = np.broadcast_to([x, y], [1, 1, 2])
    np.testing.assert_allclose(tiny.warp(d, flow), [[there]], atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"height": 31}, "`height`.*height=31"),
        ({"cols": 0}, "`cols`.*cols=0"),
        ({"max_disparity": 9.0}, "`max_disparity`.*max_disparity=9.0"),
        ({"max_disparity": 0.0}, "`max_disparity`.*max_disparity=0.0"),
    ],
)
def test_render_rejects(change, message):
    with pytest.raises(ValueError, match=message):
        render.render_light_field(
            _rng(0), **{"height": 48, "width": 64, **change}
        )


def test_mattes_are_soft_and_end_inside_their_radius():
    x = sampling.positions(-13, 13)
    far = np.hypot(x[None], x[:, None]) > 13.1
    for seed in range(40):
        alpha = mattes.matte(_rng(seed), x, x, 12.0)
        assert alpha.min() == 0
        assert alpha.max() <= 1
        assert not alpha[far].any()
    soft = (alpha > 0) & (alpha < 1)
    assert soft.any()


def test_textures_are_in_range_and_varied():
    x = sampling.positions(0, 40)
    spreads = []
    for seed in range(12):
        paint = textures.texture(_rng(seed), x, x, photographs.TRAIN)
        assert paint.shape == (len(x), len(x), 3)
        assert paint.dtype == np.float32
        assert paint.min() >= 0
        assert paint.max() <= 1
        spreads.append(paint.std())
    assert np.median(spreads) > 0.05


def test_bilinear_agrees(rng):
    image = rng.random([5, 7, 3], np.float32)
    x, y = 9 * rng.random([4, 6]) - 1, 7 * rng.random([4, 6]) - 1
    grid_y, grid_x = np.mgrid[:4, :6]
    flow = np.stack([x - grid_x, y - grid_y], axis=-1)
    np.testing.assert_allclose(
        sampling.bilinear(image, x, y), tiny.warp(image, flow), atol=1e-6
    )


def test_box_golden():
    image = np.zeros([3, 4, 1], np.float32)
    image[1, 1] = 9
    expected = [[1, 1, 1, 0]] * 3
    np.testing.assert_allclose(
        sampling.box(image, 3)[..., 0], expected, atol=1e-6
    )


def test_test_scenes_show_other_photographs_than_training():
    assert not set(photographs.TRAIN) & set(photographs.TEST)
    for name in photographs.TRAIN + photographs.TEST:
        assert "motorcycle" not in name
        assert photographs.photograph(name).shape[2] == 3


def test_photograph_rejects():
    with pytest.raises(ValueError, match="`name`.*name='moon.png'"):
        photographs.photograph("moon.png")


def test_readme_lists_every_photograph(root):
    text = (root / "data/synthetic_lf/README.md").read_text()
    for name in photographs.TRAIN + photographs.TEST:
        assert f"\n| {name.split('.')[0]} " in text


def test_builder_roundtrip(tmp_path):
    name = tiny.prepare(tmp_path)
    source = prepared.PreparedLightFields(name, str(tmp_path))
    examples = {
        example["scene"].numpy(): example
        for split in ("train", "test")
        for example in source.examples(split, with_disparity=True)
    }
    assert sorted(examples) == [
        b"test_0000",
        b"test_0001",
        b"train_0000",
        b"train_0001",
        b"train_0002",
    ]
    example = examples[b"test_0001"]
    assert (example["rows"], example["cols"]) == (3, 4)
    seed = np.random.SeedSequence([0, 1, 1])
    views, disparity = render.render_light_field(
        np.random.Generator(np.random.Philox(seed)),
        48,
        64,
        3,
        4,
        1.0,
        photographs.TEST,
    )
    chosen = light_fields.select_views(example, np.array([[11, 2]], np.int32))
    pair = light_fields.decode_views({k: v[0] for k, v in chosen.items()})
    np.testing.assert_array_equal(pair["hr"], views[11])
    np.testing.assert_array_equal(pair["ref"], views[2])
    decoded = light_fields.decode_disparity(example["disparity"][11])
    np.testing.assert_allclose(decoded, disparity[11], atol=0.5 / 1024)
    # From view (2, 3) to (0, 2): one column and two rows back.
    flow = pair["flow"].numpy()
    np.testing.assert_allclose(flow[..., 0], -decoded, atol=1e-6)
    np.testing.assert_allclose(flow[..., 1], -2 * decoded, atol=1e-6)


def test_builder_loads_as_tfds_build_loads_it(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "data"))
    module = "synthetic_lf.synthetic_lf_dataset_builder"
    builder_class = tfds.core.community.builder_cls_from_module(module)
    assert builder_class.name == "synthetic_lf"
    assert [c.name for c in builder_class.BUILDER_CONFIGS] == [
        "default",
        "small",
    ]
    metadata = builder_class.get_metadata()
    assert "dead-leaves" in metadata.description
    assert "crossnet" in metadata.citation
    for name in [n for n in sys.modules if n.split(".")[0] == "synthetic_lf"]:
        monkeypatch.delitem(sys.modules, name)


def test_encode_disparity_golden():
    values = np.float32([[0, 1, -1.5, 40, -40]])
    np.testing.assert_array_equal(
        builder_lib.encode_disparity(values), [[32768, 33792, 31232, 65535, 1]]
    )
