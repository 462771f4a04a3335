"""The optimiser and its learning rate over the steps.

Adam as in the paper (0.9, 0.999), AdamW with weight decay. `mixed_float16`
alone needs the loss scaled, because its small gradients vanish: the paper's
loss is a sum over pixels, so that its gradients are large to begin with, and
the scale finds its level within a few skipped steps.
"""

import math
from typing import Any

import keras
import tensorflow as tf

from crossnet_tf.config import TrainConfig
from crossnet_tf.ops import fused_adam
from crossnet_tf.training.phases import Phase, phases_of

_COSINE_END = 0.01


@keras.saving.register_keras_serializable("crossnet_tf")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate: linear warm-up, then steps or a cosine, in each phase.

    With `s` of a phase's `n` steps done (a run without phases is one), the
    rate is `learning_rate` times the phase's factor times

        (s + 1) / warmup_steps                       while s < warmup_steps
        decay_factors[i]                             `step`, from decay_steps[i]
        0.01 + 0.99 * (1 + cos(pi * s / n)) / 2      `cosine`

    where `decay_steps` count from the run's beginning.

    Args:
        config: gives all of these numbers.
    """

    def __init__(self, config: TrainConfig):
        self.config = config

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        step = tf.cast(step, tf.float32)
        rate = tf.constant(0.0)
        for phase in phases_of(self.config):
            here = self._within(phase, step)
            rate = tf.where(step >= phase.begin, here, rate)
        return rate

    def _within(self, phase: Phase, step: tf.Tensor) -> tf.Tensor:
        """The rate if `step` lies in the phase."""
        config, done = self.config, step - phase.begin
        if config.schedule == "cosine":
            progress = tf.minimum(done / (phase.end - phase.begin), 1.0)
            wave = 0.5 + 0.5 * tf.cos(math.pi * progress)
            factor = _COSINE_END + (1.0 - _COSINE_END) * wave
        else:
            factor = tf.constant(1.0)
            drops = zip(config.decay_steps, config.decay_factors, strict=True)
            for decay_step, decay_factor in drops:
                factor = tf.where(step >= decay_step, decay_factor, factor)
        if config.warmup_steps:
            factor = tf.where(
                done < config.warmup_steps,
                (done + 1.0) / config.warmup_steps,
                factor,
            )
        return config.learning_rate * phase.factor * factor

    def get_config(self) -> dict:
        """The numbers that the rate is made from."""
        names = self.config.__dataclass_fields__
        return {"config": {n: getattr(self.config, n) for n in names}}

    @classmethod
    def from_config(cls, config: dict) -> "Schedule":
        """The inverse of `get_config`."""
        return cls(TrainConfig(**config["config"]))


class _SummedBefore:
    """Takes gradients that are summed over devices; Keras would do it again."""

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        return grads_and_vars


class _Adam(_SummedBefore, fused_adam.Adam):
    """Adam."""


class _AdamW(_SummedBefore, fused_adam.AdamW):
    """Adam with weight decay."""


def make_optimizer(config: TrainConfig) -> keras.optimizers.Optimizer:
    """Adam, or AdamW if there is weight decay, with the run's schedule.

    Args:
        config: the run's settings; `precision` decides on loss scaling.

    Returns:
        An optimiser that has no variables yet. It takes gradients that are
        summed over all devices.
    """
    if config.weight_decay:
        optimizer = _AdamW(Schedule(config), weight_decay=config.weight_decay)
    else:
        optimizer = _Adam(Schedule(config))
    if config.precision == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer
