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
from crossnet_tf.ops import losses
from crossnet_tf.training import phases
from crossnet_tf.training.teacher import complete_flow

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
        self._strategy = strategy
        self._local_batch = local_batch
        self._phases = {
            phase.name: phases.learning(parts.model, phase.name)
            for phase in phases.phases_of(config.train)
        }
        # One all-reduce before clipping and loss scaling, which both need
        # the whole gradient on each device.
        self._reduce_first = strategy.num_replicas_in_sync > 1 and (
            config.train.clip_norm > 0
            or config.train.precision == "mixed_float16"
        )

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
        totals = {name: tf.constant(0.0) for name in self._names(teach, phase)}
        while finite and count < num_steps:
            finite, scalars = self._one(iterator, teach, phase)
            totals = {n: totals[n] + scalars[n] for n in totals}
            count += 1
        means = {n: t / tf.cast(count, tf.float32) for n, t in totals.items()}
        return finite, means

    def _names(self, teach: bool, phase: str) -> list[str]:
        train = self._config.train
        if phase in phases.FINEST_LEVEL:
            return ["loss", "flow", "gradient_norm"]
        names = ["loss", "charbonnier", "psnr", "gradient_norm"]
        if train.upsampler_loss_weight:
            names.append("upsampler")
        if teach and train.warp_loss_weight:
            names.append("warping")
        if teach and train.flow_loss_weight:
            names += ["flow", "flow_loss"]
        return names

    def _one(
        self, iterator: Iterator, teach: bool, phase: str
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        strategy = self._strategy
        batch = next(iterator)
        gradients, shares = strategy.run(
            self._gradients, args=(batch, teach, phase)
        )
        scalars = {
            name: strategy.reduce("SUM", share, axis=None)
            for name, share in shares.items()
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
        """On each device: gradients and this device's share of the scalars."""
        parts = self._parts
        with tf.GradientTape() as tape:
            share = self._share(batch)
            if phase in phases.FINEST_LEVEL:
                scalars = self._flow_losses(share, phases.FINEST_LEVEL[phase])
            else:
                scalars = self._losses(share, teach)
            loss = parts.optimizer.scale_loss(scalars["loss"])
        gradients = tape.gradient(
            loss,
            [weight.value for weight in self._phases[phase]],
            # Parts that learn only from losses that are off stand still.
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        if self._reduce_first:
            context = tf.distribute.get_replica_context()
            gradients = context.all_reduce("SUM", gradients)
        norm = tf.linalg.global_norm(gradients)
        scalars["gradient_norm"] = norm / self._strategy.num_replicas_in_sync
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

    def _losses(self, batch: tuple, teach: bool) -> dict[str, tf.Tensor]:
        inputs, hr = batch[:2]
        train = self._config.train
        outputs = self._parts.model(inputs, training=True)
        final = list(enumerate(outputs["flows"]))
        flows = final + outputs["earlier"]
        per_sample = {"charbonnier": losses.charbonnier(outputs["sr"], hr)}
        loss = self._parts.model.objective(
            inputs, outputs, hr, self._progress()
        )
        if train.upsampler_loss_weight:
            per_sample["upsampler"] = losses.charbonnier(outputs["lr_up"], hr)
            loss += train.upsampler_loss_weight * per_sample["upsampler"]
        if teach and train.warp_loss_weight:
            warping = losses.warping_loss(flows, inputs["ref"], hr)
            per_sample["warping"] = warping
            loss += self._fade() * train.warp_loss_weight * warping
        if teach and train.flow_loss_weight:
            true_flow = self._true_flow(batch)
            per_sample["flow"] = _error(final[0], true_flow)
            per_sample["flow_loss"] = self._flow_loss(flows, true_flow)
            weight = self._fade() * train.flow_loss_weight
            loss += weight * per_sample["flow_loss"]
        per_sample["loss"] = loss
        clipped = tf.clip_by_value(outputs["sr"], 0.0, 1.0)
        per_sample["psnr"] = tf.image.psnr(clipped, hr, max_val=1.0)
        return self._means(per_sample)

    def _flow_losses(self, batch: tuple, finest: int) -> dict[str, tf.Tensor]:
        """On flow alone: the loss, and the end-point error where finest."""
        flows = self._parts.model.estimate_flows(batch[0], finest)
        true_flow = self._true_flow(batch)
        loss = self._flow_loss(flows, true_flow)
        weight = self._config.train.flow_loss_weight
        error = _error(flows[-1], true_flow)
        return self._means({"loss": weight * loss, "flow": error})

    def _true_flow(self, batch: tuple) -> tf.Tensor:
        inputs, hr, flow = batch
        if self._config.train.flow_from_hr:
            return complete_flow(flow, hr, inputs["ref"])
        return flow

    def _flow_loss(
        self, flows: losses.Flows, true_flow: tf.Tensor
    ) -> tf.Tensor:
        if self._config.train.flow_penalty == "end_point":
            return losses.end_point_loss(flows, true_flow)
        return losses.flow_loss(flows, true_flow)

    def _means(self, per_sample: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        size = self._config.data.batch_size
        return {n: tf.reduce_sum(v) / size for n, v in per_sample.items()}

    def _progress(self) -> tf.Tensor:
        """Share of the steps that are done."""
        done = tf.cast(self._parts.step, tf.float32)
        return done / self._config.train.num_steps

    def _fade(self) -> tf.Tensor:
        steps = self._config.train.auxiliary_steps
        if not steps:
            return tf.constant(1.0)
        done = tf.cast(self._parts.step, tf.float32)
        return tf.maximum(0.0, 1.0 - done / steps)

    def _is_finite(self, scalars: dict[str, tf.Tensor]) -> tf.Tensor:
        finite = tf.math.is_finite(scalars["loss"])
        optimizer = self._parts.optimizer
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            # It skips steps whose scaled gradients overflow, on purpose; a
            # scale that has sunk to nothing says that no scale helps.
            return finite & (optimizer.dynamic_scale > _SMALLEST_SCALE)
        return finite & tf.math.is_finite(scalars["gradient_norm"])

    def _update(self, gradients: list[tf.Tensor], phase: str) -> None:
        """On each device; Keras sums the gradients over devices."""
        parts = self._parts
        if clip_norm := self._config.train.clip_norm:
            limit = parts.optimizer.scale_loss(clip_norm)
            gradients, _ = tf.clip_by_global_norm(gradients, limit)
        if self._reduce_first:
            replicas = self._strategy.num_replicas_in_sync
            gradients = [gradient / replicas for gradient in gradients]
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


def _error(flow: tuple[int, tf.Tensor], true_flow: tf.Tensor) -> tf.Tensor:
    """Mean end-point error per sample, in full-size pixels."""
    error = losses.end_point_error([flow], true_flow)
    known = tf.reduce_sum(true_flow[..., 2], axis=[1, 2])
    return error / tf.maximum(known, 1.0)
