"""Batches stay the same to the bit: the same seed draws the same crops.

Only what every processor computes alike goes into a hash: pixels that are
moved, not mixed, and draws of integers.
"""

import hashlib

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
import tiny_light_fields as tiny

from crossnet_tf import config as config_lib
from crossnet_tf.pairs import crops, datasets


def _data(dataset, data_dir="", **changes):
    settings = dict(
        dataset=dataset,
        data_dir=data_dir,
        batch_size=2,
        crop_height=32,
        crop_width=48,
        shuffle_buffer=4,
        color_jitter=False,
        random_crop=True,
        parallax_shift=5,
        flip=True,
        pairs_per_scene=2,
    )
    return config_lib.DataConfig(**{**settings, **changes})


def _hash(dataset, count) -> str:
    """Of HR, REF and flow of the first batches, as whole 8-bit pixels."""
    digest = hashlib.sha256()
    for inputs, *targets in dataset.take(count).as_numpy_iterator():
        for image in (inputs["ref"], targets[0]):
            digest.update(np.uint8(np.rint(255 * image)).tobytes())
        for flow in targets[1:]:
            digest.update(np.float32(flow).tobytes())
    return digest.hexdigest()[:16]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs")
    generator = np.random.default_rng(0)
    for kind in ("hr", "ref"):
        (path / kind).mkdir()
        for name, size in {"a": (40, 52), "b": (48, 48), "c": (52, 70)}.items():
            pixels = generator.integers(256, size=[*size, 3], dtype=np.uint8)
            PIL.Image.fromarray(pixels).save(path / kind / f"{name}.png")
    return f"folder:{path}"


def test_batches_of_a_folder_golden(folder):
    dataset = crops.train_dataset(_data(folder), 4, seed=3)
    assert _hash(dataset, 8) == "a1fbe5293862b49d"


@pytest.mark.parametrize(
    ("turn", "expected"),
    [(False, "6e115804b0218426"), (True, "0d77c257f2661a6d")],
)
def test_batches_of_the_stereo_pair_golden(turn, expected):
    data = _data("motorcycle", turn=turn)
    dataset = crops.train_dataset(data, 4, seed=3, with_flow=True)
    assert _hash(dataset, 8) == expected


def test_batches_of_a_mix_golden(folder):
    data = _data(f"motorcycle,{folder}", mix=(1, 2))
    dataset = crops.train_dataset(data, 4, seed=3)
    assert _hash(dataset, 8) == "f58dce02960e9417"


def test_order_of_view_pairs_golden(tmp_path):
    data = _data(tiny.prepare(tmp_path), str(tmp_path), shuffle_buffer=9)
    dataset = datasets.open_dataset(
        data.dataset, data, config_lib.EvalConfig(), 4
    )
    drawn = [
        (element["scene"].numpy().decode(), *element["step"].numpy().tolist())
        for element in dataset.elements(seed=3, with_flow=True).take(6)
    ]
    assert drawn == [
        ("train_0000", -3, -2),
        ("train_0001", -3, 1),
        ("train_0002", -1, 0),
        ("train_0000", -2, 0),
        ("train_0001", -1, 0),
        ("train_0002", 0, 1),
    ]


def test_draws_golden():
    """TensorFlow itself draws the same numbers from the same seed."""
    seed = tf.random.fold_in(tf.constant([3, 0], tf.int64), 1)
    drawn = tf.random.stateless_uniform([4], seed, 0, 100, tf.int32)
    assert drawn.numpy().tolist() == [98, 24, 99, 76]
