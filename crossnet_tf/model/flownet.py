"""FlowNetS and FlowNetS+: the flow from LR to REF at four scales.

FlowNetS (Dosovitskiy et al., ICCV 2015) stacks the two images and contracts
them to 1/64 in ten convolutions; it then expands, estimating a flow at each
scale from the contracting feature of that scale, the expanded feature and
the upsampled coarser flow. FlowNetS stops at 1/4 and enlarges bilinearly.
CrossNet's FlowNetS+ learns the last two steps as well, so that full-size
flow is as sharp as the picture.

Widths are given for `width` = 64, the published one, and scale with it.
Flow is linear in its layer, in pixels of its own level and float32; a x2
flow upsampling is a learned 4x4 transposed convolution, which has to learn
the doubling of values.

References:
    Zheng et al., ECCV 2018, section 3.1; released code.
"""

import keras
import tensorflow as tf

from crossnet_tf.model.convolution import (
    Convolution,
    Deconvolution,
    leaky_relu,
)
from crossnet_tf.ops.pyramids import double_flow

STRIDE = 64


@keras.saving.register_keras_serializable("crossnet_tf")
class FlowNetS(keras.layers.Layer):
    """Flow at 1/8 and 1/4, enlarged bilinearly to 1/2 and 1.

    Args:
        width: channels of the first convolution; 64 in the paper.
        last_level: finest level with a learned flow.
        coarse_filters: of the first transposed convolution; 512 in FlowNetS.
        head_initializer: of the flow layers.
    """

    def __init__(
        self,
        width: int = 64,
        last_level: int = 2,
        coarse_filters: int = 512,
        head_initializer: str = "glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.width, self.last_level = width, last_level
        self.coarse_filters = coarse_filters
        self.head_initializer = head_initializer
        self.contracting = _contracting(width)
        self.expanding = [
            _ExpandingStep(
                max(1, filters * width // 64), head_initializer, name=f"up{i}"
            )
            for i, filters in zip(
                range(5, last_level - 1, -1),
                [coarse_filters, 256, 128, 64, 64, 64],
            )
        ]
        if last_level > 0:
            self.finest_head = _flow_head(head_initializer, f"flow{last_level}")

    def call(
        self, lr_up: tf.Tensor, ref: tf.Tensor
    ) -> tuple[list[tf.Tensor], list[tuple[int, tf.Tensor]]]:
        """Flows V0 to V3 of `[B, H, W, 3]` images, H and W in 64ths.

        Returns:
            Four float32 tensors `[B, H / 2**i, W / 2**i, 2]`, finest first;
            and the flows that led there, of which there are none.
        """
        flows = self.all_flows(lr_up, ref)
        for level in range(self.last_level - 1, -1, -1):
            flows[level] = double_flow(flows[level + 1])
        return [flows[level] for level in range(4)], []

    def all_flows(
        self, lr_up: tf.Tensor, ref: tf.Tensor, finest: int = 0
    ) -> dict[int, tf.Tensor]:
        """The learned flows by level, from 6 on; finer layers do not run.

        Args:
            lr_up: `[B, H, W, 3]`, H and W in 64ths.
            ref: `[B, H, W, 3]`.
            finest: the finest level that is wanted; at most 6.

        Returns:
            Float32 `[B, H / 2**level, W / 2**level, 2]` for each level from
            6 down to `finest`, or to the last that is learned.
        """
        finest = max(finest, self.last_level)
        skips, features = [], tf.concat([lr_up, ref], axis=-1)
        for convolutions in self.contracting:
            for convolution in convolutions:
                features = convolution(features)
            skips.append(features)
        flows = {}
        for level, step in zip(range(6, finest, -1), self.expanding):
            flows[level], up, flow_up = step(features)
            skip = skips[level - 2] if level > 1 else ref
            skip = tf.cast(skip, up.dtype)
            features = [skip, up, flow_up]
        if finest > self.last_level:
            flows[finest] = self.expanding[6 - finest].head(features)
        else:
            flows[finest] = self.finest_flow(features)
        return flows

    def finest_flow(self, features: tf.Tensor) -> tf.Tensor:
        """The flow of `last_level` from its features."""
        return self.finest_head(features)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "width": self.width,
            "last_level": self.last_level,
            "coarse_filters": self.coarse_filters,
            "head_initializer": self.head_initializer,
        }


@keras.saving.register_keras_serializable("crossnet_tf")
class FlowNetSPlus(FlowNetS):
    """Flow learned at 1/8, 1/4, 1/2 and full size.

    Args:
        width: channels of the first convolution; 64 in the paper.
        head_initializer: of the flow layers.
    """

    def __init__(
        self,
        width: int = 64,
        head_initializer: str = "glorot_uniform",
        **kwargs,
    ):
        for name in ("last_level", "coarse_filters"):
            kwargs.pop(name, None)
        super().__init__(width, 0, 256, head_initializer, **kwargs)
        filters = max(1, width // 4)
        self.refinement = [
            Convolution(filters, 7, activation="selu", name=f"full_size_{i}")
            for i in (1, 2)
        ]
        self.finest_head = _flow_head(head_initializer, "flow0")

    def finest_flow(self, features: tf.Tensor) -> tf.Tensor:
        """Full-size flow: two more convolutions, then the flow layer."""
        for convolution in self.refinement:
            features = convolution(features)
        return self.finest_head(features)


class _ExpandingStep(keras.layers.Layer):
    """Estimates a flow and doubles the size of features and flow."""

    def __init__(self, filters: int, head_initializer: str, **kwargs):
        super().__init__(**kwargs)
        self.head = _flow_head(head_initializer, "flow")
        self.deconvolution = Deconvolution(
            filters, leaky_relu, name="deconvolution"
        )
        self.flow_up = Deconvolution(2, name="flow_up", dtype="float32")

    def call(self, features):
        flow = self.head(features)
        up = self.deconvolution(features)
        return flow, up, tf.cast(self.flow_up(flow), up.dtype)


def _flow_head(initializer: str, name: str) -> Convolution:
    return Convolution(
        2, 3, kernel_initializer=initializer, name=name, dtype="float32"
    )


def _contracting(width: int) -> list[list[Convolution]]:
    """One list per level 1 to 6; its first convolution halves the size."""
    plan = [
        [(7, 64)],
        [(5, 128)],
        [(5, 256), (3, 256)],
        [(3, 512), (3, 512)],
        [(3, 512), (3, 512)],
        [(3, 1024), (3, 1024)],
    ]
    return [
        [
            Convolution(
                filters * width // 64,
                kernel_size,
                strides=1 if i else 2,
                activation=leaky_relu,
                name=f"conv{level}" + "_1" * i,
            )
            for i, (kernel_size, filters) in enumerate(layers)
        ]
        for level, layers in enumerate(plan, start=1)
    ]
