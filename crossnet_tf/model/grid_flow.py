"""The flow estimator of preset `quick`: all work at a quarter of the size.

LR holds nothing finer than its own pixel, so nearly all of the flow's work is
done on a grid of a quarter of HR's size, which is LR's own at x4. Coarse
levels are in closed form only: two first guesses, none and the best of all
whole shifts (`global_match`), are both improved by Lucas-Kanade steps, and
each pixel takes the one that explains LR better. Then REF's colours are
brought to LR's (`tone`).

Only the flow itself goes on at half size, since depth edges of REF are sharp
there. `_Observation` warps REF as it is, shrinks the result as LR came from
HR, and looks on the grid at what is left: displacements over windows of three
sizes, of which a small network takes a mixture for each of the four pixels
below, adds a bounded change and hands its state on. Before each but the first
step, pixels take over what their neighbours found (`propagation`).

Each step learns from the flow that it was given, taken as constant.
"""

import keras
import tensorflow as tf

from crossnet_tf.model.convolution import Convolution, leaky_relu
from crossnet_tf.ops import tone
from crossnet_tf.ops.brightness import matching_gain
from crossnet_tf.ops.global_match import global_match
from crossnet_tf.ops.lucas_kanade import lucas_kanade, solve_means, structure
from crossnet_tf.ops.propagation import candidates, mixed, neighbours, shares
from crossnet_tf.ops.pyramids import double_flow, halve_flow, pyramid
from crossnet_tf.ops.resampling import cubic_downscale, cubic_upscale
from crossnet_tf.ops.subgraph import repeated
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.ops.windows import window_mean, window_power

STRIDE = 32
GRID = 4
CELL = 8
"""Pixels of the grid that share a gain: 32 of the full size."""

_COARSEST = 3
_SEARCHED = 2
_RADIUS = 4
_PYRAMID_STEPS = 3
# At the grid's own size, before and after the tone curve is known.
_STEPS_BEFORE, _STEPS_AFTER = 1, 2
_WINDOWS = (3, 5, 9)
_MAX_CHANGE = 1.0
# How much better the searched flow must be, and how soon it wins.
_SHARPNESS, _BIAS = 8.0, 1.0
_NOISE = 1e-5


@keras.saving.register_keras_serializable("crossnet_tf")
class GridFlow(keras.layers.Layer):
    """Flow by matching on a grid, and learned steps on half-size flow.

    Args:
        scale: HR size / LR size.
        width: channels of the steps' state; twice as many inside.
        steps: learned steps at half size, all with the same weights.
    """

    def __init__(self, scale: int, width: int = 16, steps: int = 3, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.scale, self.width, self.steps = scale, width, steps
        self.observation = _Observation(scale, width, name="observation")

    def call(
        self, lr: tf.Tensor, ref: tf.Tensor
    ) -> tuple[tf.Tensor, list, tf.Tensor, tf.Tensor]:
        """Flow from HR's grid to `ref`.

        Args:
            lr: `[B, h, w, 3]` float32.
            ref: `[B, s*h, s*w, 3]` float32, sizes in 32nds.

        Returns:
            The half-size flow `[B, s*h / 2, s*w / 2, 2]`; a list of (level,
            flow) that led there; the state, `[B, s*h / 4, s*w / 4, width]`;
            the tone curve `[B, 1, K, 3]`.
        """
        target = on_grid(lr, self.scale)
        source = on_grid(cubic_downscale(ref, self.scale), self.scale)
        flow, curve = _matched(target, source)
        target = tone.within(target, curve)
        toned = tone.with_tone(source, curve)
        earlier = []
        half = tf.nn.avg_pool2d(ref, 2, 2, "VALID")
        flow = double_flow(flow)
        state = tf.tile(tf.zeros_like(target[..., :1]), [1, 1, 1, self.width])
        gain = tf.ones_like(target)
        for number in range(self.steps):
            if number > 0:
                flow = _propagated(target, toned, flow, gain)
            flow, state, gain = self.observation(
                target, half, flow, state, curve
            )
            earlier.append((1, flow))
        return flow, earlier[:-1], state, curve

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "scale": self.scale,
            "width": self.width,
            "steps": self.steps,
        }


def all_flows(half: tf.Tensor) -> list[tf.Tensor]:
    """V0 to V3 from the half-size flow."""
    flows = [double_flow(half), half]
    return [*flows, halve_flow(half), halve_flow(halve_flow(half))]


