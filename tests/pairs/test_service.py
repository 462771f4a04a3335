"""Crops that a data service makes are those that would be made here."""

import dataclasses
import socket
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tiny_light_fields as tiny
from ports import free_port

from crossnet_tf import config as config_lib
from crossnet_tf.pairs import crops, light_field_pairs, light_fields, order


@pytest.fixture(scope="module")
def addresses():
    """Two services, as their program runs them, which ends with 0."""
    found = [f"localhost:{free_port()}" for _ in range(2)]
    services = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "crossnet_tf.data_service"),
                f"--port={address.partition(':')[2]}",
                "--address=localhost",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for address in found
    ]
    said = [service.stdout.readline() for service in services]
    yield tuple(found)
    for service in services:
        service.terminate()
        service.stdout.close()
    assert [service.wait(timeout=20) for service in services] == [0, 0]
    for line, address in zip(said, found, strict=True):
        assert line == f"Serving crops: --data_service={address}\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Settings of a mix of data that TensorFlow reads by itself."""
    folder = tmp_path_factory.mktemp("prepared")
    tiny.prepare(folder)
    return config_lib.DataConfig(
        dataset="synthetic_lf/tiny,motorcycle",
        data_dir=str(folder),
        batch_size=4,
        crop_height=16,
        crop_width=24,
        random_crop=True,
        camera_mismatch=True,
        pairs_per_scene=2,
        shuffle_buffer=4,
    )


BEGIN = order.Place(3)


def _batches(data, place=BEGIN, count=3):
    dataset = crops.train_dataset(data, 4, 7, with_flow=True, place=place)
    return list(dataset.take(count).as_numpy_iterator())


def _assert_equal(one, two) -> None:
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(two), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("count", [1, 2])
def test_services_make_the_same_batches(addresses, data, count):
    there = dataclasses.replace(data, data_service=addresses[:count])
    _assert_equal(_batches(there), _batches(data))


def test_services_serve_each_worker_its_share(addresses, data):
    there = dataclasses.replace(
        data, data_service=tuple(f"grpc://{a}" for a in addresses)
    )
    for worker in range(2):
        place = order.Place(5, worker, 2)
        _assert_equal(_batches(there, place, 2), _batches(data, place, 2))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"dataset": "folder:x"}, ValueError, "must be empty for pictures"),
        ({"dataset": "motorcycle,warps:x"}, ValueError, "Python reads"),
        ({"data_service": ("a:1", "b:1", "c:1")}, ValueError, "services, 3,"),
        ({"data_service": ("nowhere",)}, ValueError, "must be HOST:PORT"),
        ({"data_service": ("a:99999",)}, ValueError, "must be HOST:PORT"),
    ],
)
def test_service_rejects(data, changes, error, message):
    settings = {"data_service": ("a:1",), **changes}
    with pytest.raises(error, match=message):
        crops.train_dataset(dataclasses.replace(data, **settings), 4, 0)


def test_service_that_is_not_there_is_named(data):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    settings = dataclasses.replace(data, data_service=(address,))
    with pytest.raises(OSError, match=f"answer at {address}; start it"):
        crops.train_dataset(settings, 4, 0)


def _spoil_all_but(monkeypatch, kept, pair) -> None:
    """Views that are no pictures, and the only pair that is drawn."""
    parse = light_field_pairs.parse

    def spoiled(*arguments):
        example = parse(*arguments)
        numbers = tf.range(tf.size(example["views"]))
        is_kept = tf.reduce_any(numbers[:, None] == tf.constant(kept), axis=1)
        example["views"] = tf.where(is_kept, example["views"], "no picture")
        return example

    monkeypatch.setattr(light_field_pairs, "parse", spoiled)
    monkeypatch.setattr(
        light_fields, "view_pairs", lambda *_: tf.constant([pair])
    )


def test_two_views_of_a_light_field_are_decoded_and_no_more(data, monkeypatch):
    """All others are no pictures at all, and nobody notices."""
    settings = dataclasses.replace(data, dataset="synthetic_lf/tiny")
    whole = crops.train_dataset(settings, 4, 0)
    with monkeypatch.context() as patch:
        patch.setattr(
            light_fields, "view_pairs", lambda *_: tf.constant([[2, 7]])
        )
        expected = list(crops.train_dataset(settings, 4, 0).take(3))
    _spoil_all_but(monkeypatch, (2, 7), [2, 7])
    found = list(crops.train_dataset(settings, 4, 0).take(3))
    _assert_equal(found, expected)
    assert (next(iter(whole))[1] != found[0][1]).numpy().any()
    monkeypatch.undo()
    _spoil_all_but(monkeypatch, (2, 7), [2, 5])
    with pytest.raises(tf.errors.InvalidArgumentError):
        list(crops.train_dataset(settings, 4, 0).take(1))
