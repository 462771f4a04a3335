"""Whole pipelines on small data: light fields, folders, the stereo pair."""

import dataclasses
import shutil

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
import tiny_light_fields as tiny

from crossnet_tf import config as config_lib
from crossnet_tf.ops import resizing
from crossnet_tf.pairs import crops, datasets, motorcycle, prepared

SCALE = 4


@pytest.fixture(scope="module")
def prepared_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    tiny.prepare(folder)
    return str(folder)


def _data(data_dir="", dataset="synthetic_lf/tiny", **changes):
    settings = {
        "dataset": dataset,
        "data_dir": data_dir,
        "batch_size": 2,
        "crop_height": 32,
        "crop_width": 48,
        "shuffle_buffer": 4,
        "color_jitter": False,
        **changes,
    }
    return config_lib.DataConfig(**settings)


EVERYTHING = {
    "random_crop": True,
    "parallax_shift": 5,
    "flip": True,
    "turn": True,
    "color_jitter": True,
    "camera_mismatch": True,
    "pairs_per_scene": 2,
}


def _take(dataset, count):
    return list(dataset.take(count).as_numpy_iterator())


def _equal(one, two):
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(two), strict=True):
        np.testing.assert_array_equal(a, b)


def _differ(one, two):
    return any((a[1] != b[1]).any() for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("scale", [2, 8])
def test_train_dataset_spec(prepared_dir, scale):
    data = _data(prepared_dir, batch_size=3, **EVERYTHING)
    dataset = crops.train_dataset(data, scale, seed=0, with_flow=True)
    sizes = {"lr": (32 // scale, 48 // scale), "ref": (32, 48)}
    inputs, hr, flow = dataset.element_spec
    assert {k: v.shape for k, v in inputs.items()} == {
        name: (3, *size, 3) for name, size in sizes.items()
    }
    assert hr.shape == flow.shape == (3, 32, 48, 3)
    assert {s.dtype for s in tf.nest.flatten(dataset.element_spec)} == {
        tf.float32
    }
    (batch,) = _take(dataset, 1)
    for image in (*batch[0].values(), batch[1]):
        assert image.min() >= 0
        assert image.max() <= 1
        assert image.std() > 0.01


def test_train_dataset_lr_is_made_from_hr_and_nothing_else_is(prepared_dir):
    data = _data(prepared_dir, **EVERYTHING)
    for inputs, hr in _take(crops.train_dataset(data, SCALE, 1), 3):
        assert sorted(inputs) == ["lr", "ref"]
        for i in range(2):
            made = resizing.make_lr(hr[i], SCALE)
            np.testing.assert_allclose(inputs["lr"][i], made, atol=1e-6)
            assert np.abs(inputs["ref"][i] - hr[i]).max() > 0.05


def test_train_dataset_flow_warps_ref_to_hr(prepared_dir):
    everything = {**EVERYTHING, "camera_mismatch": False}
    data = _data(prepared_dir, **everything)
    dataset = crops.train_dataset(data, SCALE, 2, with_flow=True)
    shares = []
    for inputs, hr, flow in _take(dataset, 8):
        for i in range(2):
            seen = flow[i, ..., 2] == 1
            shares.append(seen.mean())
            assert set(np.unique(flow[i, ..., 2])) <= {0, 1}
            warped = tiny.warp(inputs["ref"][i], flow[i, ..., :2])
            assert tiny.psnr(warped, hr[i], seen) > 28
    assert np.mean(shares) > 0.5


def test_train_dataset_top_left_views_as_they_are(prepared_dir):
    data = _data(prepared_dir, batch_size=1)
    source = prepared.PreparedLightFields("synthetic_lf/tiny", prepared_dir)
    known = {
        tf.io.decode_png(view)[:32, :48].numpy().tobytes(): (scene, number)
        for scene, example in enumerate(source.examples("train"))
        for number, view in enumerate(example["views"])
    }
    seen = set()
    for inputs, hr in _take(crops.train_dataset(data, SCALE, 3), 40):
        one, two = (
            known[np.uint8(np.rint(255 * image[0])).tobytes()]
            for image in (hr, inputs["ref"])
        )
        assert one[0] == two[0]
        assert one[1] != two[1]
        seen |= {one, two}
    assert {scene for scene, _ in seen} == set(range(tiny.TRAIN_SCENES))
    assert {number for _, number in seen} == set(range(12))


def test_train_dataset_is_the_same_for_the_same_seed(prepared_dir):
    data = _data(prepared_dir, **EVERYTHING)
    one = _take(crops.train_dataset(data, SCALE, 4), 10)
    _equal(one, _take(crops.train_dataset(data, SCALE, 4), 10))
    assert _differ(one, _take(crops.train_dataset(data, SCALE, 5), 10))
    # And does not repeat itself from one round to the next.
    assert len({hr.tobytes() for _, hr in one}) == 10


def _folder(path, sizes, kinds=("hr", "ref"), seed=0):
    generator = np.random.default_rng(seed)
    for kind in kinds:
        (path / kind).mkdir(parents=True)
        for name, (height, width) in sizes.items():
            if kind == "lr":
                height, width = height // SCALE, width // SCALE
            pixels = generator.integers(256, size=[height, width, 3])
            image = PIL.Image.fromarray(pixels.astype(np.uint8))
            image.save(path / kind / f"{name}.png")
    return f"folder:{path}"


def _opened(data):
    settings = config_lib.EvalConfig()
    return datasets.open_dataset(data.dataset, data, settings, SCALE)


def test_pairs_per_scene_come_from_one_scene(prepared_dir):
    data = _data(prepared_dir, pairs_per_scene=5, shuffle_buffer=1)
    elements = _opened(data).elements(0, with_flow=False)
    scenes = [e["scene"].numpy() for e in elements.take(15)]
    assert [len(set(scenes[i : i + 5])) for i in (0, 5, 10)] == [1, 1, 1]
    assert len(set(scenes)) == 3


def test_view_distances_are_limited(prepared_dir):
    data = _data(prepared_dir, min_disparity=3, max_disparity=3)
    for element in _opened(data).elements(0, with_flow=True).take(20):
        assert abs(element["step"].numpy()).max() == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop_height": 56}, "at most 48 and 64.*crop_height=56"),
        ({"crop_width": 72}, "at most 48 and 64.*crop_width=72"),
        ({"min_disparity": 4}, "3 x 4 views.*min_disparity=4"),
        ({"train_split": "dev"}, r"\['test', 'train'\].*split='dev'"),
        ({"train_split": "train[:0]"}, "empty.*'train\\[:0\\]'"),
        ({"dataset": "../etc/passwd"}, "`dataset`.*passwd"),
    ],
)
def test_train_dataset_rejects(prepared_dir, changes, message):
    with pytest.raises(ValueError, match=message):
        crops.train_dataset(_data(prepared_dir, **changes), SCALE, 0)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("lfvideo", "tfds build data/lfvideo --manual_dir=..."),
        ("flower:2.0.0", "tfds build data/flower --manual_dir=..."),
        ("synthetic_lf", "tfds build data/synthetic_lf"),
        ("synthetic_lf/big", "tfds build data/synthetic_lf --config=big"),
        ("synthetic_lf/tiny:9.0.0", "tfds build data/synthetic_lf --config="),
    ],
)
def test_missing_data_says_how_to_prepare_them(prepared_dir, name, command):
    with pytest.raises(FileNotFoundError) as error:
        crops.train_dataset(_data(prepared_dir, name), SCALE, 0)
    message = str(error.value)
    assert f"Data set `{name}` is not prepared in {prepared_dir}." in message
    assert f"Run `{command}" in message
    assert f"--data_dir={prepared_dir}` first." in message
    assert "\n" not in message
    has_others = name.startswith("synthetic_lf")
    assert ("Prepared there: synthetic_lf/tiny." in message) == has_others
    with pytest.raises(FileNotFoundError, match="is not prepared"):
        datasets.test_pairs(
            _data(prepared_dir, name), config_lib.EvalConfig(), SCALE
        )


def test_missing_data_in_tfds_s_own_place(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError) as error:
        crops.train_dataset(_data(dataset="lfvideo"), SCALE, 0)
    assert str(error.value) == (
        f"Data set `lfvideo` is not prepared in {tmp_path}. "
        "Run `tfds build data/lfvideo --manual_dir=...` first."
    )


def test_find_prepared_takes_default_config_and_newest_version(tmp_path):
    for path in (
        "lf/one/1.0.0",
        "lf/one/1.10.0",
        "lf/one/1.9.0",
        "lf/one/2.0.0.incomplete",
        "lf/two/3.0.0",
        "plain/1.0.0",
    ):
        (tmp_path / path).mkdir(parents=True)
        (tmp_path / path / "dataset_info.json").touch()
    (tmp_path / "lf/.config").mkdir()
    (tmp_path / "lf/.config/metadata.json").write_text(
        '{"default_config_name": "one"}'
    )
    for name, expected in (
        ("lf", "lf/one/1.10.0"),
        ("lf:1.9.0", "lf/one/1.9.0"),
        ("lf/two", "lf/two/3.0.0"),
        ("lf/one:1.0.0", "lf/one/1.0.0"),
        ("plain", "plain/1.0.0"),
    ):
        found = prepared.find_prepared(name, str(tmp_path))
        assert found == tmp_path / expected


