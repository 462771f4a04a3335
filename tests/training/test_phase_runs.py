"""A run in phases, whole: it changes phase, stops, goes on, hands on."""

import dataclasses
import pathlib

import numpy as np
import pytest
import small_runs
import tensorflow as tf

from crossnet_tf import config as config_lib
from crossnet_tf.pairs import crops, datasets
from crossnet_tf.storage import checkpoints, runs
from crossnet_tf.training import loop

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")
CPU = ("/cpu:0",)


@pytest.fixture(autouse=True)
def _small(monkeypatch, op_by_op):
    """Made-up pictures, and no graphs of three phases."""
    monkeypatch.setattr(crops, "train_dataset", small_runs.train_dataset)
    monkeypatch.setattr(datasets, "test_pairs", small_runs.test_pairs)
    monkeypatch.setattr(datasets, "count_pairs", lambda data, settings: 1)


def _settings(scale: int = 4, **train) -> config_lib.Config:
    small = small_runs.small_config(
        **{
            "start": "matching",
            "flow_loss_weight": 1.0,
            "picture_every": 100,
            "eval_every": 100,
            **train,
        }
    )
    return dataclasses.replace(
        small,
        model=config_lib.model_config(
            "crossnet",
            scale=scale,
            width=12,
            flow_width=16,
            upsampler_width=4,
            upsampler_blocks=1,
        ),
        data=dataclasses.replace(small.data, batch_size=1),
    )


def _weights(run_dir: pathlib.Path, step: int) -> dict[str, np.ndarray]:
    model = runs.build(runs.load_config(run_dir).model, "float32")
    path = str(run_dir / checkpoints.CHECKPOINTS / f"ckpt-{step}")
    kept = tf.train.Checkpoint(model=checkpoints._trackable(model))
    kept.read(path).expect_partial()
    return {w.path: w.numpy() for w in model.weights}


def _moved(one: dict, two: dict) -> set[str]:
    names = {n for n in one if not np.array_equal(one[n], two[n])}
    return {name.split("/")[1] for name in names}


def test_phases_follow_each_other(tmp_path):
    settings = _settings(
        phases=("coarse_flow", "picture", "all"),
        phase_steps=(2, 4),
        num_steps=6,
        checkpoint_every=2,
        keep_checkpoints=9,
    )
    assert loop.train(settings, tmp_path / "run", CPU).step == 6
    weights = [_weights(tmp_path / "run", step) for step in (2, 4, 6)]
    picture, everything = (_moved(weights[i], weights[i + 1]) for i in range(2))
    assert "flow_estimator" not in picture
    assert {"decoder", "post_fusion"} <= picture
    assert {"flow_estimator", "decoder"} <= everything


def test_another_scale_begins_with_parts(tmp_path):
    settings = _settings(phases=("picture",), num_steps=1, checkpoint_every=1)
    loop.train(settings, tmp_path / "x4", CPU)
    wanted = {
        "init_from": str(tmp_path / "x4"),
        "init_parts": ("flow_estimator", "decoder"),
        "learning_rate": 0.0,
        "num_steps": 1,
        "checkpoint_every": 1,
    }
    loop.train(_settings(scale=8, **wanted), tmp_path / "x8", CPU)
    first, second = _weights(tmp_path / "x4", 1), _weights(tmp_path / "x8", 1)
    for name, value in second.items():
        if name.split("/")[1] in wanted["init_parts"]:
            np.testing.assert_array_equal(value, first[name])
    whole = _settings(scale=8, **{**wanted, "init_parts": ()})
    with pytest.raises(ValueError, match="upsampler/tail/kernel"):
        loop.train(whole, tmp_path / "whole", CPU)
