"""Layers that keep little for their gradients.

Of a convolution, its bias and its activation only what comes in and what goes
out is kept, and inputs that are put together for it are put together again:
the gradients of ReLU, SELU and the like follow from their results. All other
tensors of the size of the picture, 42 MB each at 320x512 with 64 channels,
would stay until the step's end.

`ops/recomputation.py` keeps less still, of whole parts of a network.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from crossnet_tf.model.listed import Inputs, listed
from crossnet_tf.ops.recomputation import is_recorded, once

Slope = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
Gradients = Callable[
    [Sequence[tf.Tensor], tf.Tensor, tf.Tensor],
    tuple[list[tf.Tensor], tf.Tensor],
]


def leaky_relu(features: tf.Tensor) -> tf.Tensor:
    """Leaky ReLU of slope 0.1, as in FlowNetS."""
    return tf.nn.leaky_relu(features, alpha=0.1)


def selu(features: tf.Tensor) -> tf.Tensor:
    """SELU; that of bfloat16 by way of float32, in half the time.

    TensorFlow takes exponentials of bfloat16 one by one on CPUs.
    """
    if features.dtype != tf.bfloat16:
        return tf.nn.selu(features)
    return tf.cast(tf.nn.selu(tf.cast(features, tf.float32)), tf.bfloat16)


def _of_relu(upstream: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.ReluGrad(gradients=upstream, features=outputs)


def _of_leaky_relu(upstream: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    # Results have the sign of what they were made of.
    return tf.raw_ops.LeakyReluGrad(
        gradients=upstream, features=outputs, alpha=0.1
    )


def _of_selu(upstream: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.SeluGrad(gradients=upstream, outputs=outputs)


def _of_tanh(upstream: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.TanhGrad(y=outputs, dy=upstream)


_SLOPES: dict[Callable, Slope] = {
    tf.nn.relu: _of_relu,
    keras.activations.relu: _of_relu,
    leaky_relu: _of_leaky_relu,
    selu: _of_selu,
    tf.nn.selu: _of_selu,
    keras.activations.selu: _of_selu,
    tf.nn.tanh: _of_tanh,
    keras.activations.linear: lambda upstream, outputs: upstream,
}


def layer(
    inputs: Inputs,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    activation: Callable,
    compute: Callable[[Sequence[tf.Tensor], tf.Tensor], tf.Tensor],
    gradients: Gradients,
) -> tf.Tensor:
    """`activation(compute(inputs, kernel) + bias)`.

    Args:
        inputs: `[B, H, W, C]`, or several that are put together along C.
        kernel: weights.
        bias: `[F]`.
        activation: of the sum.
        compute: of a list of inputs, and the kernel.
        gradients: of a list of inputs, kernel and upstream gradient: what
            comes down to each input and to the kernel.
    """
    parts = listed(inputs)

    def forward(kernel: tf.Tensor, bias: tf.Tensor, *parts: Any) -> tf.Tensor:
        return activation(tf.nn.bias_add(compute(parts, kernel), bias))

    slope = _SLOPES.get(activation)
    if slope is None:
        return forward(kernel, bias, *parts)
    if not is_recorded():
        return once(lambda: forward(kernel, bias, *parts))

    @tf.custom_gradient
    def lean(kernel: tf.Tensor, bias: tf.Tensor, *parts: Any) -> Any:
        outputs = once(lambda: forward(kernel, bias, *parts))

        def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
            before = slope(upstream, outputs)
            with tf.control_dependencies([before]):
                below = gradients(parts, kernel, before)
            of_bias = tf.raw_ops.BiasAddGrad(out_backprop=before)
            return below[1], of_bias, *below[0]

        return outputs, backward

    return lean(kernel, bias, *parts)
