"""The training step on a real network."""

import dataclasses

import keras
import numpy as np
import pytest
import small_runs
import tensorflow as tf

from crossnet_tf import config as config_lib
from crossnet_tf.baselines.registry import build_model
from crossnet_tf.training import step

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")


def _train_one_step(preset: str = "lite", **train) -> dict[str, float]:
    """How far each weight of a tiny network moves in a step."""
    model_config = config_lib.model_config(preset, width=8, flow_width=8)
    settings = dataclasses.replace(
        small_runs.small_config(**train), model=model_config
    )
    model = build_model(model_config)
    optimizer = keras.optimizers.Adam(1e-2)
    optimizer.build(model.trainable_variables)
    parts = step.Parts(model, optimizer, None, tf.Variable(0, dtype=tf.int64))
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    batches = small_runs.train_dataset(
        settings.data, 4, 0, with_flow=settings.train.flow_loss_weight > 0
    )
    before = [weight.numpy() for weight in model.trainable_variables]
    take = step.TrainStep(settings, parts, strategy, settings.data.batch_size)
    finite, scalars = take(iter(batches), tf.constant(1), True)
    assert finite
    assert np.isfinite(scalars["loss"])
    return {
        weight.path: np.abs(weight.numpy() - old).max()
        for weight, old in zip(model.trainable_variables, before)
    }


@pytest.mark.usefixtures("op_by_op")
def test_parts_without_a_loss_stand_still():
    moves = _train_one_step()
    still = {path for path, move in moves.items() if move == 0}
    assert any("flow_estimator/correction" in path for path in still)
    assert not any("post_fusion" in path for path in still)


@pytest.mark.usefixtures("op_by_op")
@pytest.mark.parametrize("preset", ["lite", "quick"])
def test_flow_from_hr_teaches_every_part(preset):
    moves = _train_one_step(preset, flow_loss_weight=0.3, flow_from_hr=True)
    assert not {path for path, move in moves.items() if move == 0}


def _small_paper() -> keras.Model:
    """The same weights each time."""
    keras.utils.set_random_seed(3)
    return build_model(
        config_lib.model_config(
            "paper", width=8, flow_width=8, upsampler="bicubic"
        )
    )


def _weights_after_a_step(**train) -> dict[str, np.ndarray]:
    """By plain descent, so that each weight tells its gradient."""
    model = _small_paper()
    settings = dataclasses.replace(
        small_runs.small_config(**train), model=model.config
    )
    optimizer = keras.optimizers.SGD(1e-4)
    optimizer.build(model.trainable_variables)
    parts = step.Parts(model, optimizer, None, tf.Variable(0, dtype=tf.int64))
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    batches = small_runs.train_dataset(settings.data, model.config.scale, 0)
    take = step.TrainStep(settings, parts, strategy, settings.data.batch_size)
    finite, _ = take(iter(batches), tf.constant(1), False)
    assert finite
    return {weight.path: weight.numpy() for weight in model.weights}


def test_recomputing_in_parts_of_a_batch_gives_the_same_weights():
    plain = _weights_after_a_step()
    both = _weights_after_a_step(recompute=True, grad_accumulation=2)
    start = {w.path: w.numpy() for w in _small_paper().weights}
    assert set(plain) == set(both) == set(start)
    assert max(np.abs(plain[p] - start[p]).max() for p in start) > 1e-3
    for path, weight in plain.items():
        np.testing.assert_allclose(both[path], weight, atol=1e-5, err_msg=path)
