"""Brings LR to full size without a reference.

`cubic` is fixed. `MDSR` (Lim et al., CVPR workshops 2017) is the paper's
choice: two 5x5 residual blocks, a long chain of 3x3 ones, sub-pixel
convolutions of factor 2. `SubpixelUpsampler` is the small one of preset
`lite`: its sub-pixel convolution goes to RGB at once (Shi et al., CVPR
2016), so that all its work is done at LR size.

Differs from the papers: both predict the difference to the cubic picture,
so that an untrained network is already no worse than cubic.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from crossnet_tf.config import ModelConfig
from crossnet_tf.model.convolution import Convolution
from crossnet_tf.ops.resampling import cubic_upscale


class CubicUpsampler(keras.layers.Layer):
    """Keys' cubic; has no weights."""

    def __init__(self, scale: int, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.scale = scale

    def call(self, lr: tf.Tensor) -> tf.Tensor:
        """`[B, h, w, 3]` -> `[B, s*h, s*w, 3]` float32."""
        return cubic_upscale(lr, self.scale)


class MDSR(keras.layers.Layer):
    """One scale of the multi-scale residual network, plus cubic."""

    def __init__(self, scale: int, num_blocks: int, width: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.scale = scale
        self.head = Convolution(width, 3, name="head")
        self.own = [ResidualBlock(width, 5, name=f"own{i}") for i in (1, 2)]
        self.shared = [
            ResidualBlock(width, 3, name=f"shared{i}")
            for i in range(num_blocks)
        ]
        self.body_end = Convolution(width, 3, name="body_end")
        self.doublings = [
            Convolution(4 * width, 3, name=f"to_x{2 * 2**i}")
            for i in range(scale.bit_length() - 1)
        ]
        self.tail = _small_start(3, "tail")

    def call(self, lr: tf.Tensor) -> tf.Tensor:
        """`[B, h, w, 3]` -> `[B, s*h, s*w, 3]` float32."""
        features = self.head(lr)
        for block in self.own:
            features = block(features)
        start = features
        for block in self.shared:
            features = block(features)
        features = start + self.body_end(features)
        for doubling in self.doublings:
            features = tf.nn.depth_to_space(doubling(features), 2)
        detail = tf.cast(self.tail(features), tf.float32)
        return cubic_upscale(lr, self.scale) + detail


class SubpixelUpsampler(keras.layers.Layer):
    """A few residual blocks at LR size and one sub-pixel convolution."""

    def __init__(self, scale: int, num_blocks: int, width: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.scale = scale
        self.head = Convolution(width, 3, name="head")
        self.blocks = [
            ResidualBlock(width, 3, name=f"block{i}") for i in range(num_blocks)
        ]
        self.tail = _small_start(3 * scale**2, "tail")

    def call(self, lr: tf.Tensor) -> tf.Tensor:
        """`[B, h, w, 3]` -> `[B, s*h, s*w, 3]` float32."""
        features = self.head(lr)
        for block in self.blocks:
            features = block(features)
        detail = tf.nn.depth_to_space(self.tail(features), self.scale)
        detail = tf.cast(detail, tf.float32)
        return cubic_upscale(lr, self.scale) + detail


def make_upsampler(
    config: ModelConfig, name: str = "upsampler"
) -> Callable[[tf.Tensor], tf.Tensor]:
    """The upsampler that `config` names."""
    if config.upsampler == "bicubic":
        return CubicUpsampler(config.scale, name=name)
    kinds: dict[str, Callable[..., Callable]] = {
        "mdsr": MDSR,
        "subpixel": SubpixelUpsampler,
    }
    return kinds[config.upsampler](
        config.scale,
        config.upsampler_blocks,
        config.upsampler_width,
        name=name,
    )


class ResidualBlock(keras.layers.Layer):
    """x + convolution(relu(convolution(x))), without normalisation."""

    def __init__(self, width: int, kernel_size: int, **kwargs):
        super().__init__(**kwargs)
        self.first = Convolution(
            width, kernel_size, activation=tf.nn.relu, name="first"
        )
        self.second = Convolution(width, kernel_size, name="second")

    def call(self, features):
        return features + self.second(self.first(features))


def _small_start(filters: int, name: str) -> Convolution:
    initializer = keras.initializers.RandomNormal(stddev=1e-3)
    return Convolution(filters, 3, kernel_initializer=initializer, name=name)
