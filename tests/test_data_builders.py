"""The builders of real light fields, on files that these tests make."""

import importlib

import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds

from crossnet_tf import light_fields, prepared
from data import light_field
from data.flower import flower_dataset_builder as flower
from data.hci_lf import hci_lf_dataset_builder as hci
from data.lfvideo import lfvideo_dataset_builder as lfvideo
from data.stanford_lf import stanford_lf_dataset_builder as stanford
from data.stereo_folder import stereo_folder_dataset_builder as stereo

# TFDS 4.9 asks protobuf for a field's label when it reads a prepared set.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:label\(\) is deprecated:DeprecationWarning"
)

HEIGHT, WIDTH = 6, 10


def _module(name):
    return importlib.import_module(f"data.{name}.{name}_dataset_builder")


def _views(rng, count):
    return rng.integers(0, 256, (count, HEIGHT, WIDTH, 3), np.uint8)


def _save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(array).save(path)


def _prepare(name, tmp_path, config=None):
    kwargs = {} if config is None else {"config": config}
    builder = _module(name).Builder(data_dir=str(tmp_path / "out"), **kwargs)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=str(tmp_path / "in")
        )
    )
    return builder


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
    builder = _prepare(name, tmp_path)
    assert builder.name == name
    assert builder.info.citation
    for split, scene in (("train", "a"), ("test", "b")):
        (example,) = tfds.as_numpy(builder.as_dataset(split=split))
        assert example["scene"] == scene.encode()
        assert (example["rows"], example["cols"]) == (rows, cols)
        np.testing.assert_array_equal(example["views"], views[scene])
    full_name = builder.info.full_name.rsplit("/", 1)[0]
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


def test_views_of_unequal_size_rejects(rng):
    views = [*_views(rng, 1), np.zeros((4, 4, 3), np.uint8)]
    scene = light_field.Scene("garden", 1, 2, lambda: views)
    with pytest.raises(ValueError, match=r"garden.*1x2.*\(4, 4\)"):
        light_field.make_example(scene)


def test_grid_rejects(tmp_path, rng):
    view = _views(rng, 1)[0]
    folder = tmp_path / "scene"
    pattern = _module("light_field_folder").PATTERN
    _save(folder / "photo.png", view)
    with pytest.raises(FileNotFoundError, match=r"named FORM.*none"):
        light_field.grid_scene(folder, pattern, "FORM")
    for name in ("r0_c0", "r0_c1", "r1_c0"):
        _save(folder / f"{name}.png", view)
    with pytest.raises(FileNotFoundError, match=r"Missing: .*\(1, 1\)"):
        light_field.grid_scene(folder, pattern, "FORM")
    _save(folder / "r0_c0.jpg", view)
    with pytest.raises(ValueError, match=r"row 0, column 0"):
        light_field.grid_scene(folder, pattern, "FORM")


def test_missing_files_rejects(tmp_path, rng):
    with pytest.raises(FileNotFoundError, match="one folder per scene"):
        light_field.folders(tmp_path)
    with pytest.raises(FileNotFoundError, match="at least 2 images"):
        light_field.row_scene(tmp_path)
    with pytest.raises(FileNotFoundError, match="input_Cam000.png"):
        hci.find_scene(tmp_path)
    _save(tmp_path / "out_00_00_.png", _views(rng, 1)[0])
    with pytest.raises(FileNotFoundError, match=r"17x17.*1x1"):
        stanford.find_scene(tmp_path)
    with pytest.raises(FileNotFoundError, match="out_00_00_"):
        stereo.find_pair(tmp_path)


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


def test_flower_takes_the_central_views(tmp_path, monkeypatch):
    image = np.zeros((14 * 376, 14 * 541, 3), np.uint8)
    row, col = np.mgrid[:14, :14]
    image[..., 0] = np.tile(row, (376, 541))
    image[..., 1] = np.tile(col, (376, 541))
    # Coding a PNG of 40 megapixels would take most of this file's time.
    monkeypatch.setattr(light_field, "read_view", lambda path: image)
    views = flower.read_views(tmp_path / "a_eslf.png")
    assert len(views) == 64
    for number, view in enumerate(views):
        assert view.shape == (320, 512, 3)
        expected = (3 + number // 8, 3 + number % 8, 0)
        assert (view == expected).all()


def test_paper_splits():
    scenes = [
        light_field.Scene(str(n), 8, 8, list) for n in range(flower.COUNT)
    ]
    splits = flower.split(scenes, None)
    assert [len(splits[s]) for s in ("train", "test")] == [3243, 100]
    with pytest.raises(FileNotFoundError, match=r"3343.*3342"):
        flower.split(scenes[1:], "DIR")


@pytest.mark.parametrize("module", [flower, lfvideo])
def test_whole_image_rejects(tmp_path, rng, module):
    _save(tmp_path / "a.png", _views(rng, 1)[0])
    with pytest.raises(ValueError, match=r"a.png.*6.*10"):
        module.read_views(tmp_path / "a.png")


def test_lfvideo_reads_a_grid(tmp_path):
    image = np.zeros((8 * 320, 8 * 514, 3), np.uint8)
    image[320:640, 2 * 514 : 3 * 514] = 200
    _save(tmp_path / "a.png", image)
    views = lfvideo.read_views(tmp_path / "a.png")
    assert [int(v.max()) for v in views] == [200 * (n == 10) for n in range(64)]
    assert views[10].shape == (320, 512, 3)
