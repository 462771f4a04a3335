"""One training step, on any number of devices, that never takes a bad step.

`TrainStep` runs some steps inside one call of a graph, so that small networks
on fast devices do not wait for Python. A step is two rounds over the devices:
gradients first, the update second, and the update only if loss and gradients
are finite on all of them. The check stays on the device; the loop ends at the
first step that is not finite, with the weights of the step before.

Each device takes its share of the same global batch, and the loss is divided
by the global batch, so that the number of devices changes nothing but speed.
"""

import dataclasses
from collections.abc import Iterator

import keras
import tensorflow as tf

from crossnet_tf.config import Config
from crossnet_tf.model.base import System
from crossnet_tf.ops.recomputation import recomputing
from crossnet_tf.training import phases
from crossnet_tf.training.objective import Objective

_SMALLEST_SCALE = 2.0**-20


@dataclasses.dataclass(frozen=True)
class Parts:
    """What a step works on; all made under `strategy.scope()`.

    Attributes:
        model: the network.
        optimizer: built for the model's weights.
        average: a second network for averaged weights, or None.
        step: int64 variable: steps done.
    """

    model: System
    optimizer: keras.optimizers.Optimizer
    average: System | None
    step: tf.Variable


class TrainStep:
    """Callable that trains for some steps.

    Args:
        config: the run's settings; `data.batch_size` is the global batch.
        parts: network, optimiser, averaged weights, step counter.
        strategy: the devices.
        local_batch: samples per call of the iterator in this process.
    """

    def __init__(
        self,
        config: Config,
        parts: Parts,
        strategy: tf.distribute.Strategy,
        local_batch: int,
    ):
        self._config = config
        self._parts = parts
        self._objective = Objective(config, parts.model)
        self._strategy = strategy
        self._local_batch = local_batch
        self._phases = {
            phase.name: phases.learning(parts.model, phase.name)
            for phase in phases.phases_of(config.train)
        }

    @tf.function
    def __call__(
        self,
        iterator: Iterator,
        num_steps: tf.Tensor,
        teach: bool,
        phase: str = "all",
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Trains for `num_steps` steps, or up to one that is not finite.

        Args:
            iterator: over what `pipeline.train_dataset` yields.
            num_steps: int32 scalar, at least 1.
            teach: whether the warping and flow losses take part.
            phase: what learns, one of the run's `phases`.

        Returns:
            Whether all steps were finite, and scalars: `loss` (total),
            `charbonnier`, `warping`, `flow` (end-point error in pixels),
            `flow_loss`, `psnr` (of the batch, in dB) and `gradient_norm`,
            each the mean over the steps taken, a bad one included. Phases
            on flow alone have only `loss`, `flow` and `gradient_norm`.
        """
        finite, count = tf.constant(True), tf.constant(0)
        totals = {
            name: tf.constant(0.0)
            for name in self._objective.names(phase, teach)
        }
        while finite and count < num_steps:
            finite, scalars = self._one(iterator, teach, phase)
            totals = {n: totals[n] + scalars[n] for n in totals}
            count += 1
        means = {n: t / tf.cast(count, tf.float32) for n, t in totals.items()}
        return finite, means

    def _one(
        self, iterator: Iterator, teach: bool, phase: str
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        strategy = self._strategy
        batch = next(iterator)
        gradients, scalars = strategy.run(
            self._gradients, args=(batch, teach, phase)
        )
        # They are the same on all devices.
        scalars = {
            name: strategy.experimental_local_results(value)[0]
            for name, value in scalars.items()
        }
        finite = self._is_finite(scalars)
        if finite:
            strategy.run(self._update, args=(gradients, phase))
            self._average()
            self._parts.step.assign_add(1)
        return finite, scalars

    def _gradients(
        self, batch: tuple, teach: bool, phase: str
    ) -> tuple[list[tf.Tensor], dict[str, tf.Tensor]]:
        """On each device: gradients and scalars, summed over all of them.

        Clipping and loss scaling need the whole gradient; and an update that
        waits for no other device is never half done when one is lost.
        """
        gradients, scalars = self._sums(self._share(batch), teach, phase)
        if self._strategy.num_replicas_in_sync > 1:
            context = tf.distribute.get_replica_context()
            values = tf.stack(list(scalars.values()))
            *gradients, values = context.all_reduce("SUM", [*gradients, values])
            scalars = dict(zip(scalars, tf.unstack(values)))
        scalars["gradient_norm"] = tf.linalg.global_norm(gradients)
        return gradients, scalars

    def _sums(
        self, batch: tuple, teach: bool, phase: str
    ) -> tuple[list[tf.Tensor], dict[str, tf.Tensor]]:
        """Of this device's samples, in as many parts as the settings say."""
        count = self._config.train.grad_accumulation
        if count == 1:
            return self._part(batch, teach, phase)
        parts = tf.nest.map_structure(
            lambda tensor: tf.reshape(
                tensor,
                [count, tensor.shape[0] // count, *tensor.shape[1:]],
            ),
            batch,
        )
        names = self._objective.names(phase, teach)
        names.remove("gradient_norm")

        def add(index: tf.Tensor, sums: list, totals: dict) -> tuple:
            part = tf.nest.map_structure(lambda tensor: tensor[index], parts)
            gradients, scalars = self._part(part, teach, phase)
            sums = [a + b for a, b in zip(sums, gradients, strict=True)]
            return index + 1, sums, {n: totals[n] + scalars[n] for n in names}

        zeros = [
            tf.zeros(weight.shape, weight.dtype)
            for weight in self._phases[phase]
        ]
        _, sums, totals = tf.while_loop(
            lambda index, *_: index < count,
            add,
            (tf.constant(0), zeros, dict.fromkeys(names, tf.constant(0.0))),
            parallel_iterations=1,  # Side by side they would need it all.
        )
        return sums, totals

    def _part(
        self, batch: tuple, teach: bool, phase: str
    ) -> tuple[list[tf.Tensor], dict[str, tf.Tensor]]:
        """Gradients and scalars of some samples."""
        parts = self._parts
        recompute = self._config.train.recompute
        with tf.GradientTape() as tape, recomputing(recompute):
            scalars = self._objective(batch, phase, teach, parts.step)
            loss = parts.optimizer.scale_loss(scalars["loss"])
        gradients = tape.gradient(
            loss,
            [weight.value for weight in self._phases[phase]],
            # Parts that learn only from losses that are off stand still.
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        return gradients, scalars

    def _share(self, batch: tuple) -> tuple:
        """This device's samples of the process's batch."""
        replicas = self._strategy.num_replicas_in_sync
        share = self._config.data.batch_size // replicas
        if share == self._local_batch:
            return batch
        context = tf.distribute.get_replica_context()
        index = context.replica_id_in_sync_group % (self._local_batch // share)
        with tf.device("/cpu:0"):
            return tf.nest.map_structure(
                lambda tensor: tf.ensure_shape(
                    tensor[index * share : (index + 1) * share],
                    [share, *tensor.shape[1:]],
                ),
                batch,
            )

    def _is_finite(self, scalars: dict[str, tf.Tensor]) -> tf.Tensor:
        finite = tf.math.is_finite(scalars["loss"])
        optimizer = self._parts.optimizer
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            # It skips steps whose scaled gradients overflow, on purpose; a
            # scale that has sunk to nothing says that no scale helps.
            return finite & (optimizer.dynamic_scale > _SMALLEST_SCALE)
        return finite & tf.math.is_finite(scalars["gradient_norm"])

    def _update(self, gradients: list[tf.Tensor], phase: str) -> None:
        """On each device, alike."""
        parts = self._parts
        if clip_norm := self._config.train.clip_norm:
            limit = parts.optimizer.scale_loss(clip_norm)
            gradients, _ = tf.clip_by_global_norm(gradients, limit)
        parts.optimizer.apply(gradients, self._phases[phase])

    def _average(self) -> None:
        parts = self._parts
        if parts.average is None:
            return
        done = tf.cast(parts.step, tf.float32)
        # Starts as a plain mean, so that the first weights soon fade.
        decay = tf.minimum(
            self._config.train.ema_decay, (1.0 + done) / (10.0 + done)
        )
        pairs = zip(parts.average.weights, parts.model.weights, strict=True)
        for average, weight in pairs:
            self._strategy.extended.update(
                average.value,
                lambda a, w: a.assign_sub((1.0 - decay) * (a - w)),
                args=(weight.value,),
                group=False,
            )
