"""VDSR: a deep chain of convolutions that predicts what bicubic lacks.

Reference: Kim, Lee, Lee, "Accurate Image Super-Resolution Using Very Deep
Convolutional Networks", CVPR 2016.
"""

import keras
import tensorflow as tf

from crossnet_tf.baselines.luma import add_to_all, luma
from crossnet_tf.config import ModelConfig
from crossnet_tf.model.base import Outputs, System
from crossnet_tf.model.convolution import Convolution
from crossnet_tf.ops.resampling import cubic_upscale

_NUM_LAYERS = 20


@keras.saving.register_keras_serializable("crossnet_tf")
class VDSR(System):
    """20 layers 3x3 of `width` (64) channels on upscaled luma; ignores REF.

    The network sees LR at full size, so that the same weights serve every
    scale.

    Differs from the paper: the last layer starts small, so that training
    starts at bicubic; gradients are clipped by `clip_norm`, if at all.

    Args:
        config: reads `scale` and `width`.
    """

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(config, **kwargs)
        self.hidden = [
            Convolution(
                config.width,
                3,
                activation="relu",
                kernel_initializer="he_normal",
                name=f"layer{number}",
            )
            for number in range(1, _NUM_LAYERS)
        ]
        self.last = Convolution(
            1,
            3,
            kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3),
            name=f"layer{_NUM_LAYERS}",
        )

    def super_resolve(self, lr: tf.Tensor, ref: tf.Tensor) -> Outputs:
        """Cubic, and what the network adds to luma."""
        lr_up = cubic_upscale(lr, self.config.scale)
        features = luma(lr_up)
        for convolution in self.hidden:
            features = convolution(features)
        residual = tf.cast(self.last(features), tf.float32)
        return {"sr": add_to_all(lr_up, residual)}
