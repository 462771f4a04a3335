"""The last levels of `lite`'s flow: what LR observed decides.

LR is HR blurred and sampled. Blurring both pictures and then matching them
is right only where the flow is constant: at depth edges the blur mixes what
moves differently. Here REF is warped first, as it is, and blurred then, just
as LR came from HR: what is left between that and LR are errors of the flow
(or things that REF does not show), at any edge.

REF is brought to LR's brightness for that (`brightness`), and where the camera
alone moved, the flow's line is a prior (`epipolar`).

Some steps at half size, all with the same weights, look at what is left.
Each solves for the displacement over windows of three sizes (`lucas_kanade`),
and a small network votes for one of them, or for none but what the prior
says, adds a bounded change, and hands its state to the next step. Before each
but the first, pixels take over what their neighbours found (`propagation`).
A last correction makes the flow fit the full-size picture.

Each step learns from the flow that it was given, taken as constant: passed
on through the steps, gradients of the last flow teach the first steps to err
in favour of the last.

Reference: Teed and Deng, "RAFT", ECCV 2020 (recurrent steps that share their
weights; flows compared with the truth after each).
"""

import keras
import tensorflow as tf

from crossnet_tf.model.convolution import Convolution, leaky_relu
from crossnet_tf.ops.brightness import CELL, observable, observed
from crossnet_tf.ops.epipolar import line_prior
from crossnet_tf.ops.lucas_kanade import solve_means, structure
from crossnet_tf.ops.propagation import propagate
from crossnet_tf.ops.pyramids import double_flow
from crossnet_tf.ops.subgraph import repeated
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.ops.windows import window_mean

STEPS = 4
_MAX_CHANGE = 2.0
# Differences that are only set to zero: what the flow is without new evidence.
_AT_REST = (1.0, 1.0, 1.0, 0.0, 0.0)


@keras.saving.register_keras_serializable("crossnet_tf")
class ObservedFlow(keras.layers.Layer):
    """Makes a half-size flow exact, and brings it to full size.

    Args:
        scale: HR size / LR size.
        width: channels of the state; twice as many inside.
    """

    def __init__(self, scale: int, width: int = 16, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.scale, self.width = scale, width
        self.windows = [(n * scale // 2 + 1) | 1 for n in (1, 2, 4)]
        self.distances = [n for n in (scale // 2, scale // 4) if n]
        self.steps = [
            Convolution(2 * width, 3, 1, leaky_relu, name=f"step{i}")
            for i in (1, 2, 3)
        ]
        # Votes for each window and for none, a change, the next state.
        self.votes = _head(len(self.windows) + 1, "votes")
        self.change = _head(2, "change")
        self.state = Convolution(width, 3, 1, tf.nn.tanh, name="state")
        self.edges = Convolution(2 * width, 3, 1, leaky_relu, name="edges")
        self.full_size = _head(2 * 4, "full_size")

    def call(
        self, lr_up: tf.Tensor, ref: tf.Tensor, flow: tf.Tensor
    ) -> list[tf.Tensor]:
        """Improves `flow`.

        Args:
            lr_up: `[B, H, W, 3]` float32, LR enlarged; H and W even.
            ref: `[B, H, W, 3]` float32.
            flow: `[B, H / 2, W / 2, 2]` float32, in its own pixels.

        Returns:
            The flow after each step, `[B, H / 2, W / 2, 2]` float32, and at
            last the full-size one, `[B, H, W, 2]`.
        """
        target = tf.nn.avg_pool2d(lr_up, 2, 2, "VALID")
        source = tf.nn.avg_pool2d(ref, 2, 2, "VALID")
        state = tf.tile(tf.zeros_like(target[..., :1]), [1, 1, 1, self.width])
        gain = tf.ones_like(target)
        flows = []
        for number in range(STEPS):
            if number > 0:
                flow = self._propagated(target, source, flow, gain)
            flow, state, gain = self._step(target, source, flow, state)
            flows.append(flow)
        return [*flows, self._enlarged(lr_up, ref, flow, state, gain)]

    @repeated
    def _propagated(self, target, source, flow, gain):
        def remainder(warped):
            seen = observable(warped, self.scale // 2)
            candidates = tf.concat([[-1], tf.shape(target)], axis=0)
            left = target - gain * tf.reshape(seen, candidates)
            return tf.reshape(left, tf.shape(warped))

        return propagate(flow, source, remainder, self.distances)

    @repeated
    def _step(self, target, source, flow, state):
        flow = tf.stop_gradient(flow)
        warped = backward_warp(source, flow)
        warped, seen, gain = observed(
            target, warped, self.scale // 2, CELL // 2
        )
        products = structure(target, seen)
        prior = line_prior(flow, products)
        means = [window_mean(products, window) for window in self.windows]
        moves = [solve_means(mean, prior) for mean in means]
        at_rest = solve_means(_AT_REST * means[1], prior)
        features = tf.concat(
            [*_features(target, seen, flow), warped - seen, *moves, state],
            axis=-1,
        )
        for convolution in self.steps:
            features = convolution(features)
        votes = tf.nn.softmax(self.votes(features))
        for number, move in enumerate([*moves, at_rest]):
            flow += votes[..., number : number + 1] * move
        flow += _MAX_CHANGE * tf.tanh(self.change(features))
        return flow, tf.cast(self.state(features), tf.float32), gain

    def _enlarged(self, lr_up, ref, flow, state, gain):
        flow = double_flow(tf.stop_gradient(flow))
        size = tf.shape(lr_up)[1:3]
        warped = tf.image.resize(gain, size) * backward_warp(ref, flow)
        seen = observable(warped, self.scale)
        features = [*_features(lr_up, seen, flow), warped - seen]
        features = tf.nn.space_to_depth(tf.concat(features, axis=-1), 2)
        features = self.edges(tf.concat([features, state], axis=-1))
        change = tf.nn.depth_to_space(self.full_size(features), 2)
        return flow + _MAX_CHANGE * tf.tanh(change)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "scale": self.scale,
            "width": self.width,
        }


def _features(target, seen, flow) -> list[tf.Tensor]:
    # Only the flow's shape matters: its mean says nothing of its errors.
    return [target, 10.0 * (target - seen), flow - window_mean(flow, 7)]


def _head(filters: int, name: str) -> Convolution:
    initializer = keras.initializers.RandomNormal(stddev=1e-3)
    return Convolution(
        filters, 3, kernel_initializer=initializer, dtype="float32", name=name
    )