def test_test_pairs_of_light_fields(prepared_dir):
    settings = config_lib.EvalConfig(lr_views=(1, 2))
    pairs = list(datasets.test_pairs(_data(prepared_dir), settings, 8))
    assert datasets.count_pairs(_data(prepared_dir), settings) == len(pairs)
    assert [(p.name, p.view) for p in pairs] == [
        (f"test_000{scene}", view)
        for scene in sorted(range(2), key=lambda i: pairs[0].name[-1] != str(i))
        for view in ("(1,1)", "(2,2)")
    ]
    source = prepared.PreparedLightFields("synthetic_lf/tiny", prepared_dir)
    views = {
        e["scene"].numpy().decode(): [
            tf.io.decode_png(view).numpy() / np.float32(255)
            for view in e["views"]
        ]
        for e in source.examples("test")
    }
    for pair in pairs:
        number = {"(1,1)": 5, "(2,2)": 10}[pair.view]
        np.testing.assert_array_equal(pair.hr, views[pair.name][number])
        np.testing.assert_array_equal(pair.ref, views[pair.name][0])
        np.testing.assert_allclose(
            pair.lr, resizing.make_lr(pair.hr, 8), atol=1e-6
        )
        for image in (pair.lr, pair.ref, pair.hr):
            assert isinstance(image, np.ndarray)
            assert image.dtype == np.float32


def test_test_pairs_takes_as_many_as_asked_for(prepared_dir):
    settings = config_lib.EvalConfig(
        eval_dataset="synthetic_lf/tiny",
        test_split="train",
        lr_views=(2,),
        ref_view=(0, 3),
        num_eval_images=2,
    )
    data = _data(prepared_dir, "motorcycle")
    pairs = list(datasets.test_pairs(data, settings, SCALE))
    assert datasets.count_pairs(data, settings) == len(pairs)
    assert [pair.view for pair in pairs] == ["(2,2)", "(2,2)"]
    assert all(pair.name.startswith("train_") for pair in pairs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lr_views": (1, 3)}, "0 to 2 for 3 x 4 views.*lr_views=.1, 3."),
        ({"lr_views": (-1,)}, "`lr_views`.*lr_views=.-1,."),
        ({"lr_views": ()}, "`lr_views`.*lr_views=.."),
        ({"lr_views": (1,), "ref_view": (1, 1)}, "`ref_view`.*.1, 1."),
        ({"lr_views": (1,), "ref_view": (3, 0)}, "`ref_view`.*.3, 0."),
        ({"lr_views": (1,), "ref_view": (0,)}, "`ref_view`.*.0,."),
        ({"lr_views": (1,), "test_split": "x"}, "`test_split`.*split='x'"),
    ],
)
def test_test_pairs_rejects(prepared_dir, changes, message):
    settings = config_lib.EvalConfig(**changes)
    with pytest.raises(ValueError, match=message):
        datasets.test_pairs(_data(prepared_dir), settings, SCALE)


def test_motorcycle_flow_warps_right_to_left():
    left, right, flow = motorcycle.motorcycle()
    assert left.shape == right.shape == flow.shape == (500, 741, 3)
    seen = flow[..., 2] == 1
    assert 0.7 < seen.mean() < 0.9
    assert (flow[..., 1] == 0).all()
    assert -61 < flow[seen][:, 0].min() < flow[seen][:, 0].max() < -7
    warped = tiny.warp(right / 255, flow[..., :2])
    assert tiny.psnr(warped, left / 255, seen) > 26
    hidden = (flow[..., 2] == 0) & (flow[..., 0] != 0)
    assert tiny.psnr(warped, left / 255, hidden) < 20


