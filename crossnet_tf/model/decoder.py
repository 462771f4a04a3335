"""U-Net decoder and post-fusion: from warped features to the picture.

At each level the features of LR, the warped features of REF and what the
coarser level made of them are put together and enlarged by a transposed
convolution; at full size, 5x5 convolutions make the picture.

Equation 6 of the paper is off by one in its level index (four doublings from
1/8 would end at twice the size); the released code has three, as here, and
the features of level 0 join at the post-fusion.

Reference: Zheng et al., ECCV 2018, section 3.3.
"""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from crossnet_tf.model.convolution import Convolution, Deconvolution


class Decoder(keras.layers.Layer):
    """Fuses pyramids of LR and warped REF features into full-size ones."""

    def __init__(self, width: int, activation: Callable, **kwargs):
        super().__init__(**kwargs)
        self.steps = [
            Deconvolution(width, activation, name=f"from_level{level}")
            for level in (3, 2, 1)
        ]

    def call(
        self, lr_features: list[tf.Tensor], warped: list[tf.Tensor]
    ) -> list[tf.Tensor]:
        """Two pyramids of four `[B, H_i, W_i, C]` -> three `[B, H, W, C]`."""
        parts = [lr_features[3], warped[3]]
        for level, step in zip((2, 1, 0), self.steps):
            parts = [step(parts), lr_features[level], warped[level]]
        return parts


class PostFusion(keras.layers.Layer):
    """5x5 convolutions at full size; the last one is linear.

    Differs from the paper: no activation on the picture, because the
    published code has none (a ReLU there stops the gradient of dark pixels).
    """

    def __init__(
        self,
        width: int,
        outputs: int,
        num_convolutions: int,
        activation: Callable,
        small_start: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.hidden = [
            Convolution(width, 5, 1, activation, name=f"fusion{i}")
            for i in range(1, num_convolutions)
        ]
        initializer = (
            keras.initializers.RandomNormal(stddev=1e-3)
            if small_start
            else "glorot_uniform"
        )
        self.last = Convolution(
            outputs, 5, kernel_initializer=initializer, name="picture"
        )

    def call(self, features: Sequence[tf.Tensor] | tf.Tensor) -> tf.Tensor:
        """One or more `[B, H, W, C]` -> `[B, H, W, outputs]`."""
        for convolution in self.hidden:
            features = convolution(features)
        return self.last(features)
