"""Training on several data sets at once."""

import numpy as np
import pytest
import tiny_light_fields as tiny

from crossnet_tf import config as config_lib
from crossnet_tf import images
from crossnet_tf.pairs import crops


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs")
    grey = np.full((40, 56, 3), 0.5, np.float32)
    for kind in ("hr", "ref"):
        (path / kind).mkdir()
        images.write_image(path / kind / "a.png", grey)
    return path


@pytest.fixture(scope="module")
def prepared_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("prepared")
    tiny.prepare(path)
    return str(path)


def _data(folder, prepared_dir, **changes):
    settings = {
        "dataset": f"synthetic_lf/tiny, folder:{folder}",
        "data_dir": prepared_dir,
        "batch_size": 1,
        "crop_height": 32,
        "crop_width": 48,
        "shuffle_buffer": 2,
        "color_jitter": False,
        **changes,
    }
    return config_lib.DataConfig(**settings)


def _from_folder(dataset, count):
    """Which of the elements are of the evenly grey folder."""
    grey = []
    for _, hr, *flow in dataset.take(count).as_numpy_iterator():
        even = np.ptp(hr) == 0.0
        if flow:
            assert flow[0][..., 2].any() != even
        grey.append(even)
    return grey


def test_mix_has_the_shares(folder, prepared_dir):
    data = _data(folder, prepared_dir, mix=(1.0, 3.0))
    grey = _from_folder(crops.train_dataset(data, 4, seed=0), 60)
    assert 33 <= sum(grey) <= 55


def test_mix_flow_has_no_weight_where_unknown(folder, prepared_dir):
    data = _data(folder, prepared_dir)
    dataset = crops.train_dataset(data, 4, seed=0, with_flow=True)
    grey = _from_folder(dataset, 20)
    assert 0 < sum(grey) < 20


def test_mix_rejects(folder, prepared_dir):
    data = _data(folder, prepared_dir, mix=(1.0,))
    with pytest.raises(ValueError, match=r"`mix`.*\(1.0,\)"):
        crops.train_dataset(data, 4, seed=0)