def on_grid(lr: tf.Tensor, scale: int) -> tf.Tensor:
    """A picture of LR's size, `[B, h, w, C]`, at a quarter of HR's."""
    if scale > GRID:
        return cubic_upscale(lr, scale // GRID)
    return cubic_downscale(lr, GRID // scale) if scale < GRID else lr


@repeated
def _matched(target, source) -> tuple[tf.Tensor, tf.Tensor]:
    """Flow on the grid, and the tone curve, in closed form."""
    targets, sources = pyramid(target, _COARSEST), pyramid(source, _COARSEST)

    def improved(flow, level, times=1, steps=_PYRAMID_STEPS):
        images = targets[level], sources[level]
        # Each hypothesis is a sample of a batch.
        ours, theirs = (tf.tile(one, [times, 1, 1, 1]) for one in images)
        gain = matching_gain(ours, backward_warp(theirs, flow), CELL >> level)
        return lucas_kanade(ours, theirs, flow, steps, gain)

    near = improved(tf.zeros_like(targets[_COARSEST][..., :2]), _COARSEST)
    wide = global_match(targets[_SEARCHED], sources[_SEARCHED], _RADIUS)
    both = tf.concat([double_flow(near), wide], axis=0)
    for level in range(_SEARCHED, 0, -1):
        if level < _SEARCHED:
            both = double_flow(both)
        both = improved(both, level, times=2)
    flow = _better(targets[1], sources[1], both)
    flow = improved(double_flow(flow), 0, steps=_STEPS_BEFORE)
    curve = tone.tone_curve(target, backward_warp(source, flow))
    toned = tone.with_tone(source, curve)
    target = tone.within(target, curve)
    return lucas_kanade(target, toned, flow, _STEPS_AFTER), curve


def _better(target, source, both) -> tf.Tensor:
    """Mixes two flows, one after another, by what they leave unexplained."""
    target, source = (tf.tile(one, [2, 1, 1, 1]) for one in (target, source))
    warped = backward_warp(source, both)
    warped *= matching_gain(target, warped, CELL >> 1)
    left = window_power(target - warped, 5) + _NOISE
    ours, theirs = tf.split(left, 2, axis=0)
    near, wide = tf.split(both, 2, axis=0)
    share = (ours - theirs) / (ours + theirs)
    return near + tf.sigmoid(_SHARPNESS * share - _BIAS) * (wide - near)


class _Observation(keras.layers.Layer):
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
        self.state = Convolution(width, 3, 1, tf.nn.tanh, name="state")

    def seen(self, warped: tf.Tensor, curve: tf.Tensor) -> tf.Tensor:
        """What LR would show of half-size pictures, on the grid."""
        # At x2 LR has the size of `warped`.
        if self.scale > 2:
            warped = cubic_downscale(warped, self.scale // 2)
        return tone.with_tone(on_grid(warped, self.scale), curve)

    @repeated
    def call(self, target, half, flow, state, curve):
        flow = tf.stop_gradient(flow)
        warped = backward_warp(half, flow)
        seen = self.seen(warped, curve)
        gain = matching_gain(target, seen, CELL)
        seen = gain * seen
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
        votes = tf.nn.softmax(below[..., :-2])
        for number, move in enumerate(moves):
            flow += votes[..., number : number + 1] * double_flow(move)
        flow += _MAX_CHANGE * tf.tanh(below[..., -2:])
        return flow, tf.cast(self.state(features), tf.float32), gain


@repeated
def _propagated(target, source, flow, gain) -> tf.Tensor:
    """Half-size `flow` with that of neighbours where it explains LR better.

    On the grid, where it is cheap: what is to be told apart there are the two
    sides of a depth edge.
    """
    distance = GRID // 2
    around, warped = candidates(halve_flow(flow), source, distance // 2)
    # Each as a sample of a batch; the gain is that of all.
    repeats = [len(around), 1, 1, 1]
    left = tf.tile(target, repeats) - tf.tile(gain, repeats) * tf.concat(
        warped, axis=0
    )
    left = tf.split(window_power(left, 3), len(around), axis=0)
    weights = tf.image.resize(shares(left), tf.shape(flow)[1:3])
    return tf.stop_gradient(mixed(neighbours(flow, distance), weights))
