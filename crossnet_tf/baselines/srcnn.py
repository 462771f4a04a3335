"""SRCNN: three convolutions on bicubically upscaled luma; ignores REF.

Reference: Dong, Loy, He, Tang, "Image Super-Resolution Using Deep
Convolutional Networks", IEEE TPAMI 38(2), 2016: the 9-5-5 network.
"""

import keras
import tensorflow as tf

from crossnet_tf.baselines.luma import luma, with_luma
from crossnet_tf.config import ModelConfig
from crossnet_tf.model.base import Outputs, System
from crossnet_tf.model.convolution import Convolution
from crossnet_tf.ops.resampling import cubic_upscale

_LARGEST_OWN_SCALE = 4


@keras.saving.register_keras_serializable("crossnet_tf")
class SRCNN(System):
    """9x9 to `width` (64) channels, 5x5 to half of it, 5x5 to luma.

    x8 is bicubic x4, the network, bicubic x2, as in the CrossNet paper's
    tables; the weights are the same at every scale.

    Differs from the paper: borders are padded, so that the picture keeps its
    size; weights start by Glorot's rule, as Adam trains them.

    Args:
        config: reads `scale` and `width`.
    """

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(config, **kwargs)
        width = config.width
        self.extraction = Convolution(width, 9, 1, "relu", name="extraction")
        self.mapping = Convolution(width // 2, 5, 1, "relu", name="mapping")
        self.reconstruction = Convolution(1, 5, name="reconstruction")

    def super_resolve(self, lr: tf.Tensor, ref: tf.Tensor) -> Outputs:
        """Cubic, the network on luma, at x8 cubic again."""
        own_scale = min(self.config.scale, _LARGEST_OWN_SCALE)
        lr_up = cubic_upscale(lr, own_scale)
        features = self.mapping(self.extraction(luma(lr_up)))
        sr = with_luma(lr_up, self.reconstruction(features))
        if self.config.scale > own_scale:
            sr = cubic_upscale(sr, self.config.scale // own_scale)
        return {"sr": sr}
