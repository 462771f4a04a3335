"""Backward warping by cubic interpolation, at hardly more than bilinear's cost.

A cubic through four pixels (Catmull and Rom) is the straight line through the
middle two, less a share of the second difference, itself interpolated:

    cubic(f) = line(f) - f (1 - f) / 2 * line of second differences(f)

Where a flow is even, the second differences of the warped picture are the
warped second differences. So the picture is warped once, bilinearly, and
sharpened after; on each axis, without the mixed term. Where the flow jumps
there is nothing to sharpen, and it is left as it is.

Reference: Catmull and Rom, "A class of local interpolating splines", 1974.
"""

import tensorflow as tf

from crossnet_tf.ops.subgraph import repeated
from crossnet_tf.ops.warp import backward_warp

# Bend of the flow, in pixels, at which sharpening has fallen to a half.
_BEND = 0.25


@repeated
def cubic_warp(image: tf.Tensor, flow: tf.Tensor) -> tf.Tensor:
    """Samples `image` where `flow` points, as `backward_warp`.

    Args:
        image: `[B, H, W, C]` float32.
        flow: `[B, H, W, 2]` float32, (dx, dy) in pixels.

    Returns:
        `[B, H, W, C]` float32; may leave the range of `image` at edges. Its
        gradient is that of `backward_warp`, sharpened by the same shares.
    """
    warped = backward_warp(image, flow)
    place = tf.stop_gradient(flow)
    fraction = place - tf.floor(place)
    share = 0.5 * fraction * (1.0 - fraction)
    bend = tf.reduce_max(
        _second(place, 1) ** 2 + _second(place, 2) ** 2, axis=-1, keepdims=True
    )
    share /= 1.0 + bend / _BEND**2
    sharper = share[..., :1] * _second(warped, 2)
    return warped - sharper - share[..., 1:] * _second(warped, 1)


def _second(images: tf.Tensor, axis: int) -> tf.Tensor:
    """Second difference along rows (1) or columns (2), the border mirrored.

    It is a symmetric matrix, so that its gradient is made by itself.
    """

    @tf.custom_gradient
    def second(images):
        return _difference(images, axis), lambda g: _difference(g, axis)

    return second(images)


def _difference(images: tf.Tensor, axis: int) -> tf.Tensor:
    pads = [[0, 0], [0, 0], [0, 0], [0, 0]]
    pads[axis] = [1, 1]
    padded = tf.pad(images, pads, "SYMMETRIC")
    if axis == 1:
        return padded[:, :-2] + padded[:, 2:] - 2.0 * images
    return padded[:, :, :-2] + padded[:, :, 2:] - 2.0 * images