def test_stereo_flow_golden():
    # Two near pixels (4) hide the ground (1) that they fall on.
    disparity = np.float32([[1, 1, 1, 1, 1, 4, 4, np.inf]])
    flow = motorcycle.stereo_flow(disparity)[0]
    np.testing.assert_array_equal(flow[:, 0], [-1, -1, -1, -1, -1, -4, -4, 0])
    np.testing.assert_array_equal(flow[:, 2], [0, 1, 0, 0, 1, 1, 1, 0])


def test_motorcycle_trains_and_tests():
    data = _data(dataset="motorcycle", crop_height=64, **EVERYTHING)
    dataset = crops.train_dataset(data, SCALE, 0, with_flow=True)
    for _, _, flow in _take(dataset, 4):
        assert flow.shape == (2, 64, 48, 3)
    (pair,) = datasets.test_pairs(data, config_lib.EvalConfig(), 8)
    assert datasets.count_pairs(data, config_lib.EvalConfig()) == 1
    assert (pair.name, pair.view) == ("motorcycle", "left")
    assert pair.lr.shape == (62, 92, 3)
    assert pair.ref.shape == pair.hr.shape == (496, 736, 3)
    np.testing.assert_array_equal(
        np.rint(255 * pair.hr), motorcycle.motorcycle()[0][:496, :736]
    )
    with pytest.raises(ValueError, match="500 and 741.*crop_height=504"):
        crops.train_dataset(
            dataclasses.replace(data, crop_height=504), SCALE, 0
        )


def test_folder_of_hr_and_ref(tmp_path):
    name = _folder(tmp_path, {"a": (50, 61), "b": (32, 48)})
    pairs = list(
        datasets.test_pairs(_data(dataset=name), config_lib.EvalConfig(), SCALE)
    )
    assert [(p.name, p.view) for p in pairs] == [("a", ""), ("b", "")]
    assert pairs[0].hr.shape == pairs[0].ref.shape == (48, 60, 3)
    assert pairs[0].lr.shape == (12, 15, 3)
    ref = np.asarray(PIL.Image.open(tmp_path / "ref/a.png"))
    np.testing.assert_array_equal(np.rint(255 * pairs[0].ref), ref[:48, :60])
    known = {
        image[:32, :48].tobytes(): name
        for name in "ab"
        for image in [np.asarray(PIL.Image.open(tmp_path / f"hr/{name}.png"))]
    }
    data = _data(dataset=name, pairs_per_scene=2)
    drawn = [
        [known[np.uint8(np.rint(255 * image)).tobytes()] for image in hr]
        for _, hr in _take(crops.train_dataset(data, SCALE, 0), 12)
    ]
    # Two crops of each reading; each pair once per round.
    assert all(one == two for one, two in drawn)
    rounds = [{drawn[i][0], drawn[i + 1][0]} for i in range(0, 12, 2)]
    assert rounds == [{"a", "b"}] * 6


def test_folder_with_its_own_lr(tmp_path):
    name = _folder(tmp_path, {"a": (40, 56)}, ("lr", "ref", "hr"))
    (pair,) = datasets.test_pairs(
        _data(dataset=name), config_lib.EvalConfig(), SCALE
    )
    lr = np.asarray(PIL.Image.open(tmp_path / "lr/a.png"))
    hr = np.asarray(PIL.Image.open(tmp_path / "hr/a.png"))
    np.testing.assert_array_equal(np.rint(255 * pair.lr), lr)
    np.testing.assert_array_equal(np.rint(255 * pair.hr), hr)
    data = _data(dataset=name, random_crop=True, batch_size=1)
    places = set()
    for inputs, target in _take(crops.train_dataset(data, SCALE, 0), 60):
        crop = np.rint(255 * inputs["lr"][0])
        (place,) = [
            (y, x)
            for y in range(3)
            for x in range(3)
            if (lr[y : y + 8, x : x + 12] == crop).all()
        ]
        y, x = 4 * place[0], 4 * place[1]
        np.testing.assert_array_equal(
            np.rint(255 * target[0]), hr[y : y + 32, x : x + 48]
        )
        places.add(place)
    assert len(places) == 9


def test_folder_without_truth_is_tested_and_not_trained_on(tmp_path):
    name = _folder(tmp_path, {"a": (40, 56)}, ("lr", "ref"))
    (pair,) = datasets.test_pairs(
        _data(dataset=name), config_lib.EvalConfig(), SCALE
    )
    assert pair.hr is None
    assert pair.lr.shape == (10, 14, 3)
    with pytest.raises(ValueError, match="ground truth.*lr/a.png"):
        crops.train_dataset(_data(dataset=name), SCALE, 0)


