"""What every system that is compared has in common, CrossNet included.

A system is called with a dict, `system({'lr', 'ref'})`, and gives a dict with
`sr`. It has a `config` (whose `scale` counts), a `stride` (to which inputs are
padded and tiles are cut) and, if it learns, an `objective`. So the commands
train, run and measure any of them with the same code.

A subclass writes `super_resolve(lr, ref)`, which may rely on sizes that are
multiples of `stride`, and returns what it has; the rest is filled in.
"""

from collections.abc import Mapping
from typing import Any, Self

import keras
import tensorflow as tf

from crossnet_tf.config import ModelConfig, section_from_dict
from crossnet_tf.model.inputs import checked_inputs, crop, pad_to
from crossnet_tf.ops.losses import charbonnier
from crossnet_tf.ops.pyramids import halved_flows
from crossnet_tf.ops.resampling import cubic_upscale

NUM_LEVELS = 4
_BUILD_SIZE = 64

Outputs = dict[str, Any]
"""Pictures by name, and flows: see `System.call`."""


class System(keras.Model):
    """Base of the systems: checks, pads and crops.

    Attributes:
        stride: sizes of what `super_resolve` gets are multiples of it.

    Args:
        config: the settings; each system's docstring says which it reads.
    """

    stride = 1
    built: bool

    def __init__(self, config: ModelConfig, **kwargs):
        # Pictures stay float32 under mixed precision; layers cast features.
        kwargs.pop("autocast", None)
        super().__init__(autocast=False, **kwargs)
        self.config = config

    def build(self, input_shape: object = None) -> None:
        """Creates all weights; their shapes depend on the config only."""
        if not self.built:
            self.built = True
            small = _BUILD_SIZE // self.config.scale
            inputs = {
                "lr": tf.zeros([1, small, small, 3]),
                "ref": tf.zeros([1, _BUILD_SIZE, _BUILD_SIZE, 3]),
            }
            _call_at_once(self)
            self.call(inputs)

    def call(
        self, inputs: Mapping[str, tf.Tensor], training: bool = False
    ) -> Outputs:
        """Super-resolves `lr` with the help of `ref`.

        Args:
            inputs: `lr` `[B, h, w, 3]` and `ref` `[B, s*h, s*w, 3]`, float
                in [0, 1], s the config's `scale`, h and w at least 16 / s.
            training: whether to return also the flows that led to the
                result, to learn from.

        Returns:
            `sr` and `lr_up`, `[B, s*h, s*w, 3]` float32, not clipped.
            `flows`, a list of the four flows V0 to V3, finest first,
            `[B, ceil(s*h / 2**i), ceil(s*w / 2**i), 2]` float32; zero from
            systems that do not align REF. In training also `earlier`, a list
            of (level, flow): those that the estimator made on the way, of
            the same sizes. Some systems add pictures of full size.

        Raises:
            ValueError: an input is missing, has not three channels, or the
                sizes, where known, do not fit each other.
        """
        lr, ref = checked_inputs(inputs, self.config.scale)
        shape = tf.shape(ref)
        lr = pad_to(lr, max(1, self.stride // self.config.scale))
        ref = pad_to(ref, self.stride)
        outputs = _completed(self.super_resolve(lr, ref), lr, self.config.scale)
        if not training:
            del outputs["earlier"]
            outputs = self.judged(outputs, lr, ref)
        return _cropped(outputs, shape)

    def super_resolve(self, lr: tf.Tensor, ref: tf.Tensor) -> Outputs:
        """The system itself; sizes are multiples of `stride`.

        Returns:
            `sr` at least; `lr_up`, `flows` (the finest, or all four) and
            `earlier`, if it has them.
        """
        raise NotImplementedError

    def judged(
        self, outputs: Outputs, lr: tf.Tensor, ref: tf.Tensor
    ) -> Outputs:
        """What becomes of the result outside training; by default nothing.

        Args:
            outputs: what `super_resolve` returned, completed.
            lr: what it got.
            ref: what it got.
        """
        del lr, ref  # Others need them.
        return outputs

    def objective(
        self,
        inputs: Mapping[str, tf.Tensor],
        outputs: Outputs,
        hr: tf.Tensor,
        progress: tf.Tensor,
    ) -> tf.Tensor:
        """What training minimises: Charbonnier on the picture by default.

        Args:
            inputs: what `call` got.
            outputs: what it returned.
            hr: `[B, H, W, 3]`.
            progress: float32 scalar, the share of training that is done.

        Returns:
            `[B]` float32, in the unit of `losses.charbonnier`.
        """
        del inputs, progress  # Others need them.
        return charbonnier(outputs["sr"], hr)

    def get_config(self) -> dict:
        fields = {
            name: getattr(self.config, name)
            for name in self.config.__dataclass_fields__
        }
        return {**super().get_config(), "config": fields}

    @classmethod
    def from_config(cls, config: dict) -> Self:
        fields = section_from_dict(ModelConfig, config.pop("config"))
        return cls(fields, **config)


def _call_at_once(system: System) -> None:
    """Marks layers that have no weights of their own as built.

    Keras would make a graph of each first, to find weights in it: three
    quarters of the time that loading a network takes. Calling it does.
    """
    for layer in system._flatten_layers(include_self=False):
        if type(layer).build is keras.layers.Layer.build:
            layer.built = True


def named(outputs: Outputs) -> dict[str, tf.Tensor]:
    """Outputs as a signature names them: `flow_0` to `flow_3` for `flows`.

    Args:
        outputs: what a system returned; `earlier` is left out.
    """
    pictures = {n: v for n, v in outputs.items() if not isinstance(v, list)}
    flows = {f"flow_{i}": flow for i, flow in enumerate(outputs["flows"])}
    return pictures | flows


def _completed(outputs: Outputs, lr: tf.Tensor, scale: int) -> Outputs:
    """Adds what a system left out: cubic LR, flows made from the finest."""
    outputs = {"earlier": [], **outputs}
    if "lr_up" not in outputs:
        outputs["lr_up"] = cubic_upscale(lr, scale)
    flows = list(outputs.get("flows", ()))
    flows = flows or [tf.zeros_like(outputs["sr"][..., :2])]
    return {**outputs, "flows": halved_flows(flows, NUM_LEVELS - 1)}


def _cropped(outputs: Outputs, shape: tf.Tensor) -> Outputs:
    """The inverse of the padding, for full-size pictures and each flow."""
    cropped = {
        name: crop(value, shape)
        for name, value in outputs.items()
        if not isinstance(value, list)
    }
    flows = enumerate(outputs["flows"])
    cropped["flows"] = [crop(flow, shape, level) for level, flow in flows]
    if "earlier" in outputs:
        cropped["earlier"] = [
            (level, crop(flow, shape, level))
            for level, flow in outputs["earlier"]
        ]
    return cropped
