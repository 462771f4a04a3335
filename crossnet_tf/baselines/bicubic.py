"""Bicubic upscaling: what LR alone gives, and the floor of every table."""

import keras
import tensorflow as tf

from crossnet_tf.model.base import Outputs, System
from crossnet_tf.ops.resampling import cubic_upscale


@keras.saving.register_keras_serializable("crossnet_tf")
class Bicubic(System):
    """Keys' cubic (a = -0.5); has no weights and ignores REF."""

    def super_resolve(self, lr: tf.Tensor, ref: tf.Tensor) -> Outputs:
        """LR upscaled."""
        return {"sr": cubic_upscale(lr, self.config.scale)}
