"""A pixel takes over its neighbours' flow where that explains LR better.

Steps in closed form find the displacement that is nearest, and smooth it over
their window. At depth edges that is the wrong one for one of the sides, and
the right one is at hand: a few pixels away. So the whole flow is tried as it
would be if it came from each of eight neighbours, and mixed by what is then
left between warped REF and LR.

Reference: Barnes et al., "PatchMatch", SIGGRAPH 2009 (propagation); Bleyer et
al., "PatchMatch Stereo", BMVC 2011.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from crossnet_tf.model.windows import window_power

_WINDOW = 3
_NEIGHBOURS = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]
# A neighbour must leave this share less, and how sharply the best one wins.
_BETTER = 0.95
_SHARPNESS = 6.0
_NOISE = 1e-6


def propagate(
    flow: tf.Tensor,
    images: Sequence[tf.Tensor],
    remainder: Callable[..., tf.Tensor],
    distances: list[int],
) -> tf.Tensor:
    """Mixes the flow of each pixel with that of eight neighbours.

    Args:
        flow: `[B, H, W, 2]` float32.
        images: what `remainder` needs, each `[B, H, W, C]`.
        remainder: maps the images and a flow to what that flow leaves
            unexplained, `[B, H, W, C]`.
        distances: of the neighbours, in pixels, one after another.

    Returns:
        `[B, H, W, 2]` float32. No gradient passes through it.
    """
    count = 1 + len(_NEIGHBOURS)
    images = [tf.tile(image, [count, 1, 1, 1]) for image in images]
    for distance in distances:
        flows = [flow, *_neighbours(flow, distance)]
        left = remainder(*images, tf.concat(flows, axis=0))
        left = tf.split(window_power(left, _WINDOW), count, axis=0)
        weights = _weights(*left)
        flow = tf.add_n(
            [weights[..., i : i + 1] * f for i, f in enumerate(flows)]
        )
    return tf.stop_gradient(flow)


def _neighbours(flow: tf.Tensor, distance: int) -> list[tf.Tensor]:
    pads = [[0, 0], [distance, distance], [distance, distance], [0, 0]]
    padded = tf.pad(flow, pads, "SYMMETRIC")
    height, width = tf.shape(flow)[1], tf.shape(flow)[2]
    flows = []
    for row, column in _NEIGHBOURS:
        top, left = distance * (1 + row), distance * (1 + column)
        flows.append(padded[:, top : top + height, left : left + width])
    return flows


def _weights(own: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
    limit = _BETTER * own + _NOISE
    scores = [1.0 - (other + _NOISE) / limit for other in others]
    scores = tf.concat([tf.zeros_like(own), *scores], axis=-1)
    return tf.nn.softmax(_SHARPNESS * scores)
