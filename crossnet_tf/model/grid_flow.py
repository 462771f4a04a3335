"""The flow estimator of preset `quick`: all work at a quarter of the size.

LR holds nothing finer than its own pixel, so nearly all of the flow's work is
done on a grid of a quarter of HR's size, which is LR's own at x4. Coarse
levels are in closed form only: two first guesses, none and the best of all
whole shifts (`global_match`), are both improved by Lucas-Kanade steps, and
each pixel takes the one that explains LR better. Then REF's colours are
brought to LR's (`tone`).

Only the flow itself goes on at half size, since depth edges of REF are sharp
there: learned steps (`grid_steps`) look at what warped REF leaves of LR. Before
each but the first of them, pixels take over what their neighbours found
(`propagation`).

Each step learns from the flow that it was given, taken as constant.
"""

import keras
import tensorflow as tf

from crossnet_tf.model.grid import CELL, GRID, on_grid
from crossnet_tf.model.grid_steps import Finest, Observation
from crossnet_tf.ops import tone
from crossnet_tf.ops.brightness import matching_gain
from crossnet_tf.ops.global_match import global_match
from crossnet_tf.ops.lucas_kanade import lucas_kanade
from crossnet_tf.ops.propagation import candidates, mixed, neighbours, shares
from crossnet_tf.ops.pyramids import double_flow, halve_flow, pyramid
from crossnet_tf.ops.resampling import cubic_downscale
from crossnet_tf.ops.subgraph import repeated
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.ops.windows import window_power

_COARSEST = 3
_SEARCHED = 2
_RADIUS = 4
_PYRAMID_STEPS = 3
# At the grid's own size, before and after the tone curve is known.
_STEPS_BEFORE, _STEPS_AFTER = 1, 2
# How much better the searched flow must be, and how soon it wins.
_SHARPNESS, _BIAS = 8.0, 1.0
_NOISE = 1e-5


@keras.saving.register_keras_serializable("crossnet_tf")
class GridFlow(keras.layers.Layer):
    """Flow by matching on a grid, and learned steps on half-size flow.

    Args:
        scale: HR size / LR size.
        width: channels of the steps' state; twice as many inside.
        steps: learned steps at half size, all with the same weights; one
            more, with its own, looks at REF as it is.
    """

    def __init__(self, scale: int, width: int = 16, steps: int = 3, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.scale, self.width, self.steps = scale, width, steps
        self.observation = Observation(scale, width, name="observation")
        self.finest = Finest(scale, width, name="finest")

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
        flow = self.finest(target, ref, flow, state, curve)
        return flow, earlier, state, curve

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
