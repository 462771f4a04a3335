"""Adam's step as one operation for each variable.

Keras writes it as a dozen operations, each with a result as large as the
variable. TensorFlow has them all in one, which reads gradient, weight and
both averages once and needs no memory beside them. Variables, their names
and shapes are Keras' own, so checkpoints go from one to the other. Numbers
are nearly: TensorFlow takes 1 - 0.999 in float32, which makes a step larger
by a share of 6e-6.

Reference: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR
2015, the form before section 2.1.
"""

import keras
import tensorflow as tf


class _Fused:
    """Takes the step of Keras' optimiser that stands behind it."""

    def update_step(
        self,
        gradient: tf.Tensor,
        variable: tf.Variable,
        learning_rate: tf.Tensor,
    ) -> None:
        """Moves one variable and its averages; what decays has done so.

        Args:
            gradient: of the variable's shape.
            variable: one that the optimiser was built for.
            learning_rate: scalar.
        """
        _move(self, gradient, variable, learning_rate)


class Adam(_Fused, keras.optimizers.Adam):
    """Adam, without `amsgrad`."""


class AdamW(_Fused, keras.optimizers.AdamW):
    """Adam with weight decay, without `amsgrad`."""


def _move(
    adam: keras.optimizers.Adam,
    gradient: tf.Tensor,
    variable: tf.Variable,
    learning_rate: tf.Tensor,
) -> None:
    dtype = variable.dtype
    done = tf.cast(adam.iterations + 1, dtype)
    index = adam._get_variable_index(variable)
    tf.raw_ops.ResourceApplyAdam(
        var=_tensor_of(variable).handle,
        m=_tensor_of(adam._momentums[index]).handle,
        v=_tensor_of(adam._velocities[index]).handle,
        beta1_power=tf.cast(adam.beta_1, dtype) ** done,
        beta2_power=tf.cast(adam.beta_2, dtype) ** done,
        lr=tf.cast(learning_rate, dtype),
        beta1=tf.cast(adam.beta_1, dtype),
        beta2=tf.cast(adam.beta_2, dtype),
        epsilon=tf.cast(adam.epsilon, dtype),
        grad=tf.cast(gradient, dtype),
    )


def _tensor_of(variable: keras.Variable | tf.Variable) -> tf.Variable:
    """TensorFlow's variable behind one of Keras."""
    return variable.value if isinstance(variable, keras.Variable) else variable
