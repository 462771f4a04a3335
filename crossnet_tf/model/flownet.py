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

The paper looks once. With `passes` the same network looks again at REF as it
was warped by what it found, where what is left to find is small, as the stacked
networks of FlowNet 2.0 do with weights of their own. All looks but the last
end at 1/4 size: finer layers made the next one no better.

References:
    Zheng et al., ECCV 2018, section 3.1; released code.
    Ilg et al., "FlowNet 2.0", CVPR 2017, for the repeated look.
"""

import keras
import tensorflow as tf

from crossnet_tf.model.convolution import (
    Convolution,
    Deconvolution,
    leaky_relu,
    selu,
)
from crossnet_tf.ops.composition import composed
from crossnet_tf.ops.pyramids import double_flow, halved_flows
from crossnet_tf.ops.warp import backward_warp

STRIDE = 64
_FIRST_LOOKS_END = 2  # level
_COARSEST = 6

FlowsByLevel = dict[int, tf.Tensor]


@keras.saving.register_keras_serializable("crossnet_tf")
class FlowNetS(keras.layers.Layer):
    """Flow at 1/8 and 1/4, enlarged bilinearly to 1/2 and 1.

    Args:
        width: channels of the first convolution; 64 in the paper.
        last_level: finest level with a learned flow.
        coarse_filters: of the first transposed convolution; 512 in FlowNetS.
        head_initializer: of the flow layers.
        passes: how often it looks; 1 in the paper.
    """

    def __init__(
        self,
        width: int = 64,
        last_level: int = 2,
        coarse_filters: int = 512,
        head_initializer: str = "glorot_uniform",
        passes: int = 1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.width, self.last_level = width, last_level
        self.passes = passes
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

    def build(self, *shapes: object) -> None:
        """Makes all weights, also of layers that a first pass leaves out."""
        del shapes  # Weights do not depend on them.
        smallest = tf.zeros([1, STRIDE, STRIDE, 3])
        self.all_flows(smallest, smallest)

    def call(
        self, lr_up: tf.Tensor, ref: tf.Tensor
    ) -> tuple[list[tf.Tensor], list[tuple[int, tf.Tensor]]]:
        """Flows V0 to V3 of `[B, H, W, 3]` images, H and W in 64ths.

        Returns:
            Four float32 tensors `[B, H / 2**i, W / 2**i, 2]`, finest first;
            and the flows that led there with their levels: those of all
            passes but the last.
        """
        *earlier, flows = self.all_passes(lr_up, ref)
        for level in range(self.last_level - 1, -1, -1):
            flows[level] = double_flow(flows[level + 1])
        led = [one for looked in earlier for one in looked.items()]
        return [flows[level] for level in range(4)], led

    def all_passes(
        self, lr_up: tf.Tensor, ref: tf.Tensor, finest: int = 0
    ) -> list[FlowsByLevel]:
        """What `all_flows` finds in each pass, each from LR to REF.

        A pass takes the one before as it is: gradients stay within a pass.

        Args:
            lr_up: as `all_flows`.
            ref: as `all_flows`.
            finest: the finest level that is wanted of the last pass; those
                before end at 1/4 size or there.
        """
        coarser = max(finest, _FIRST_LOOKS_END)
        first, *later = [*[coarser] * (self.passes - 1), finest]
        found = [self.all_flows(lr_up, ref, first)]
        for end in later:
            whole = tf.stop_gradient(_full_size(found[-1]))
            before = halved_flows([whole], _COARSEST)
            warped = backward_warp(tf.cast(ref, tf.float32), whole)
            rest = self.all_flows(lr_up, tf.cast(warped, ref.dtype), end)
            found.append(
                {level: composed(before[level], f) for level, f in rest.items()}
            )
        return found

    def all_flows(
        self, lr_up: tf.Tensor, ref: tf.Tensor, finest: int = 0
    ) -> FlowsByLevel:
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
        for level, step in zip(range(_COARSEST, finest, -1), self.expanding):
            flows[level], up, flow_up = step(features)
            skip = skips[level - 2] if level > 1 else ref
            skip = tf.cast(skip, up.dtype)
            features = [skip, up, flow_up]
        if finest > self.last_level:
            step = self.expanding[_COARSEST - finest]
            flows[finest] = step(features, only_flow=True)
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
            "passes": self.passes,
        }


@keras.saving.register_keras_serializable("crossnet_tf")
class FlowNetSPlus(FlowNetS):
    """Flow learned at 1/8, 1/4, 1/2 and full size.

    Args:
        width: channels of the first convolution; 64 in the paper.
        head_initializer: of the flow layers.
        passes: how often it looks; 1 in the paper.
    """

    def __init__(
        self,
        width: int = 64,
        head_initializer: str = "glorot_uniform",
        passes: int = 1,
        **kwargs,
    ):
        for name in ("last_level", "coarse_filters"):
            kwargs.pop(name, None)
        super().__init__(width, 0, 256, head_initializer, passes, **kwargs)
        filters = max(1, width // 4)
        self.refinement = [
            Convolution(filters, 7, activation=selu, name=f"full_size_{i}")
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

    def call(self, features, only_flow=False):
        flow = self.head(features)
        if only_flow:
            return flow
        up = self.deconvolution(features)
        return flow, up, tf.cast(self.flow_up(flow), up.dtype)


def _full_size(flows: FlowsByLevel) -> tf.Tensor:
    """The finest of some flows, enlarged to full size."""
    finest = min(flows)
    flow = flows[finest]
    for _ in range(finest):
        flow = double_flow(flow)
    return flow


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
