"""What every system that is compared has in common.

A system is called like `CrossNet`: `system({'lr', 'ref'})` gives a dict with
`sr`. It has a `config` (whose `scale` counts), a `stride` (to which inputs are
padded and tiles are cut) and, if it learns, an `objective`. So the commands
train, run and measure any of them with the same code.

A subclass writes `super_resolve(lr, ref)`, which may rely on sizes that are
multiples of `stride`, and returns what it has; the rest is filled in.
"""

from collections.abc import Mapping

import keras
import tensorflow as tf

from crossnet_tf.config import ModelConfig, section_from_dict
from crossnet_tf.model.crossnet import checked_inputs, cropped, pad_to
from crossnet_tf.ops import losses
from crossnet_tf.ops.resampling import cubic_upscale

_BUILD_SIZE = 64
_LEVELS = 4


class System(keras.Model):
    """Base of the systems: checks, pads and crops.

    Attributes:
        stride: sizes of what `super_resolve` gets are multiples of it.

    Args:
        config: the settings; each system's docstring says which it reads.
    """

    stride = 1

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
            self.call(inputs)

    def call(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """As `CrossNet.call`.

        Args:
            inputs: `lr` `[B, h, w, 3]` and `ref` `[B, s*h, s*w, 3]`, float in
                [0, 1], s the config's `scale`.

        Returns:
            What `CrossNet.call` does. Systems that do not align REF leave it
            where it is: zero flow. Some add pictures of full size.

        Raises:
            ValueError: inputs that do not fit, as `CrossNet.call`.
        """
        lr, ref = checked_inputs(inputs, self.config.scale)
        shape = tf.shape(ref)
        lr = pad_to(lr, max(1, self.stride // self.config.scale))
        ref = pad_to(ref, self.stride)
        outputs = self.super_resolve(lr, ref)
        if "lr_up" not in outputs:
            outputs["lr_up"] = cubic_upscale(lr, self.config.scale)
        return cropped(_with_all_flows(outputs), shape)

    def super_resolve(
        self, lr: tf.Tensor, ref: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """The system itself; sizes are multiples of `stride`.

        Returns:
            `sr` at least; `lr_up`, and `flow_0` or all four flows, if it has
            them.
        """
        raise NotImplementedError

    def objective(
        self,
        inputs: Mapping[str, tf.Tensor],
        outputs: Mapping[str, tf.Tensor],
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
        return losses.charbonnier(outputs["sr"], hr)

    def get_config(self) -> dict:
        fields = {
            name: getattr(self.config, name)
            for name in self.config.__dataclass_fields__
        }
        return {**super().get_config(), "config": fields}

    @classmethod
    def from_config(cls, config: dict) -> "System":
        fields = section_from_dict(ModelConfig, config.pop("config"))
        return cls(fields, **config)


def _with_all_flows(outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Adds the flows that are missing, made from the finest one."""
    if "flow_0" not in outputs:
        outputs["flow_0"] = tf.zeros_like(outputs["sr"][..., :2])
    for level in range(1, _LEVELS):
        if f"flow_{level}" not in outputs:
            finer = outputs[f"flow_{level - 1}"]
            halved = tf.nn.avg_pool2d(finer, 2, 2, "SAME") / 2.0
            outputs[f"flow_{level}"] = halved
    return outputs