def test_folder_truth_does_not_leak(tmp_path):
    name = _folder(tmp_path, {"a": (40, 56)}, ("lr", "ref", "hr"))
    data = _data(dataset=name, random_crop=True, flip=True)
    before = _take(crops.train_dataset(data, SCALE, 0), 3)
    black = PIL.Image.new("RGB", (56, 40))
    black.save(tmp_path / "hr/a.png")
    after = _take(crops.train_dataset(data, SCALE, 0), 3)
    for (inputs, hr), (other_inputs, other_hr) in zip(
        before, after, strict=True
    ):
        _equal(inputs, other_inputs)
        assert hr.any()
        assert not other_hr.any()


def test_folder_names_every_mismatch(tmp_path):
    name = _folder(tmp_path, {"a": (40, 56), "b": (40, 56), "c": (40, 56)})
    (tmp_path / "ref/a.png").unlink()
    (tmp_path / "ref/c.png").unlink()
    (tmp_path / "hr/b.png").unlink()
    (tmp_path / "ref/.hidden").touch()
    with pytest.raises(
        FileNotFoundError, match=r"ref/a\.\*, hr/b\.\*, ref/c\.\*\."
    ):
        crops.train_dataset(_data(dataset=name), SCALE, 0)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (("hr",), r"`ref/` and `hr/` or `lr/`.*only \['hr'\]"),
        (("ref",), r"only \['ref'\]"),
        ((), "is no folder"),
    ],
)
def test_folder_rejects_missing_folders(tmp_path, kinds, message):
    name = _folder(tmp_path / "x", {"a": (40, 56)}, kinds)
    with pytest.raises(FileNotFoundError, match=message):
        crops.train_dataset(_data(dataset=name), SCALE, 0)


def test_folder_rejects_empty(tmp_path):
    name = _folder(tmp_path, {})
    with pytest.raises(FileNotFoundError, match="Missing: all images"):
        crops.train_dataset(_data(dataset=name), SCALE, 0)


def test_folder_rejects_two_of_one_name(tmp_path):
    name = _folder(tmp_path, {"a": (40, 56)})
    PIL.Image.new("RGB", (56, 40)).save(tmp_path / "hr/a.jpg")
    with pytest.raises(ValueError, match=r"a\.jpg and .*a\.png"):
        crops.train_dataset(_data(dataset=name), SCALE, 0)


def test_folder_rejects_small_image_by_name(tmp_path):
    name = _folder(tmp_path, {"a": (40, 56), "small": (40, 40)})
    with pytest.raises(
        ValueError, match=r"40 and 40 for .*hr/small\.png.*crop_width=48"
    ):
        crops.train_dataset(_data(dataset=name), SCALE, 0)


def test_folder_rejects_sizes_that_do_not_fit(tmp_path):
    name = _folder(tmp_path, {"a": (40, 56)})
    PIL.Image.new("RGB", (52, 40)).save(tmp_path / "ref/a.png")
    with pytest.raises(ValueError, match=r"ref/a\.png \(height 40, width 52\)"):
        crops.train_dataset(_data(dataset=name), SCALE, 0)
    pairs = datasets.test_pairs(
        _data(dataset=name), config_lib.EvalConfig(), SCALE
    )
    with pytest.raises(ValueError, match=r"ref/a\.png"):
        next(pairs)


def test_folder_rejects_broken_image_by_name(tmp_path):
    name = _folder(tmp_path, {"a": (40, 56)})
    path = tmp_path / "ref/a.png"
    whole = path.read_bytes()
    for content in (b"no image", whole[:30], b"", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"ref/a\.png"):
            crops.train_dataset(_data(dataset=name), SCALE, 0)
        pairs = datasets.test_pairs(
            _data(dataset=name), config_lib.EvalConfig(), SCALE
        )
        with pytest.raises(ValueError, match=r"ref/a\.png"):
            next(pairs)
    # What shows only when it is decoded.
    middle = len(whole) // 2
    flipped = bytes([whole[middle] ^ 4])
    path.write_bytes(whole[:middle] + flipped + whole[middle + 1 :])
    batches = iter(crops.train_dataset(_data(dataset=name), SCALE, 0))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"ref/a\.png"):
        next(batches)


