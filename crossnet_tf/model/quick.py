"""QuickNet: the second generation of the small network, preset `quick`.

The same idea as CrossNet's, upsample LR, find the flow to REF, warp, fuse,
with the work where it is cheap: the flow on a quarter of the size
(`grid_flow`), the fusion at half size (`half_fusion`), and pictures instead
of features warped. Light, tone and softness of another camera are estimated
in closed form, inside the graph.

Differs from the paper: everything but the problem and the warp, because a
match in closed form is right without training, and cheap.
"""

import keras
import tensorflow as tf

from crossnet_tf.config import ModelConfig
from crossnet_tf.model.base import Outputs, System
from crossnet_tf.model.grid import STRIDE
from crossnet_tf.model.grid_flow import GridFlow, all_flows
from crossnet_tf.model.half_fusion import HalfSizeFusion
from crossnet_tf.model.upsampler import make_upsampler


@keras.saving.register_keras_serializable("crossnet_tf")
class QuickNet(System):
    """Reference-based super-resolution, quick as optical flow.

    Args:
        config: reads `scale`, `upsampler` with its size, `flow_width`,
            `flow_steps`, `width` and `back_projection`.
    """

    stride = STRIDE

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(config, **kwargs)
        self.upsampler = make_upsampler(config)
        self.flow_estimator = GridFlow(
            config.scale,
            config.flow_width,
            config.flow_steps,
            name="flow_estimator",
        )
        self.fusion = HalfSizeFusion(
            config.scale, config.width, config.back_projection, name="fusion"
        )

    def super_resolve(self, lr: tf.Tensor, ref: tf.Tensor) -> Outputs:
        """Upsample LR, match, move REF's detail, fuse."""
        lr, ref = tf.cast(lr, tf.float32), tf.cast(ref, tf.float32)
        lr_up = self.upsampler(lr)
        half, earlier, state, curve = self.flow_estimator(lr, ref)
        sr = self.fusion(lr, lr_up, ref, half, state, curve)
        return {
            "sr": sr,
            "lr_up": lr_up,
            "flows": all_flows(half),
            "earlier": earlier,
        }
