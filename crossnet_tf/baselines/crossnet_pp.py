"""CrossNet++: REF is warped, then CrossNet works on what that gave.

The first flow brings REF near, the second one, inside CrossNet, aligns what
is left, so that larger displacements are within reach.

Reference: Tan, Zheng, Zhu, Yuan, Dai, Fang, "CrossNet++: Cross-Scale
Large-Parallax Warping for Reference-Based Super-Resolution", IEEE TPAMI 43,
2021; released code for the loss.
"""

import dataclasses
from collections.abc import Mapping

import keras
import tensorflow as tf

from crossnet_tf.config import ModelConfig
from crossnet_tf.model.base import Outputs, System
from crossnet_tf.model.crossnet import CrossNet, make_flow_estimator
from crossnet_tf.ops.composition import composed
from crossnet_tf.ops.losses import charbonnier
from crossnet_tf.ops.pyramids import halved_flows
from crossnet_tf.ops.warp import backward_warp


@keras.saving.register_keras_serializable("crossnet_tf")
class CrossNetPP(System):
    """A flow estimator and a warp before CrossNet; one shared encoder.

    The flows that it returns are those of both stages together, from the
    output grid to REF as it was given.

    Differs from the paper: no landmark loss, which needs SIFT matches.

    Args:
        config: as `CrossNet`; `shared_encoder` is always on.
    """

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(config, **kwargs)
        own = dataclasses.replace(config, shared_encoder=True)
        self.first_flow, self.stride = make_flow_estimator(
            own, name="first_flow"
        )
        self.second_stage = CrossNet(own, name="second_stage")

    def super_resolve(self, lr: tf.Tensor, ref: tf.Tensor) -> Outputs:
        """Warps REF, then runs CrossNet on it."""
        stage = self.second_stage
        upsampler = stage.flow_upsampler or stage.upsampler
        first, earlier = self.first_flow(upsampler(lr), ref)
        warped = backward_warp(ref, first[0])
        outputs = stage({"lr": lr, "ref": warped})
        later = outputs.get("earlier", [])
        coarsest = max((level for level, _ in later), default=0)
        first = halved_flows(first, coarsest)
        later = [(level, composed(first[level], flow)) for level, flow in later]
        return {
            **outputs,
            "warped": warped,
            "flows": [composed(*pair) for pair in zip(first, outputs["flows"])],
            "earlier": [*earlier, *later],
        }

    def objective(
        self,
        inputs: Mapping[str, tf.Tensor],
        outputs: Outputs,
        hr: tf.Tensor,
        progress: tf.Tensor,
    ) -> tf.Tensor:
        """Charbonnier on the result, half the squared error of warped REF."""
        del inputs, progress  # The outputs have all that is compared.
        error = tf.square(outputs["warped"] - tf.cast(hr, tf.float32))
        warping = 0.5 * tf.reduce_sum(error, axis=[1, 2, 3])
        return charbonnier(outputs["sr"], hr) + warping
