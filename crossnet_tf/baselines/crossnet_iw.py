"""CrossNet-iw and CrossNet-iw-p: the picture is warped, not its features.

The paper's ablation of warping in the feature domain: REF itself is warped by
the full-size flow and then encoded. All parts are CrossNet's.

Reference: Zheng et al., ECCV 2018, figure 6.
"""

import dataclasses
from collections.abc import Mapping

import keras
import tensorflow as tf

from crossnet_tf.config import ModelConfig
from crossnet_tf.model.base import Outputs, System
from crossnet_tf.model.crossnet import CrossNet
from crossnet_tf.ops.losses import charbonnier
from crossnet_tf.ops.warp import backward_warp

_PRETRAINING = 0.5


@keras.saving.register_keras_serializable("crossnet_tf")
class CrossNetIW(System):
    """CrossNet with image-domain warping, trained as a whole.

    Args:
        config: as `CrossNet`; `detail_gate` is ignored.
    """

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(config, **kwargs)
        own = dataclasses.replace(config, detail_gate=False)
        self.parts = CrossNet(own, name="parts")
        self.stride = self.parts.stride

    def super_resolve(self, lr: tf.Tensor, ref: tf.Tensor) -> Outputs:
        """As `CrossNet.call`, but REF is warped before it is encoded."""
        parts = self.parts
        lr_up = parts.upsampler(lr)
        flow_lr = parts.flow_upsampler(lr) if parts.flow_upsampler else lr_up
        flows, _ = parts.flow_estimator(flow_lr, ref)
        warped = backward_warp(ref, flows[0])
        fused = parts.decoder(
            parts.lr_encoder(lr_up), parts.ref_encoder(warped)
        )
        sr = tf.cast(parts.post_fusion(fused), tf.float32)
        if self.config.global_residual:
            sr += lr_up
        return {"sr": sr, "lr_up": lr_up, "warped": warped, "flows": flows}


@keras.saving.register_keras_serializable("crossnet_tf")
class CrossNetIWP(CrossNetIW):
    """CrossNet-iw whose flow estimator learns to warp first.

    In the first half of training (the paper: 100,000 of 200,000 steps) only
    the warped REF is compared with HR, in the second half only the result.
    """

    def objective(
        self,
        inputs: Mapping[str, tf.Tensor],
        outputs: Outputs,
        hr: tf.Tensor,
        progress: tf.Tensor,
    ) -> tf.Tensor:
        """Charbonnier on the warped REF, then on the result."""
        del inputs  # The outputs have all that is compared.
        return tf.where(
            progress < _PRETRAINING,
            charbonnier(outputs["warped"], hr),
            charbonnier(outputs["sr"], hr),
        )
