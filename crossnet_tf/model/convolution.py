"""Convolutions laid out as in the published network.

A stride-2 convolution pads `kernel // 2` on each side, so it samples pixels
0, 2, 4, ...; Keras' own 'same' would sample 1, 3, 5, ... on even sizes, one
pixel off the published weights. Bias and activation follow the convolution
as operators that TensorFlow fuses with it.

Two forms are chosen for speed on CPUs (64 channels, 320x512, one core with
AVX-512, bfloat16). A convolution to far fewer channels than it reads is
computed as the equal transposed one, which multiplies each pixel once and
adds up the results: a training step of 5x5, 64 to 3, takes 253 ms instead of
403. Padding is an operator of its own, because the gradient of a bfloat16
convolution with explicit padding runs without oneDNN: 60 times slower.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

# Inputs per output channel from which the transposed form is faster.
_NARROW = 4


@keras.saving.register_keras_serializable("crossnet_tf")
class Convolution(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with symmetric padding for odd kernels.

    `[B, H, W, C]` -> `[B, ceil(H / stride), ceil(W / stride), filters]`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        activation: str | Callable | None = None,
        **kwargs,
    ):
        kwargs["padding"] = "same"
        super().__init__(
            filters, kernel_size, strides, activation=activation, **kwargs
        )
        if any(size % 2 == 0 for size in self.kernel_size):
            raise ValueError(
                "`kernel_size` must be odd. "
                f"Received: kernel_size={kernel_size}."
            )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        kernel = tf.convert_to_tensor(self.kernel)
        if self.strides != (1, 1):
            pads = [[size // 2, size // 2] for size in self.kernel_size]
            padded = tf.pad(inputs, [[0, 0], *pads, [0, 0]])
            outputs = tf.nn.conv2d(padded, kernel, self.strides, "VALID")
        elif _NARROW * self.filters <= inputs.shape[-1]:
            outputs = _narrow_convolution(inputs, kernel)
        else:
            outputs = tf.nn.conv2d(inputs, kernel, 1, "SAME")
        outputs = tf.nn.bias_add(outputs, tf.convert_to_tensor(self.bias))
        return self.activation(outputs)


@keras.saving.register_keras_serializable("crossnet_tf")
class Deconvolution(keras.layers.Conv2DTranspose):
    """4x4 transposed convolution that doubles height and width exactly."""

    def __init__(
        self,
        filters: int,
        activation: str | Callable | None = None,
        **kwargs,
    ):
        fixed = dict(kernel_size=4, strides=2, padding="same")
        kwargs = {k: v for k, v in kwargs.items() if k not in fixed}
        super().__init__(filters, activation=activation, **fixed, **kwargs)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        shape = tf.shape(inputs)
        size = tf.stack([shape[0], 2 * shape[1], 2 * shape[2], self.filters])
        kernel = tf.convert_to_tensor(self.kernel)
        outputs = tf.nn.conv2d_transpose(inputs, kernel, size, 2, "SAME")
        outputs = tf.nn.bias_add(outputs, tf.convert_to_tensor(self.bias))
        return self.activation(outputs)


def _narrow_convolution(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """`tf.nn.conv2d(inputs, kernel, 1, "SAME")` for few output channels."""
    shape = tf.shape(inputs)
    size = tf.stack([shape[0], shape[1], shape[2], kernel.shape[-1]])
    turned = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])
    return tf.nn.conv2d_transpose(inputs, turned, size, 1, "SAME")


def leaky_relu(features: tf.Tensor) -> tf.Tensor:
    """Leaky ReLU of slope 0.1, as in FlowNetS."""
    return tf.nn.leaky_relu(features, alpha=0.1)


ACTIVATIONS = {
    "relu": tf.nn.relu,
    "selu": tf.nn.selu,
    "leaky_relu": leaky_relu,
}
