"""The builders of real light fields, on files that these tests make."""

import importlib
import os

import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds
from apache_beam.options import pipeline_options

from crossnet_tf import images
from crossnet_tf.data import light_field, scenes, source_tree
from crossnet_tf.data.flower import flower_dataset_builder as flower
from crossnet_tf.data.hci_lf import hci_lf_dataset_builder as hci
from crossnet_tf.data.lfvideo import lfvideo_dataset_builder as lfvideo
from crossnet_tf.data.stanford_lf import stanford_lf_dataset_builder as stanford
from crossnet_tf.data.stereo_folder import (
    stereo_folder_dataset_builder as stereo,
)
from crossnet_tf.pairs import light_fields, prepared

# TFDS 4.9 asks protobuf for a field's label when it reads a prepared set.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:label\(\) is deprecated:DeprecationWarning"
)

HEIGHT, WIDTH = 6, 10


def _module(name):
    return importlib.import_module(
        f"crossnet_tf.data.{name}.{name}_dataset_builder"
    )


def _views(rng, count):
    return rng.integers(0, 256, (count, HEIGHT, WIDTH, 3), np.uint8)


def _save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(array).save(path)


def _prepare(name, tmp_path, config=None, strict=False, **download):
    kwargs = {} if config is None else {"config": config}
    builder = _module(name).Builder(data_dir=str(tmp_path / "out"), **kwargs)
    builder.strict = strict
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=str(tmp_path / "in"), **download
        )
    )
    return builder


def _folder(path):
    (folder,) = source_tree.find_folders(path, path / "cache")
    return folder


def _add_junk(root, view):
    """What file managers and cameras leave, also named like a view."""
    for folder in ("a", "b", "__MACOSX/a", ".Trash-0/a", ".hidden"):
        for name in (f"._{view}", "Thumbs.db", ".DS_Store", "notes.txt"):
            path = root / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"junk")
    for folder in ("__MACOSX/a", ".Trash-0/a", ".hidden"):
        (root / folder / view).write_bytes(b"junk")


def _names(name, rows, cols):
    forms = {
        "light_field_folder": lambda r, c: f"view_{r:02d}_{c:02d}.png",
        "hci_lf": lambda r, c: f"input_Cam{r * cols + c:03d}.png",
        "stanford_lf": lambda r, c: f"out_{r:02d}_{c:02d}_-7.5_8.25_.png",
        "scene_lf": lambda r, c: f"v{c + 8}.png",
        "video_folder": lambda r, c: f"t{c + 8}.png",
        "stereo_folder": lambda r, c: "LR"[c] + ".png",
    }
    return [forms[name](r, c) for r in range(rows) for c in range(cols)]


@pytest.mark.parametrize(
    ("name", "rows", "cols"),
    [
        ("light_field_folder", 2, 3),
        ("hci_lf", 9, 9),
        ("stanford_lf", 17, 17),
        ("scene_lf", 1, 4),
        ("video_folder", 1, 4),
        ("stereo_folder", 1, 2),
    ],
)
def test_prepare_roundtrip(tmp_path, rng, name, rows, cols):
    views = {scene: _views(rng, rows * cols) for scene in ("a", "b")}
    for scene, pixels in views.items():
        for file, view in zip(_names(name, rows, cols), pixels):
            _save(tmp_path / "in" / scene / file, view)
    _add_junk(tmp_path / "in", _names(name, 1, 1)[0])
    builder = _prepare(name, tmp_path)
    assert builder.name == name
    assert builder.info.citation
    for split, scene in (("train", "a"), ("test", "b")):
        (example,) = tfds.as_numpy(builder.as_dataset(split=split))
        assert example["scene"] == scene.encode()
        assert (example["rows"], example["cols"]) == (rows, cols)
        np.testing.assert_array_equal(example["views"], views[scene])
    full_name = builder.info.full_name.rsplit("/", 1)[0]
    assert len(builder.BUILDER_CONFIGS) <= 1  # `tfds build` prepares all
    found = prepared.find_prepared(full_name, str(tmp_path / "out"))
    (tmp_path / "in").rename(tmp_path / "gone")
    before = [(p, p.stat().st_mtime_ns) for p in sorted(found.iterdir())]
    _prepare(name, tmp_path)
    assert before == [
        (p, p.stat().st_mtime_ns) for p in sorted(found.iterdir())
    ]


