"""The learning rate over the steps, by hand, and which optimiser it is."""

import keras
import numpy as np
import pytest

from crossnet_tf.config import TrainConfig
from crossnet_tf.training.optimizer import Schedule, make_optimizer


def _rates(steps, **settings):
    schedule = Schedule(TrainConfig(learning_rate=2.0, **settings))
    return [float(schedule(step)) for step in steps]


def test_steps_by_hand():
    rates = _rates(
        [0, 9, 10, 19, 20, 1000],
        decay_steps=(10, 20),
        decay_factors=(0.5, 0.1),
    )
    np.testing.assert_allclose(rates, [2, 2, 1, 1, 0.2, 0.2], rtol=1e-6)


def test_paper_schedule():
    rates = _rates([149_999, 150_000, 199_999])
    np.testing.assert_allclose(rates, [2, 0.2, 0.2], rtol=1e-6)


def test_cosine_by_hand():
    rates = _rates([0, 50, 100, 150], schedule="cosine", num_steps=100)
    np.testing.assert_allclose(rates, [2, 1.01, 0.02, 0.02], rtol=1e-5)


def test_warmup_by_hand():
    rates = _rates([0, 1, 3, 4], warmup_steps=4)
    np.testing.assert_allclose(rates, [0.5, 1, 2, 2], rtol=1e-6)


def test_schedule_roundtrip():
    schedule = Schedule(TrainConfig(decay_steps=(3,), warmup_steps=2))
    copy = keras.optimizers.schedules.deserialize(
        keras.optimizers.schedules.serialize(schedule)
    )
    assert [float(copy(s)) for s in range(5)] == [
        float(schedule(s)) for s in range(5)
    ]


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, keras.optimizers.Adam),
        ({"weight_decay": 0.1}, keras.optimizers.AdamW),
        ({"precision": "mixed_bfloat16"}, keras.optimizers.Adam),
        ({"precision": "mixed_float16"}, keras.optimizers.LossScaleOptimizer),
    ],
)
def test_optimizer_is_what_is_asked_for(settings, kind):
    optimizer = make_optimizer(TrainConfig(learning_rate=0.25, **settings))
    assert isinstance(optimizer, kind)
    is_decayed = isinstance(optimizer, keras.optimizers.AdamW)
    assert is_decayed == ("weight_decay" in settings)
    optimizer.build([keras.Variable([1.0])])
    assert float(optimizer.learning_rate) == 0.25
