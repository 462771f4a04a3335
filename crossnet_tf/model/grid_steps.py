"""The learned steps of preset `quick`'s flow.

Each warps REF, shrinks the result as LR came from HR, and looks on the grid
at what is left: displacements over windows of three sizes, of which a small
network takes a mixture for each of the four pixels below, and adds a bounded
change. `Observation` does so with REF at half size, several times with the
same weights, and hands a state on; `Finest` once, with REF as it is.
"""

import keras
import tensorflow as tf

from crossnet_tf.model.convolution import Convolution, leaky_relu
from crossnet_tf.model.grid import CELL, on_grid
from crossnet_tf.ops import tone
from crossnet_tf.ops.brightness import matching_gain
from crossnet_tf.ops.lucas_kanade import solve_means, structure
from crossnet_tf.ops.pyramids import double_flow
from crossnet_tf.ops.resampling import cubic_downscale
from crossnet_tf.ops.softness import softened
from crossnet_tf.ops.subgraph import repeated
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.ops.windows import window_mean

_WINDOWS = (3, 5, 9)
_MAX_CHANGE = 1.0


class _Step(keras.layers.Layer):
    """One step: what warped REF would look like on LR, and what that says."""

    def __init__(self, scale: int, width: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.scale, self.width = scale, width
        self.hidden = [
            Convolution(2 * width, 3, 1, leaky_relu, name=f"step{i}")
            for i in (1, 2)
        ]
        # For each of four pixels: votes for windows and for none, a change.
        votes = 4 * (len(_WINDOWS) + 1)
        self.head = Convolution(
            votes + 4 * 2,
            3,
            kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3),
            dtype="float32",
            name="head",
        )

    def moved(self, target, seen, warped, flow, state):
        """The flow after this step, and the features that decided on it.

        Args:
            target: `[B, H / 4, W / 4, 3]`, LR on the grid.
            seen: of the same size, what LR would show of `warped`.
            warped: `[B, H / 2, W / 2, 3]`.
            flow: `[B, H / 2, W / 2, 2]`, by which it was warped.
            state: `[B, H / 4, W / 4, width]`.
        """
        products = structure(target, seen)
        moves = [solve_means(window_mean(products, n)) for n in _WINDOWS]
        moves = [tf.stop_gradient(move) for move in moves]
        detail = tf.reduce_mean(warped, axis=-1, keepdims=True)
        shape = tf.nn.space_to_depth(
            tf.concat([flow - window_mean(flow, 7), detail], axis=-1), 2
        )
        features = [target, 10.0 * (target - seen), shape, *moves, state]
        features = tf.concat(features, axis=-1)
        for convolution in self.hidden:
            features = convolution(features)
        below = tf.nn.depth_to_space(self.head(features), 2)
        votes, change = tf.split(below, [len(_WINDOWS) + 1, 2], axis=-1)
        votes = tf.split(tf.nn.softmax(votes), len(_WINDOWS) + 1, axis=-1)
        for vote, move in zip(votes, moves):
            flow += vote * double_flow(move)
        return flow + _MAX_CHANGE * tf.tanh(change), features


class Observation(_Step):
    """A step at half size, of which there are several.

    Args:
        scale: HR size / LR size.
        width: channels of the state; twice as many inside.
    """

    def __init__(self, scale: int, width: int, **kwargs):
        super().__init__(scale, width, **kwargs)
        self.state = Convolution(width, 3, 1, tf.nn.tanh, name="state")

    def seen(self, warped: tf.Tensor, curve: tf.Tensor) -> tf.Tensor:
        """What LR would show of half-size pictures, on the grid."""
        # At x2 LR has the size of `warped`.
        if self.scale > 2:
            warped = cubic_downscale(warped, self.scale // 2)
        return tone.with_tone(on_grid(warped, self.scale), curve)

    @repeated
    def call(self, target, half, flow, state, curve):
        """The flow, the state and the gain after the step.

        Args:
            target: `[B, H / 4, W / 4, 3]` float32, LR on the grid.
            half: `[B, H / 2, W / 2, 3]` float32, REF.
            flow: `[B, H / 2, W / 2, 2]` float32, in its own pixels.
            state: `[B, H / 4, W / 4, width]` of the step before.
            curve: `[B, 1, K, 3]` of `tone`.
        """
        flow = tf.stop_gradient(flow)
        warped = backward_warp(half, flow)
        seen = self.seen(warped, curve)
        gain = matching_gain(target, seen, CELL)
        flow, features = self.moved(target, gain * seen, warped, flow, state)
        return flow, tf.cast(self.state(features), tf.float32), gain


class Finest(_Step):
    """The last step: REF is warped at full size, as the fusion will do it.

    Half-size pictures, sampled between pixels, are off by some hundredths of
    a pixel. And here what LR's lens took is taken from REF before the two are
    compared.

    Args:
        scale: HR size / LR size.
        width: channels of the state; twice as many inside.
    """

    def call(self, target, ref, flow, state, curve):
        """The flow after the step; as `Observation`, but `ref` at full size."""
        flow = tf.stop_gradient(flow)
        warped = backward_warp(ref, double_flow(flow))
        low = on_grid(cubic_downscale(warped, self.scale), self.scale)
        seen = tone.with_tone(low, curve)
        seen = softened(target, matching_gain(target, seen, CELL) * seen)
        warped = tf.nn.avg_pool2d(warped, 2, 2, "VALID")
        return self.moved(target, seen, warped, flow, state)[0]
