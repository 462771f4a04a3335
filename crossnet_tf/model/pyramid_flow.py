"""The flow estimator of preset `lite`: small, and quick to learn to align.

FlowNetS+ has 34 million weights that must discover matching by themselves.
Here matching is built in: REF is blurred to what LR shows, so that both
pictures agree wherever the flow is right, and from 1/32 on each level first
improves the coarser flow by Lucas-Kanade steps, as far as LR has detail to
match. What they cannot know (smooth areas, depth edges, occlusion) a small
network corrects after each level, the same one at each. At half size
`ObservedFlow` takes over, which is exact at depth edges, too.

Each level learns from the flow that it was given, taken as constant. So all
but the last learn only where flows are compared (`losses.flow_loss`,
`losses.warping_loss`); without, they match as well as no learning can.

References:
    Lucas and Kanade, IJCAI 1981;
    Ranjan and Black, "SPyNet", CVPR 2017 (residual flow on image pyramids);
    Hur and Roth, "Iterative residual refinement", CVPR 2019 (one estimator).
"""

import keras
import tensorflow as tf

from crossnet_tf.model.convolution import Convolution, leaky_relu
from crossnet_tf.model.observed_flow import ObservedFlow
from crossnet_tf.ops.brightness import CELL, matching_gain
from crossnet_tf.ops.lucas_kanade import MAX_STEP, lucas_kanade
from crossnet_tf.ops.pyramids import double_flow, halve_flow, pyramid
from crossnet_tf.ops.resampling import matched_blur
from crossnet_tf.ops.subgraph import repeated
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.ops.windows import window_mean

STRIDE = 32
COARSEST = 5
STEPS = 3


@keras.saving.register_keras_serializable("crossnet_tf")
class PyramidFlow(keras.layers.Layer):
    """Flow by matching and learned correction, level by level.

    Args:
        scale: HR size / LR size: how far REF is blurred, and the finest
            level that is matched (half of LR's pixel).
        width: channels of the finest corrections; twice as many above.
    """

    def __init__(self, scale: int, width: int = 16, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.scale, self.width = scale, width
        self.finest_matched = scale.bit_length() - 2
        self.correction = _Correction(
            2 * width, [5, 3, 3, 3], name="correction"
        )
        self.observed = ObservedFlow(scale, width, name="observed")

    def call(
        self, lr_up: tf.Tensor, ref: tf.Tensor
    ) -> tuple[list[tf.Tensor], list[tuple[int, tf.Tensor]]]:
        """Flows of `[B, H, W, 3]` images, H and W in 32nds.

        Returns:
            V0 to V3, float32 `[B, H / 2**i, W / 2**i, 2]`; and those that
            led there, each with its level, in the order they were made.
        """
        lr_up, ref = tf.cast(lr_up, tf.float32), tf.cast(ref, tf.float32)
        target = pyramid(lr_up, COARSEST)
        source = pyramid(matched_blur(ref, self.scale), COARSEST)
        flow = tf.zeros_like(target[COARSEST][..., :2])
        earlier = []
        for level in range(COARSEST, 0, -1):
            if level < COARSEST:
                flow = double_flow(flow)
            flow = tf.stop_gradient(flow)
            images = target[level], source[level]
            warped = backward_warp(source[level], flow)
            gain = matching_gain(target[level], warped, CELL >> level)
            if level >= self.finest_matched:
                flow = lucas_kanade(*images, flow, STEPS, gain)
            flow = self.correction(*images, flow, gain)
            earlier.append((level, flow))
        *steps, flow = self.observed(lr_up, ref, flow)
        flows = [flow]
        for _ in range(3):
            flows.append(halve_flow(flows[-1]))
        return flows, earlier + [(1, step) for step in steps]

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "scale": self.scale,
            "width": self.width,
        }


class _Correction(keras.layers.Layer):
    """Adds a learned residual to a flow, from what the match left over."""

    def __init__(self, width: int, kernel_sizes: list[int], **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.convolutions = [
            Convolution(width, size, 1, leaky_relu, name=f"conv{i}")
            for i, size in enumerate(kernel_sizes)
        ]
        self.head = Convolution(
            2,
            3,
            kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3),
            dtype="float32",
            name="head",
        )

    @repeated
    def call(self, target, source, flow, gain):
        warped = gain * backward_warp(source, flow)
        # Only the flow's shape matters: its mean says nothing of its errors.
        relative = flow - window_mean(flow, 7)
        difference = 10.0 * (target - warped)
        features = tf.concat([target, difference, relative], axis=-1)
        for convolution in self.convolutions:
            features = convolution(features)
        return flow + MAX_STEP * tf.tanh(self.head(features))