@pytest.mark.parametrize("layout", ["mosaic", "interleaved"])
def test_light_field_in_one_image_roundtrip(tmp_path, rng, layout):
    views = _views(rng, 64).reshape(8, 8, HEIGHT, WIDTH, 3)
    image = np.zeros((8 * HEIGHT, 8 * WIDTH, 3), np.uint8)
    for row in range(8):
        for col in range(8):
            if layout == "interleaved":
                image[row::8, col::8] = views[row, col]
            else:
                y, x = row * HEIGHT, col * WIDTH
                image[y : y + HEIGHT, x : x + WIDTH] = views[row, col]
    _save(tmp_path / "in" / "scene.png", image)
    builder = _prepare("light_field_folder", tmp_path, layout)
    (example,) = tfds.as_numpy(builder.as_dataset(split="train"))
    np.testing.assert_array_equal(
        example["views"], views.reshape(64, HEIGHT, WIDTH, 3)
    )


def test_cut_off_preparation_leaves_nothing_complete(tmp_path, rng):
    for scene in ("a", "b"):
        for file, view in zip(
            _names("scene_lf", 1, 2), _views(rng, 2), strict=True
        ):
            _save(tmp_path / "in" / scene / file, view)
    broken = tmp_path / "in" / "b" / "v9.png"
    broken.write_bytes(broken.read_bytes()[:-40])
    with pytest.raises(ValueError, match="v9.png"):
        _prepare("scene_lf", tmp_path)
    with pytest.raises(FileNotFoundError, match="tfds build data/scene_lf"):
        prepared.find_prepared("scene_lf", str(tmp_path / "out"))


@pytest.mark.parametrize("strict", [False, True])
def test_bad_scenes_are_left_out(tmp_path, rng, capsys, strict):
    """One of each kind: missing, alone, damaged, a pipe, another size."""
    for scene in "abcdefg":
        for file, view in zip(_names("scene_lf", 1, 2), _views(rng, 2)):
            _save(tmp_path / "in" / scene / file, view)
    places = {scene: tmp_path / "in" / scene / "v9.png" for scene in "bcde"}
    places["b"].unlink()
    places["c"].write_bytes(places["c"].read_bytes()[:-40])
    places["d"].unlink()
    os.mkfifo(places["d"])
    _save(places["e"], _views(rng, 1)[0, :-1])
    (tmp_path / "in" / "a" / "._v8.png").write_bytes(b"junk")
    if strict:
        with pytest.raises((ValueError, FileNotFoundError)):
            _prepare("scene_lf", tmp_path, strict=True)
        assert "Left out" not in capsys.readouterr().err
        return
    builder = _prepare("scene_lf", tmp_path)
    found = {
        split: [e["scene"] for e in tfds.as_numpy(builder.as_dataset(split))]
        for split in ("train", "test")
    }
    assert sorted(found["train"]) == [b"a", b"f"]
    assert found["test"] == [b"g"]
    text = capsys.readouterr().err
    for scene in "bcde":
        assert f"Left out `{scene}`: " in text
    assert text.count("v9.png") == 3


def test_beam_prepares_the_same(tmp_path, rng):
    for scene in "abc":
        for file, view in zip(_names("scene_lf", 1, 2), _views(rng, 2)):
            _save(tmp_path / "in" / scene / file, view)
    options = pipeline_options.PipelineOptions(
        ["--direct_num_workers=2", "--direct_running_mode=multi_threading"]
    )
    found = []
    for kwargs in ({}, {"beam_options": options}):
        builder = _prepare("scene_lf", tmp_path, **kwargs)
        found.append(
            {
                (split, example["scene"]): example["views"].tobytes()
                for split in ("train", "test")
                for example in tfds.as_numpy(builder.as_dataset(split=split))
            }
        )
        (tmp_path / "out").rename(tmp_path / f"out{len(found)}")
    assert len(found[0]) == 3
    assert found[0] == found[1]


def test_views_of_unequal_size_rejects(rng):
    views = [*_views(rng, 1), np.zeros((4, 4, 3), np.uint8)]
    scene = scenes.Scene("garden", 1, 2, lambda: views)
    with pytest.raises(ValueError, match=r"garden.*1x2.*\(4, 4\)"):
        light_field.make_example(scene)


def test_file_of_another_size_rejects(tmp_path, rng):
    for name, width in (("a", 4), ("b", 4), ("c", 5)):
        _save(tmp_path / f"{name}.png", np.zeros((4, width, 3), np.uint8))
    (scene,) = scenes.row_scenes(_folder(tmp_path))
    match = r"`.*c.png` must be .*`.*a.png`, .*\(4, 4\). Received: \(4, 5\)"
    with pytest.raises(ValueError, match=match):
        light_field.make_example(scene)


def test_grid_rejects(tmp_path, rng):
    view = _views(rng, 1)[0]
    folder = tmp_path / "scene"
    pattern = _module("light_field_folder").PATTERN

    def find():
        return scenes.grid_scene(_folder(folder), pattern, "FORM")

    _save(folder / "photo.png", view)
    with pytest.raises(FileNotFoundError, match=r"named FORM.*photo.png"):
        find()
    for name in ("r0_c0", "r0_c1", "r1_c0"):
        _save(folder / f"{name}.png", view)
    with pytest.raises(FileNotFoundError, match=r"Missing: .*\(1, 1\)"):
        find()
    _save(folder / "r0_c0.jpg", view)
    with pytest.raises(ValueError, match=r"row 0, column 0"):
        find()


