"""What a step minimises, and what it reports, in each phase.

Phases on flow alone run only the flow estimator; the others the network,
with the losses that the settings ask for: the system's own, the upsampler's,
and, to teach the flow, warping and flow loss, which can fade out.
"""

import tensorflow as tf

from crossnet_tf.config import Config
from crossnet_tf.model.base import System
from crossnet_tf.ops import losses
from crossnet_tf.training.phases import FINEST_LEVEL
from crossnet_tf.training.teacher import complete_flow


class Objective:
    """Callable from a batch to scalars, `loss` among them.

    Args:
        config: the run's settings; `data.batch_size` is the global batch.
        model: the network.
    """

    def __init__(self, config: Config, model: System):
        self._config, self._model = config, model

    def names(self, phase: str, teach: bool) -> list[str]:
        """What a call returns, and `gradient_norm`."""
        if phase in FINEST_LEVEL:
            return ["loss", "flow", "gradient_norm"]
        train = self._config.train
        names = ["loss", "charbonnier", "psnr", "gradient_norm"]
        if train.upsampler_loss_weight:
            names.append("upsampler")
        if teach and train.warp_loss_weight:
            names.append("warping")
        if teach and train.flow_loss_weight:
            names += ["flow", "flow_loss"]
        return names

    def __call__(
        self, batch: tuple, phase: str, teach: bool, step: tf.Variable
    ) -> dict[str, tf.Tensor]:
        """One device's share of the scalars.

        Args:
            batch: this device's samples, as `crops.train_dataset` yields.
            phase: what learns.
            teach: whether the warping and flow losses take part.
            step: steps done.
        """
        if phase in FINEST_LEVEL:
            per_sample = self._of_flow(batch, FINEST_LEVEL[phase])
        else:
            per_sample = self._of_picture(batch, teach, step)
        size = self._config.data.batch_size
        return {n: tf.reduce_sum(v) / size for n, v in per_sample.items()}

    def _of_picture(
        self, batch: tuple, teach: bool, step: tf.Variable
    ) -> dict[str, tf.Tensor]:
        (inputs, hr), train = batch[:2], self._config.train
        done = tf.cast(step, tf.float32)
        outputs = self._model(inputs, training=True)
        own = {"charbonnier": losses.charbonnier(outputs["sr"], hr)}
        loss = self._model.objective(
            inputs, outputs, hr, done / train.num_steps
        )
        if train.upsampler_loss_weight:
            own["upsampler"] = losses.charbonnier(outputs["lr_up"], hr)
            loss += train.upsampler_loss_weight * own["upsampler"]
        final = list(enumerate(outputs["flows"]))
        flows, fade = final + outputs["earlier"], self._fade(done)
        if teach and train.warp_loss_weight:
            own["warping"] = losses.warping_loss(flows, inputs["ref"], hr)
            loss += fade * train.warp_loss_weight * own["warping"]
        if teach and train.flow_loss_weight:
            true_flow = self._true_flow(batch)
            own["flow"] = _error(final[0], true_flow)
            own["flow_loss"] = self._flow_loss(flows, true_flow)
            loss += fade * train.flow_loss_weight * own["flow_loss"]
        clipped = tf.clip_by_value(outputs["sr"], 0.0, 1.0)
        own["psnr"] = tf.image.psnr(clipped, hr, max_val=1.0)
        return {**own, "loss": loss}

    def _of_flow(self, batch: tuple, finest: int) -> dict[str, tf.Tensor]:
        """The flow loss, and the end-point error of the finest level."""
        flows = self._model.estimate_flows(batch[0], finest)
        true_flow = self._true_flow(batch)
        loss = self._flow_loss(flows, true_flow)
        return {
            "loss": self._config.train.flow_loss_weight * loss,
            "flow": _error(flows[-1], true_flow),
        }

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

    def _fade(self, done: tf.Tensor) -> tf.Tensor:
        steps = self._config.train.auxiliary_steps
        if not steps:
            return tf.constant(1.0)
        return tf.maximum(0.0, 1.0 - done / steps)


def _error(flow: tuple[int, tf.Tensor], true_flow: tf.Tensor) -> tf.Tensor:
    """Mean end-point error per sample, in full-size pixels."""
    error = losses.end_point_error([flow], true_flow)
    known = tf.reduce_sum(true_flow[..., 2], axis=[1, 2])
    return error / tf.maximum(known, 1.0)
