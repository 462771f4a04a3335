"""Pairs with true flow at every pixel, made of photographs.

Some photographs lie one over the other, the upper ones cut out by soft
blobs; each moves in its own way. With texture t, matte m and motion f of each
layer, from the lowest to the highest,

    ref(p) = over of t(p) with m(p),
    hr(p)  = over of t(p + f(p)) with m(p + f(p)),

so that the flow from HR to REF is exactly the f of the layer that shows at p,
wherever p + f(p) is not hidden in REF. In most pairs the layers move along
one line, as in a light field; in the others freely. Within a layer motion
changes smoothly, as on a tilted or bent surface.

References: Dosovitskiy et al., "FlowNet", ICCV 2015 (Flying Chairs), and
Mayer et al., "What Makes Good Synthetic Training Data for Learning Disparity
and Optical Flow Estimation?", IJCV 2018, for moving cut-outs of photographs.
"""

import tensorflow as tf

from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.pairs.geometry import Sample

NUM_LAYERS = 3
# Share of pairs whose layers move along one line.
_LIGHT_FIELDS = 0.6
# Smooth changes within a layer, as a share of its motion.
BENDING = 0.15
# Weight of the flow where REF hides what HR shows: it is a guess there.
_HIDDEN = 0.2


class _Draws:
    """Stateless draws, each from a seed of its own."""

    def __init__(self, seed: tf.Tensor) -> None:
        self._seed, self._count = seed, 0

    def _next(self) -> tf.Tensor:
        self._count += 1
        return tf.random.fold_in(self._seed, self._count)

    def uniform(self, shape=(), low=0.0, high=1.0) -> tf.Tensor:
        return tf.random.stateless_uniform(shape, self._next(), low, high)

    def smooth(self, size: int, cells: int, channels: int) -> tf.Tensor:
        """`[layers, size, size, channels]`: normal noise, `cells` across."""
        shape = [NUM_LAYERS, cells, cells, channels]
        noise = tf.random.stateless_normal(shape, self._next())
        return tf.image.resize(noise, [size, size], "bicubic")


def layered_pair(
    textures: tf.Tensor, margin: int, motion: tf.Tensor, seed: tf.Tensor
) -> Sample:
    """Makes a pair of `NUM_LAYERS` photographs.

    Args:
        textures: `[NUM_LAYERS, S, S, 3]` float32 in [0, 1].
        margin: pixels cut off at each side at the end, so that motion brings
            in what lies outside.
        motion: float32 scalar: the largest shift of a layer, in pixels.
        seed: stateless, `[2]`.

    Returns:
        `hr`, `ref` and `flow` (dx, dy, weight) `[S - 2 * margin, ..., 3]`
        float32.
    """
    size = textures.shape[1]
    draws = _Draws(seed)
    flow = _motions(draws, size, motion)
    mattes = _mattes(draws, size)
    # Each layer carries all mattes along, to see what REF hides where it goes.
    all_mattes = tf.transpose(mattes[..., 0], [1, 2, 0])[None]
    packed = tf.concat(
        [textures, tf.repeat(all_mattes, NUM_LAYERS, axis=0)], axis=-1
    )
    moved = backward_warp(packed, flow)
    end = size - margin
    moved, flow, mattes, textures = (
        x[:, margin:end, margin:end] for x in (moved, flow, mattes, textures)
    )
    return _over(textures, mattes, moved, flow)


def _over(textures, mattes, moved, flow) -> Sample:
    """Puts the layers one over the other, in REF and in HR."""
    ref, hr, shown = textures[0], moved[0, ..., :3], flow[0]
    hidden = _hidden(moved[0, ..., 3:], 0)
    for layer in range(1, NUM_LAYERS):
        ref += mattes[layer] * (textures[layer] - ref)
        matte = moved[layer, ..., 3 + layer : 4 + layer]
        hr += matte * (moved[layer, ..., :3] - hr)
        on_top = matte > 0.5
        shown = tf.where(on_top, flow[layer], shown)
        here = _hidden(moved[layer, ..., 3:], layer)
        hidden = tf.where(on_top, here, hidden)
    weight = 1.0 - (1.0 - _HIDDEN) * hidden
    return {"hr": hr, "ref": ref, "flow": tf.concat([shown, weight], -1)}


def _hidden(mattes: tf.Tensor, layer: int) -> tf.Tensor:
    """1 where a layer above `layer` covers, of `[H, W, layers]`."""
    above = tf.cast(mattes[..., layer + 1 :] > 0.5, tf.float32)
    if layer + 1 == NUM_LAYERS:
        return tf.zeros_like(mattes[..., :1])
    return tf.reduce_max(above, axis=-1, keepdims=True)


def _motions(draws: _Draws, size: int, motion: tf.Tensor) -> tf.Tensor:
    """`[layers, size, size, 2]`: where each layer's pixels come from.

    Small motions are drawn more often: neighbouring views are near.
    """
    reach = motion * draws.uniform() ** 1.5
    angle = draws.uniform(high=6.2832)
    line = tf.stack([tf.cos(angle), tf.sin(angle)])
    on_line = draws.uniform() < _LIGHT_FIELDS
    common = tf.where(draws.uniform() < 0.5, 1.0, 0.4)
    depths = draws.uniform([NUM_LAYERS], -1.0)
    places = common * draws.uniform((), -1.0) + (1.0 - 0.5 * common) * depths
    free = draws.uniform([NUM_LAYERS, 2], -0.75, 0.75)
    shifts = reach * tf.where(on_line, places[:, None] * line, free)
    along = draws.smooth(size, 3, 1) * line
    bent = tf.where(on_line, along, draws.smooth(size, 3, 2))
    bent *= BENDING * (0.1 + reach) * draws.uniform()
    return shifts[:, None, None] + bent


def _mattes(draws: _Draws, size: int) -> tf.Tensor:
    """`[layers, size, size, 1]`: blobs; the lowest layer covers everything.

    Blobs are a third to a tenth of the picture, and 0 to 2 layers show.
    """
    cells = tf.cast(3.0 + 8.0 * draws.uniform() ** 2, tf.int32)
    noise = draws.smooth(size, cells, 1)
    threshold = draws.uniform([NUM_LAYERS, 1, 1, 1], 0.0, 1.3)
    pixels_per_cell = size / tf.cast(cells, tf.float32)
    mattes = tf.sigmoid((noise - threshold) * pixels_per_cell / 0.8)
    count = 1.0 + draws.uniform(high=3.5)
    shows = tf.cast(tf.range(NUM_LAYERS), tf.float32) + 1.0 <= count
    mattes *= tf.cast(shows, tf.float32)[:, None, None, None]
    return tf.concat([tf.ones_like(mattes[:1]), mattes[1:]], axis=0)
