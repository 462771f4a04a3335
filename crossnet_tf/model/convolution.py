"""Convolutions laid out as in the published network.

A stride-2 convolution pads `kernel // 2` on each side, so it samples pixels
0, 2, 4, ...; Keras' own 'same' would sample 1, 3, 5, ... on even sizes, one
pixel off the published weights. Bias and activation follow the convolution
as operators that TensorFlow fuses with it. In which form each is computed is
the business of `forms`, and what is kept for gradients that of `lean`.
"""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from crossnet_tf.model import forms, lean
from crossnet_tf.model.lean import leaky_relu as leaky_relu
from crossnet_tf.model.lean import selu as selu
from crossnet_tf.model.listed import Inputs, shape_together


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
        self.input_spec = None  # It allows for one input only.

    def build(self, input_shape: Sequence) -> None:
        """Creates the weights; several inputs count as one."""
        super().build(shape_together(input_shape))
        self.input_spec = None

    def call(self, inputs: Inputs) -> tf.Tensor:
        """Convolves `inputs`, or several put together along the channels."""
        stride = self.strides[0]
        return lean.layer(
            inputs,
            tf.convert_to_tensor(self.kernel),
            tf.convert_to_tensor(self.bias),
            self.activation,
            lambda x, kernel: forms.convolve(x, kernel, stride),
            lambda x, kernel, upstream: forms.convolve_gradients(
                x, kernel, stride, upstream
            ),
        )


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
        self.input_spec = None  # It allows for one input only.

    def build(self, input_shape: Sequence) -> None:
        """Creates the weights; several inputs count as one."""
        super().build(shape_together(input_shape))
        self.input_spec = None

    def call(self, inputs: Inputs) -> tf.Tensor:
        """Doubles `inputs`, or several put together along the channels."""
        return lean.layer(
            inputs,
            tf.convert_to_tensor(self.kernel),
            tf.convert_to_tensor(self.bias),
            self.activation,
            forms.double,
            forms.double_gradients,
        )


ACTIVATIONS = {
    "relu": tf.nn.relu,
    "selu": selu,
    "leaky_relu": leaky_relu,
}
