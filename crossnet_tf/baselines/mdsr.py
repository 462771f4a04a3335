"""MDSR: one residual network for x2, x3 and x4; x8 is x4, then x2.

Reference: Lim, Son, Kim, Nah, Lee, "Enhanced Deep Residual Networks for
Single Image Super-Resolution", CVPR workshops 2017, section 3.3.
"""

from collections.abc import Mapping

import keras
import tensorflow as tf

from crossnet_tf.config import ModelConfig
from crossnet_tf.model.base import Outputs, System
from crossnet_tf.model.convolution import Convolution
from crossnet_tf.model.upsampler import ResidualBlock
from crossnet_tf.ops.losses import charbonnier
from crossnet_tf.ops.resampling import cubic_upscale
from crossnet_tf.ops.resizing import make_lr

FACTORS = (2, 3, 4)
_STEPS = {2: (2,), 3: (3,), 4: (2, 2)}
_PARTS = {2: (2,), 4: (4,), 8: (4, 2)}


@keras.saving.register_keras_serializable("crossnet_tf")
class MultiScaleSR(System):
    """Heads and sub-pixel tails per factor, one body for all; ignores REF.

    `CrossNet` itself has one factor's path of it as its LR upsampler
    (`model.upsampler.MDSR`).

    Differs from the paper: it predicts the difference to the cubic picture,
    so that an untrained network is already no worse than cubic; each step
    trains all three factors instead of one at random, so that a step's loss
    tells about all. Published size: 80 blocks of 64 channels.

    Args:
        config: reads `scale`, `upsampler_blocks`, `upsampler_width`.
    """

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(config, **kwargs)
        width = config.upsampler_width
        self.head = Convolution(width, 3, name="head")
        self.own = {
            str(factor): [
                ResidualBlock(width, 5, name=f"x{factor}_own{i}")
                for i in (1, 2)
            ]
            for factor in FACTORS
        }
        self.shared = [
            ResidualBlock(width, 3, name=f"shared{i}")
            for i in range(config.upsampler_blocks)
        ]
        self.body_end = Convolution(width, 3, name="body_end")
        self.steps = {
            str(factor): [
                Convolution(step**2 * width, 3, name=f"x{factor}_step{i}")
                for i, step in enumerate(_STEPS[factor])
            ]
            for factor in FACTORS
        }
        self.tails = {
            str(factor): Convolution(
                3,
                3,
                kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3),
                name=f"x{factor}_tail",
            )
            for factor in FACTORS
        }

    def build(self, input_shape: object = None) -> None:
        """Creates the weights of all factors."""
        if not self.built:
            super().build(input_shape)
            for factor in FACTORS:
                self.enlarge(tf.zeros([1, 8, 8, 3]), factor)

    def super_resolve(self, lr: tf.Tensor, ref: tf.Tensor) -> Outputs:
        """One enlargement after the other."""
        for factor in _PARTS[self.config.scale]:
            lr = self.enlarge(lr, factor)
        return {"sr": lr}

    def enlarge(self, lr: tf.Tensor, factor: int) -> tf.Tensor:
        """`[B, h, w, 3]` -> `[B, f*h, f*w, 3]` float32, f one of `FACTORS`."""
        features = self.head(lr)
        for block in self.own[str(factor)]:
            features = block(features)
        start = features
        for block in self.shared:
            features = block(features)
        features = start + self.body_end(features)
        steps = zip(_STEPS[factor], self.steps[str(factor)])
        for step, convolution in steps:
            features = tf.nn.depth_to_space(convolution(features), step)
        detail = tf.cast(self.tails[str(factor)](features), tf.float32)
        return cubic_upscale(lr, factor) + detail

    def objective(
        self,
        inputs: Mapping[str, tf.Tensor],
        outputs: Outputs,
        hr: tf.Tensor,
        progress: tf.Tensor,
    ) -> tf.Tensor:
        """Mean over the factors, each on LR that is made from HR."""
        del inputs, outputs, progress  # HR alone makes all three tasks.
        shape = tf.shape(hr)
        total = 0.0
        for factor in FACTORS:
            height, width = (shape[i] // factor * factor for i in (1, 2))
            target = hr[:, :height, :width]
            lr = make_lr(target, factor)
            total += charbonnier(self.enlarge(lr, factor), target)
        return total / len(FACTORS)