def test_missing_files_rejects(tmp_path, rng):
    with pytest.raises(FileNotFoundError, match="a folder per scene"):
        source_tree.with_images([], "a folder per scene")
    _save(tmp_path / "out_00_00_.png", _views(rng, 1)[0])
    with pytest.raises(FileNotFoundError, match="at least 2 images"):
        scenes.row_scenes(_folder(tmp_path))
    with pytest.raises(FileNotFoundError, match="input_Cam000.png"):
        hci.find_scene(_folder(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"17x17.*1x1"):
        stanford.find_scene(_folder(tmp_path))
    with pytest.raises(FileNotFoundError, match="out_00_00_"):
        stereo.find_pair(_folder(tmp_path))


@pytest.mark.parametrize(
    ("names", "rows", "cols"),
    [
        (("r04_c04", "r04_c05", "r07_c04", "r07_c05"), 2, 2),
        (("v8", "v9", "v10"), 1, 3),
        (("t0", "t2"), 1, 2),
        (("IMG_2041", "IMG_2042"), 1, 2),
    ],
)
def test_any_folder_is_a_light_field(tmp_path, rng, names, rows, cols):
    views = _views(rng, len(names))
    for name, view in zip(names, views):
        _save(tmp_path / f"{name}.png", view)
    module = _module("light_field_folder")
    (scene,) = module.find_scenes(_folder(tmp_path))
    assert (scene.rows, scene.cols) == (rows, cols)
    np.testing.assert_array_equal(list(scene.read_views()), views)


def test_long_rows_become_several_scenes(tmp_path, rng):
    for number in range(7):
        _save(tmp_path / "rail" / f"v{number}.png", _views(rng, 1)[0])
    found = scenes.row_scenes(_folder(tmp_path), 3)
    assert [(s.name, s.cols) for s in found] == [
        ("rail/000", 2),
        ("rail/001", 3),
        ("rail/002", 2),
    ]
    with pytest.raises(ValueError, match=r"`run_length`.*run_length=1"):
        scenes.row_scenes(_folder(tmp_path), 1)


def test_folders_are_found_at_any_depth(tmp_path, rng):
    for name in ("training/b", "test/a/rectified", ".hidden", "__MACOSX"):
        _save(tmp_path / name / "v.png", _views(rng, 1)[0])
    found = source_tree.find_folders(tmp_path, tmp_path / "cache")
    assert [folder.name for folder in found] == ["test/a", "training/b"]
    splits = source_tree.split(found, lambda folder: folder.name)
    assert [f.name for f in splits["train"]] == ["training/b"]
    assert [f.name for f in splits["test"]] == ["test/a"]
    (tmp_path / "training" / "loop").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="loop is .* again, by a link"):
        source_tree.find_folders(tmp_path, tmp_path / "cache")


def test_links_that_fan_out_reject(tmp_path):
    """Ten links in each of ten folders would be ten billion folders."""
    for level in range(10):
        (tmp_path / f"level{level}").mkdir()
        for number in range(10):
            link = tmp_path / f"level{level}" / str(number)
            link.symlink_to(tmp_path / f"level{level + 1}")
    (tmp_path / "level10").mkdir()
    with pytest.raises(ValueError, match="Each folder must be there once"):
        source_tree.find_folders(tmp_path, tmp_path / "cache")


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.pfm"])
def test_special_files_reject(tmp_path, name):
    path = tmp_path / "in" / name
    path.parent.mkdir()
    os.mkfifo(path)
    read = hci.read_pfm if name == "a.pfm" else _archive_below
    with pytest.raises(ValueError, match="must be a regular file"):
        read(path)


def _archive_below(path):
    source_tree.find_folders(path.parent, path.parent.parent / "cache")


def test_scenes_of_one_name_rejects(tmp_path, rng):
    for folder in ("scene", "images/scene"):
        for name in "LR":
            _save(tmp_path / "in" / folder / f"{name}.png", _views(rng, 1)[0])
    with pytest.raises(ValueError, match="twice: scene"):
        _prepare("stereo_folder", tmp_path)


def test_huge_record_rejects(monkeypatch, rng):
    monkeypatch.setattr(light_field, "MAX_RECORD_BYTES", 100)
    scene = scenes.Scene("garden", 1, 2, lambda: _views(rng, 2))
    with pytest.raises(ValueError, match="garden.*at most 100 bytes"):
        light_field.make_example(scene)


def _pfm(array, order="<"):
    height, width = array.shape
    scale = {"<": "-1.0", ">": "1.0"}[order]
    header = f"Pf\n{width} {height}\n{scale}\n".encode()
    return header + array[::-1].astype(f"{order}f4").tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
