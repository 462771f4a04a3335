"""`warps:PATH`: training pairs out of photographs."""

import dataclasses

import numpy as np
import PIL.Image
import pytest

from crossnet_tf import config as config_lib
from crossnet_tf.pairs import crops, datasets, warps


@pytest.fixture
def photographs(tmp_path):
    random = np.random.default_rng(0)
    for name, size in (("a.png", (99, 90)), ("sub/b.jpg", (90, 96))):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        picture = random.integers(0, 256, (*size, 3), np.uint8)
        PIL.Image.fromarray(picture).save(path)
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def _data(folder, **changes) -> config_lib.DataConfig:
    return config_lib.DataConfig(
        dataset=f"warps:{folder}",
        **{
            "batch_size": 2,
            "crop_height": 32,
            "crop_width": 48,
            "motion": 4.0,
            "flip": True,
            "turn": True,
            "random_crop": True,
            **changes,
        },
    )


@pytest.mark.parametrize("cuts", [1, 2])
def test_batches_agree_between_runs(photographs, cuts):
    data = _data(photographs, pairs_per_scene=cuts)

    def take():
        dataset = crops.train_dataset(data, 4, 7, with_flow=True)
        return list(dataset.take(2).as_numpy_iterator())

    first, second = take(), take()
    inputs, hr, flow = first[0]
    assert inputs["lr"].shape == (2, 8, 12, 3)
    assert inputs["ref"].shape == hr.shape == flow.shape == (2, 32, 48, 3)
    assert 0 < np.abs(flow[..., :2]).max() < 8
    assert 0 < flow[..., 2].mean() <= 1
    np.testing.assert_array_equal(hr, second[0][1])
    assert np.abs(hr - first[1][1]).max() > 0.01


def test_motion_grows_golden(photographs):
    data = _data(photographs, first_motion=1.0, motion_pairs=10)
    dataset = warps.Warps(data.dataset, data)
    grown = [float(dataset._motion_of(number)) for number in (0, 5, 10, 99)]
    np.testing.assert_allclose(grown, [1.0, 2.5, 4.0, 4.0])
    fixed = dataclasses.replace(data, motion_pairs=0)
    assert float(warps.Warps(data.dataset, fixed)._motion_of(0)) == 4.0


def test_small_photographs_are_left_out(photographs):
    PIL.Image.new("RGB", (20, 20)).save(photographs / "small.png")
    data = _data(photographs)
    dataset = warps.Warps(data.dataset, data)
    dataset.sizes()
    assert {path.name for path in dataset._paths} == {"a.png", "b.jpg"}


def test_folder_rejects(tmp_path):
    with pytest.raises(FileNotFoundError, match="must be a folder of photo"):
        warps.Warps(f"warps:{tmp_path}/none", _data(tmp_path))
    with pytest.raises(FileNotFoundError, match="which has none"):
        warps.Warps(f"warps:{tmp_path}", _data(tmp_path))
    PIL.Image.new("RGB", (20, 20)).save(tmp_path / "small.png")
    with pytest.raises(ValueError, match="at least 60 x 60 pixels"):
        crops.train_dataset(_data(tmp_path), 4, 0, with_flow=True)


def test_measuring_rejects(photographs):
    data = _data(photographs)
    with pytest.raises(ValueError, match="`eval_dataset`"):
        next(datasets.test_pairs(data, config_lib.EvalConfig(), 4))
    assert datasets.count_pairs(data, config_lib.EvalConfig()) == 0
