"""Runs that train in a second: a small network and pictures made up here."""

import dataclasses
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_network import build_small_model

from crossnet_tf import config
from crossnet_tf.pairs import crops, datasets, order
from crossnet_tf.pairs.pair import Pair
from crossnet_tf.storage import checkpoints, runs


def small_config(**train) -> config.Config:
    """Four steps, each with something due."""
    settings = {
        "num_steps": 4,
        "learning_rate": 1e-3,
        "log_every": 2,
        "picture_every": 4,
        "eval_every": 2,
        "checkpoint_every": 2,
        "schedule": "cosine",
    }
    return config.Config(
        model=config.model_config("paper", flow_width=8, width=8),
        data=config.DataConfig(batch_size=4, crop_height=32, crop_width=48),
        train=config.TrainConfig(**{**settings, **train}),
    )


def _picture(seed: int) -> np.ndarray:
    y, x = np.mgrid[:32, :48].astype(np.float32)[..., None] / 8.0
    phase = np.array([0.0, 1.0, 2.0], np.float32) + seed
    return np.float32(0.5 + 0.4 * np.sin(x + phase) * np.cos(y - phase))


def _lr(hr: np.ndarray, scale: int) -> np.ndarray:
    height, width, _ = hr.shape
    shape = height // scale, scale, width // scale, scale, 3
    return hr.reshape(shape).mean((1, 3))


def train_dataset(
    data, scale, seed, with_flow=False, flow_optional=False, place=None
) -> tf.data.Dataset:
    """Stands in for `crops.train_dataset`: shifted sine waves."""

    def make(number):
        index = order.shuffled(number, 16, seed)
        element = {"lr": lr[index], "ref": ref[index]}, hr[index]
        flow = tf.ones([32, 48, 3]) * tf.constant([-1.0, 0.0, 1.0])
        return (*element, flow) if with_flow else element

    images = [_picture(number) for number in range(16)]
    lr = tf.constant(np.stack([_lr(image, scale) for image in images]))
    hr = tf.constant(np.stack(images))
    ref = tf.roll(hr, 1, axis=2)
    place = place or order.Place()
    local_batch = data.batch_size // place.num_workers
    samples = tf.data.Dataset.counter(place.first).map(make)
    batches = samples.batch(local_batch, drop_remainder=True)
    return batches.shard(place.num_workers, place.worker)


def test_pairs(data, settings, scale, problems=None):
    """Stands in for `datasets.test_pairs`: one pair."""
    hr = _picture(100)
    pair = Pair("wave", "", _lr(hr, scale), np.roll(hr, 1, 1), hr)
    return iter([pair])


def use_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the small network and the made-up pictures in place."""
    monkeypatch.setattr(runs, "build_model", build_small_model)
    monkeypatch.setattr(crops, "train_dataset", train_dataset)
    monkeypatch.setattr(datasets, "test_pairs", test_pairs)
    monkeypatch.setattr(datasets, "count_pairs", lambda data, settings: 1)


def make_run(run_dir: pathlib.Path, seed: int = 0, **model) -> config.Config:
    """A run directory with the weights of an untrained small network."""
    settings = small_config()
    settings = dataclasses.replace(
        settings, model=dataclasses.replace(settings.model, **model)
    )
    runs.save_config(settings, run_dir)
    keras.utils.set_random_seed(seed)
    state = {"model": build_small_model(settings.model)}
    checkpoints.Checkpoints(run_dir, 1, state).save(1)
    return settings