def test_read_pfm_roundtrip(tmp_path, rng, order):
    expected = rng.normal(size=(HEIGHT, WIDTH)).astype(np.float32)
    path = tmp_path / "a.pfm"
    path.write_bytes(_pfm(expected, order))
    np.testing.assert_array_equal(hci.read_pfm(path), expected)


def test_read_pfm_rejects(tmp_path):
    path = tmp_path / "a.pfm"
    path.write_bytes(_pfm(np.zeros((2, 3), np.float32))[:-1])
    with pytest.raises(ValueError, match=r"a.pfm.*24 bytes.*23"):
        hci.read_pfm(path)
    path.write_bytes(b"PF\n2 2\n-1\n")
    with pytest.raises(ValueError, match=r"a.pfm.*grey PFM"):
        hci.read_pfm(path)


def test_hci_disparity_has_the_schemas_sign(tmp_path, rng):
    scene = tmp_path / "in" / "a"
    disparity = rng.uniform(-2, 2, (81, HEIGHT, WIDTH)).astype(np.float32)
    for number, view in enumerate(_views(rng, 81)):
        _save(scene / f"input_Cam{number:03d}.png", view)
        path = scene / f"gt_disp_lowres_Cam{number:03d}.pfm"
        path.write_bytes(_pfm(disparity[number]))
    builder = _prepare("hci_lf", tmp_path, "disparity")
    (example,) = tfds.as_numpy(builder.as_dataset(split="train"))
    values = example["disparity"][..., 0].astype(np.float64)
    decoded = (values - light_fields.DISPARITY_ZERO) / 1024
    np.testing.assert_allclose(decoded, -disparity, atol=0.6 / 1024)


def test_unknown_disparity_is_0():
    codes = light_field.encode_disparity(np.float32([[np.nan, 0, 99]]))
    np.testing.assert_array_equal(codes, [[0, 32768, 65535]])


def test_hci_disparity_in_another_archive(tmp_path, rng):
    folders = []
    for scene in ("training/a", "test/b"):
        for name in hci.VIEWS:
            _save(tmp_path / scene / name, _views(rng, 1)[0])
    for name in hci.MAPS:
        path = tmp_path / "training_depth_disp_all_views" / "a" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_pfm(np.zeros((HEIGHT, WIDTH), np.float32)))
    folders = source_tree.find_folders(tmp_path, tmp_path / "cache")
    builder = hci.Builder(data_dir=str(tmp_path / "out"), config="disparity")
    splits = builder._find_scenes(folders)
    assert [s.name for s in splits.pop("train")] == ["training/a"]
    assert not splits
    path.unlink()
    folders = source_tree.find_folders(tmp_path, tmp_path / "cache")
    with pytest.raises(FileNotFoundError, match=r"Missing: .*Cam080.pfm"):
        builder._find_scenes(folders)


def test_flower_takes_the_central_views(tmp_path, monkeypatch):
    image = np.zeros((14 * 376, 14 * 541, 3), np.float32)
    row, col = np.mgrid[:14, :14]
    image[..., 0] = np.tile(row, (376, 541)) / 255
    image[..., 1] = np.tile(col, (376, 541)) / 255
    # Coding a PNG of 40 megapixels would take most of this file's time.
    monkeypatch.setattr(images, "read_image", lambda path: image)
    views = list(flower.read_views(tmp_path / "a_eslf.png"))
    assert len(views) == 64
    for number, view in enumerate(views):
        assert view.shape == (320, 512, 3)
        expected = (3 + number // 8, 3 + number % 8, 0)
        assert (view == expected).all()


def test_paper_splits():
    found = [scenes.Scene(str(n), 8, 8, list) for n in range(flower.COUNT)]
    splits = flower.split(found)
    assert [len(splits[s]) for s in ("train", "test")] == [3243, 100]
    with pytest.raises(FileNotFoundError, match=r"3343.*3342"):
        flower.split(found[1:])


@pytest.mark.parametrize("module", [flower, lfvideo])
def test_whole_image_rejects(tmp_path, rng, module):
    _save(tmp_path / "a.png", _views(rng, 1)[0])
    with pytest.raises(ValueError, match=r"a.png.*6.*10"):
        list(module.read_views(tmp_path / "a.png"))


def test_lfvideo_reads_a_grid(tmp_path):
    image = np.zeros((8 * 320, 8 * 514, 3), np.uint8)
    image[320:640, 2 * 514 : 3 * 514] = 200
    _save(tmp_path / "a.png", image)
    views = list(lfvideo.read_views(tmp_path / "a.png"))
    assert [int(v.max()) for v in views] == [200 * (n == 10) for n in range(64)]
    assert views[10].shape == (320, 512, 3)