def test_folder_of_turned_photographs(tmp_path):
    # A camera's EXIF says: turn me. Both count with their upright size.
    name = _folder(tmp_path, {"a": (40, 56)})
    for kind, suffix in (("hr", "jpg"), ("ref", "png")):
        exif = PIL.Image.Exif()
        exif[0x0112] = 6
        image = PIL.Image.open(tmp_path / kind / "a.png").transpose(
            PIL.Image.Transpose.ROTATE_90
        )
        (tmp_path / kind / "a.png").unlink()
        image.save(tmp_path / kind / f"a.{suffix}", exif=exif)
    (pair,) = datasets.test_pairs(
        _data(dataset=name), config_lib.EvalConfig(), SCALE
    )
    assert pair.hr.shape == (40, 56, 3)
    _take(crops.train_dataset(_data(dataset=name), SCALE, 0), 1)


def test_flow_is_refused_where_it_is_unknown(tmp_path):
    name = _folder(tmp_path, {"a": (40, 56)})
    with pytest.raises(ValueError, match="`flow_loss_weight`.*folder:"):
        crops.train_dataset(_data(dataset=name), SCALE, 0, with_flow=True)


def test_flow_that_is_optional_has_no_weight(tmp_path):
    name = _folder(tmp_path, {"a": (40, 56)})
    dataset = crops.train_dataset(
        _data(dataset=name), SCALE, 0, with_flow=True, flow_optional=True
    )
    ((_, _, flow),) = _take(dataset, 1)
    assert not flow[..., 2].any()


def test_views_in_one_row_are_counted_along_it(tmp_path):
    config = dataclasses.replace(tiny.CONFIG, name="row", rows=1, cols=3)
    tiny.builder_lib.Builder(
        data_dir=str(tmp_path), config=config
    ).download_and_prepare()
    data = _data(tmp_path, "synthetic_lf/row")
    settings = config_lib.EvalConfig(lr_views=(1, 2))
    pairs = list(datasets.test_pairs(data, settings, SCALE))
    assert [pair.view for pair in pairs] == ["(0,1)", "(0,2)"] * 2
    with pytest.raises(ValueError, match="0 to 2 for 1 x 3 views"):
        datasets.test_pairs(data, config_lib.EvalConfig(lr_views=(3,)), SCALE)


def test_bad_pairs_can_be_left_out_and_are_named(tmp_path):
    name = _folder(tmp_path, dict.fromkeys("abc", (40, 56)))
    path = tmp_path / "ref/b.png"
    path.write_bytes(path.read_bytes()[:-1000])
    PIL.Image.new("RGB", (52, 40)).save(tmp_path / "ref/c.png")
    problems = []
    arguments = _data(dataset=name), config_lib.EvalConfig(), SCALE
    pairs = list(datasets.test_pairs(*arguments, problems))
    assert [pair.name for pair in pairs] == ["a"]
    assert [problem[:2] for problem in problems] == ["b:", "c:"]
    assert "ref/b.png" in problems[0]
    with pytest.raises(ValueError, match=r"ref/b\.png"):
        list(datasets.test_pairs(*arguments))


def test_bad_light_fields_can_be_left_out_and_are_named(prepared_dir, tmp_path):
    shutil.copytree(prepared_dir, tmp_path / "data")
    (record,) = (tmp_path / "data").rglob("*-test.tfrecord*")
    content = bytearray(record.read_bytes())
    content[-100] ^= 255  # in the last record
    record.write_bytes(content)
    settings = config_lib.EvalConfig(lr_views=(1, 2))
    problems = []
    arguments = _data(str(tmp_path / "data")), settings, SCALE
    pairs = list(datasets.test_pairs(*arguments, problems))
    assert [pair.view for pair in pairs] == ["(1,1)", "(2,2)"]
    (problem,) = problems
    assert problem.startswith(f"synthetic_lf/tiny: `{record}` of split `test`")
    with (
        pytest.raises(ValueError, match=f"`{record}` must be as it was made"),
        datasets.damage_named(*arguments[:2]),
    ):
        list(datasets.test_pairs(*arguments))


def test_names_with_accents_of_two_systems_belong_together(tmp_path):
    name = _folder(tmp_path, {"caf\u00e9": (40, 56)}, ["hr"])
    _folder(tmp_path, {"cafe\u0301": (40, 56)}, ["ref"])
    (pair,) = datasets.test_pairs(
        _data(dataset=name), config_lib.EvalConfig(), SCALE
    )
    assert pair.name == "caf\u00e9"
