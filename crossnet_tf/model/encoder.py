"""Multi-scale feature encoder: one feature map per flow scale.

A 5x5 convolution at full size and three of stride 2; the published runs had
one more at the start (`stem`), which the figure and a parameter count of the
follow-up paper show. LR and REF have one encoder each in the paper and share
one in the released code.

Reference: Zheng et al., ECCV 2018, section 3.2.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from crossnet_tf.model.convolution import Convolution


class Encoder(keras.layers.Layer):
    """Features at full size, 1/2, 1/4 and 1/8.

    Args:
        width: channels of every level.
        activation: of every convolution.
        stem: whether a stride-1 convolution precedes level 0.
    """

    def __init__(
        self, width: int, activation: Callable, stem: bool = True, **kwargs
    ):
        super().__init__(**kwargs)
        self.levels = [
            Convolution(
                width, 5, 2 if level else 1, activation, name=f"level{level}"
            )
            for level in range(4)
        ]
        self.stem = (
            Convolution(width, 5, 1, activation, name="stem") if stem else None
        )

    def call(self, image: tf.Tensor) -> list[tf.Tensor]:
        """`[B, H, W, C]` -> four `[B, H / 2**i, W / 2**i, width]`."""
        features = self.stem(image) if self.stem else image
        pyramid = []
        for convolution in self.levels:
            features = convolution(features)
            pyramid.append(features)
        return pyramid
