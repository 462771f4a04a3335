"""Batches depend on the seed and a number: a run may stop at any of them."""

import itertools

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
import tiny_light_fields as tiny

from crossnet_tf import config as config_lib
from crossnet_tf.pairs import crops, order

DEALT = pytest.mark.parametrize("kind", ["views of some scenes", "mix"])
BEGIN = order.Place()
KINDS = {
    "views": {"dataset": "synthetic_lf/tiny"},
    "views of some scenes": {
        "dataset": "synthetic_lf/tiny",
        "pairs_per_scene": 2,
        "shuffle_buffer": 5,
    },
    "folder": {"dataset": "folder:{folder}"},
    "folder, several crops": {
        "dataset": "folder:{folder}",
        "pairs_per_scene": 2,
    },
    "stereo pair": {"dataset": "motorcycle", "pairs_per_scene": 2},
    "photographs": {
        "dataset": "warps:{folder}",
        "crop_height": 16,
        "crop_width": 16,
        "motion": 4.0,
        "motion_pairs": 20,
    },
    "mix": {
        "dataset": "synthetic_lf/tiny,motorcycle,folder:{folder}",
        "mix": (1, 2, 3),
    },
}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Where prepared data and a folder of pictures are."""
    prepared = tmp_path_factory.mktemp("prepared")
    tiny.prepare(prepared)
    folder = tmp_path_factory.mktemp("pairs")
    generator = np.random.default_rng(0)
    for kind in ("hr", "ref"):
        (folder / kind).mkdir()
        for name in "abcde":
            pixels = generator.integers(256, size=[40, 56, 3], dtype=np.uint8)
            PIL.Image.fromarray(pixels).save(folder / kind / f"{name}.png")
    return prepared, folder


def _data(places, kind, **changes):
    prepared, folder = places
    settings = {
        "data_dir": str(prepared),
        "batch_size": 4,
        "crop_height": 32,
        "crop_width": 48,
        "shuffle_buffer": 4,
        "random_crop": True,
        "color_jitter": False,
        **KINDS[kind],
        **changes,
    }
    settings["dataset"] = settings["dataset"].format(folder=folder)
    return config_lib.DataConfig(**settings)


def _samples(data, count, place=BEGIN) -> np.ndarray:
    """HR and REF of the first samples, in order."""
    batches = crops.train_dataset(data, 4, seed=6, place=place)
    local = data.batch_size // place.num_workers
    return np.concatenate(
        [
            np.stack([hr, inputs["ref"]], axis=1)
            for inputs, hr in batches.take(-(-count // local))
        ]
    )[:count]


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        *((kind, [1, 2, 1]) for kind in KINDS),
        *(
            pytest.param(
                kind, [1, 2, 1, 3, 1, 1, 2, 1, 1, 2, 1], marks=pytest.mark.slow
            )
            for kind in KINDS
        ),
    ],
)
def test_chain_of_restores_is_one_unbroken_run(places, kind, steps):
    data = _data(places, kind)
    whole = _samples(data, 4 * sum(steps))
    begin = 0
    for count in steps:
        size = 4 * count
        found = _samples(data, size, order.Place(first=begin))
        np.testing.assert_array_equal(found, whole[begin : begin + size])
        begin += size
    # Nothing repeats itself, so that the above says something.
    assert len({sample.tobytes() for sample in whole}) == len(whole)


@DEALT
def test_other_batch_sizes_have_the_same_samples(places, kind):
    whole = _samples(_data(places, kind), 16)
    begin = 0
    for batch_size in (3, 5):
        data = _data(places, kind, batch_size=batch_size)
        found = _samples(data, 2 * batch_size, order.Place(first=begin))
        expected = whole[begin : begin + 2 * batch_size]
        np.testing.assert_array_equal(found, expected)
        begin += 2 * batch_size


@DEALT
def test_workers_share_the_batches_of_one(places, kind):
    data, first = _data(places, kind), 5
    whole = _samples(data, 12, order.Place(first))
    shares = [
        _samples(data, 6, order.Place(first, worker, 2)) for worker in range(2)
    ]
    pairs = zip(*(np.split(share, 3) for share in shares), strict=True)
    found = np.concatenate(list(itertools.chain.from_iterable(pairs)))
    np.testing.assert_array_equal(found, whole)


@pytest.mark.parametrize("count", [1, 2, 3, 24, 100])
def test_everything_comes_once_per_round(count):
    numbers = tf.range(3 * count, dtype=tf.int64)
    drawn = tf.map_fn(lambda n: order.shuffled(n, count, 3), numbers)
    rounds = drawn.numpy().reshape(3, count)
    for one in rounds:
        assert sorted(one) == list(range(count))
    if count > 3:
        assert (rounds[0] != rounds[1]).any()
        assert (rounds[1] != rounds[2]).any()


def test_far_places_of_a_mix_agree(monkeypatch):
    """Over the borders of what is drawn at once."""
    monkeypatch.setattr(order, "_CHUNK", 16)
    shares = [0.25, 0.0, 0.75]
    whole = order.Plan(shares, 1, 2, order.Place())
    parts = list(whole.parts().take(100).as_numpy_iterator())
    assert set(parts) == {0, 2}
    assert 60 <= parts.count(2) <= 90
    for first in (0, 15, 16, 33, 80):
        plan = order.Plan(shares, 1, 2, order.Place(first))
        later = list(plan.parts().take(20).as_numpy_iterator())
        assert later == parts[first : first + 20]
        for part in range(3):
            assert plan.first(part) == parts[:first].count(part)
