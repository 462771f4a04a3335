"""A pixel takes over its neighbours' flow where that explains LR better.

Steps in closed form find the displacement that is nearest, and smooth it over
their window. At depth edges that is the wrong one for one of the sides, and
the right one is at hand: a few pixels away. So the whole flow is tried as it
would be if it came from each of eight neighbours, and mixed by what is then
left between warped REF and LR.

Reference: Barnes et al., "PatchMatch", SIGGRAPH 2009 (propagation); Bleyer et
al., "PatchMatch Stereo", BMVC 2011.
"""

from collections.abc import Callable

import tensorflow as tf

from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.ops.windows import window_power

_WINDOW = 3  # found by trying, like the constants below
_AROUND = [(0, 0)]
_AROUND += [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]
# A neighbour must leave this share less, and how sharply the best one wins.
_BETTER = 0.95
_SHARPNESS = 6.0
_NOISE = 1e-6


def propagate(
    flow: tf.Tensor,
    source: tf.Tensor,
    remainder: Callable[[tf.Tensor], tf.Tensor],
    distances: list[int],
) -> tf.Tensor:
    """Mixes the flow of each pixel with that of eight neighbours.

    With r_0 the mean square that the pixel's own flow leaves in a window of 3
    pixels, and r_i that of neighbour i's flow:

        flow = sum_i softmax_i(-6 q_i) flow_i
        q_0 = 1, q_i = (r_i + 1e-6) / (0.95 r_0 + 1e-6)

    Args:
        flow: `[B, H, W, 2]` float32.
        source: `[B, H, W, C]` float32, the picture that is sampled.
        remainder: maps warped pictures `[9 * B, H, W, C]` to what they leave
            unexplained, of the same shape.
        distances: of the neighbours, in pixels, one after another.

    Returns:
        `[B, H, W, 2]` float32. No gradient passes through it.
    """
    for distance in distances:
        flows, warped = candidates(flow, source, distance)
        left = window_power(remainder(tf.concat(warped, axis=0)), _WINDOW)
        flow = mixed(flows, shares(tf.split(left, len(flows), axis=0)))
    return tf.stop_gradient(flow)


def candidates(
    flow: tf.Tensor, source: tf.Tensor, distance: int
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Flow as it is and from eight neighbours, and `source` warped by each.

    A picture warped by a neighbour's flow is the picture, shifted the other
    way, warped at the neighbour. So all shifted pictures are warped at once,
    as channels.

    Args:
        flow: `[B, H, W, 2]` float32.
        source: `[B, H, W, C]` float32.
        distance: of the neighbours, in pixels.

    Returns:
        Nine flows `[B, H, W, 2]`, the pixel's own first, and nine pictures
        `[B, H, W, C]`.
    """
    padded, shifts = _padded(flow, distance), _shifts(distance)
    wide = _repeat_border(source, 2 * distance)
    shifted = [
        _window(wide, (2 * distance - top, 2 * distance - left), distance)
        for top, left in shifts
    ]
    warped = backward_warp(tf.concat(shifted, axis=-1), padded)
    channels = source.shape[-1]
    pictures = []
    for number, shift in enumerate(shifts):
        part = slice(number * channels, (number + 1) * channels)
        pictures.append(_window(warped, shift, distance, part))
    return [_window(padded, shift, distance) for shift in shifts], pictures


def neighbours(flow: tf.Tensor, distance: int) -> list[tf.Tensor]:
    """The flows of `candidates` alone."""
    padded = _padded(flow, distance)
    return [_window(padded, shift, distance) for shift in _shifts(distance)]


def shares(left: list[tf.Tensor]) -> tf.Tensor:
    """How much each of the candidates counts.

    Args:
        left: for each, its mean square around the pixel, `[B, H, W, 1]`; the
            pixel's own first.

    Returns:
        `[B, H, W, 9]` float32, of sum 1.
    """
    own, *others = left
    limit = _BETTER * own + _NOISE
    ratios = [(other + _NOISE) / limit for other in others]
    ratios = tf.concat([tf.ones_like(own), *ratios], axis=-1)
    return tf.nn.softmax(-_SHARPNESS * ratios)


def mixed(flows: list[tf.Tensor], weights: tf.Tensor) -> tf.Tensor:
    """The candidates' flow, mixed.

    Args:
        flows: of `candidates`, `[B, H, W, 2]`.
        weights: `[B, H, W, 9]` of sum 1, as `shares` gives them.

    Returns:
        `[B, H, W, 2]` float32.
    """
    return tf.add_n([weights[..., i : i + 1] * f for i, f in enumerate(flows)])


def _padded(flow: tf.Tensor, distance: int) -> tf.Tensor:
    pads = [[0, 0], [distance, distance], [distance, distance], [0, 0]]
    return tf.pad(flow, pads, "SYMMETRIC")


def _shifts(distance: int) -> list[tuple[int, int]]:
    """Where each neighbour's window begins in what is padded."""
    return [(distance * (1 + y), distance * (1 + x)) for y, x in _AROUND]


def _repeat_border(images: tf.Tensor, count: int) -> tf.Tensor:
    for axis in (1, 2):
        size = tf.shape(images)[axis]
        rows = tf.clip_by_value(tf.range(-count, size + count), 0, size - 1)
        images = tf.gather(images, rows, axis=axis)
    return images


def _window(
    images: tf.Tensor,
    start: tuple[int, int],
    distance: int,
    channels: slice = slice(None),
) -> tf.Tensor:
    """The part that begins at `start` and is 2 * `distance` smaller."""
    rows, columns = (slice(n, n - 2 * distance or None) for n in start)
    return images[:, rows, columns, channels]
