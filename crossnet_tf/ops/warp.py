"""Backward warping: samples an image where a flow points.

The flow of output pixel (x, y) is `(dx, dy)`, in pixels, towards the sampled
image: `out(x, y) = image(x + dx, y + dy)`. Coordinates are clamped to the
border, so a flow that points outside repeats the edge; its gradient with
respect to the flow is zero there. Channel order and sign are those of
optical-flow files, not of `tfa.image.dense_image_warp`, whose flow is
`(dy, dx)` and subtracted.

Coordinates and weights stay in float32 whatever the image's dtype, because
bfloat16 cannot tell neighbouring pixels apart beyond 256. Neighbours come
from flat gathers on linear indices: the fastest form on CPUs (measured
against one gather of all four), and the one that exports to TF-Lite with
unknown sizes. x and y stay apart until the end, since operators that broadcast
over a last axis of two are slow. Gradients need image and flow alone, and
take one neighbour after the other: all at once, the gradients of four gathers
were eight times the image, and the most that a training step held.
"""

from collections.abc import Callable

import tensorflow as tf

from crossnet_tf.ops.recomputation import is_recorded
from crossnet_tf.ops.subgraph import repeated


def backward_warp(image: tf.Tensor, flow: tf.Tensor) -> tf.Tensor:
    """Samples `image` where `flow` points (bilinear, borders clamped).

    out[b, y, x] = image[b, y + flow[b, y, x, 1], x + flow[b, y, x, 0]]

    Args:
        image: `[B, H, W, C]` float, any range; C known statically.
        flow: `[B, H, W, 2]` float32, (dx, dy) in pixels of this level.

    Returns:
        `[B, H, W, C]`, the dtype of `image`, differentiable in both.

    Raises:
        ValueError: a rank is not 4, or the last size of `flow` is not 2, or
            the number of channels of `image` is unknown.

    Source: Zheng et al., ECCV 2018, section 3.1.
    """
    image, flow = tf.convert_to_tensor(image), tf.convert_to_tensor(flow)
    _check(image, flow)
    return (_recorded if is_recorded() else _sampled)(image, flow)


@tf.custom_gradient
def _recorded(image: tf.Tensor, flow: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_flow = _flow_gradient(image, flow, upstream)
        with tf.control_dependencies([of_flow]):
            return _image_gradient(image, flow, upstream), of_flow

    return _sampled(image, flow), backward


@repeated
def _sampled(image: tf.Tensor, flow: tf.Tensor) -> tf.Tensor:
    flat = tf.reshape(image, [-1, image.shape[-1]])
    first, right, down, x, y = _neighbours(image, flow)
    x, y = (tf.expand_dims(tf.cast(z, image.dtype), -1) for z in (x, y))
    top = _mixed(flat, first, right, x)
    with tf.control_dependencies([top]):
        low = _mixed(flat, first + down, right, x)
    return tf.ensure_shape(top + y * (low - top), image.shape)


@repeated
def _flow_gradient(
    image: tf.Tensor, flow: tf.Tensor, upstream: tf.Tensor
) -> tf.Tensor:
    """By how much upstream's pixels go with those to the right, and below."""
    flat = tf.reshape(image, [-1, image.shape[-1]])
    first, right, down, x, y = _neighbours(image, flow)

    def change(to: tf.Tensor, pixels: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.reduce_sum(upstream * (to - pixels), -1), tf.float32)

    pixels = tf.gather(flat, first)
    top = change(tf.gather(flat, first + right), pixels)
    with tf.control_dependencies([top]):
        below = tf.gather(flat, first + down)
        left = change(below, pixels)
    with tf.control_dependencies([left]):
        low = change(tf.gather(flat, first + down + right), below)
    dx = top + y * (low - top)
    dy = left + x * (low - top)
    height, width = tf.unstack(tf.shape(image)[1:3])
    inside = [
        (points >= 0.0) & (points <= tf.cast(size - 1, tf.float32))
        for points, size in zip(_points(flow), (width, height), strict=True)
    ]
    both = [tf.where(*pair, 0.0) for pair in zip(inside, (dx, dy), strict=True)]
    return tf.cast(tf.stack(both, axis=-1), flow.dtype)


@repeated
def _image_gradient(
    image: tf.Tensor, flow: tf.Tensor, upstream: tf.Tensor
) -> tf.Tensor:
    """Each pixel of `upstream` to four neighbours, by their shares."""
    first, right, down, x, y = _neighbours(image, flow)
    count = tf.size(first)
    total = tf.zeros([count, image.shape[-1]], image.dtype)
    for place, share in (
        (first, (1.0 - y) * (1.0 - x)),
        (first + right, (1.0 - y) * x),
        (first + down, y * (1.0 - x)),
        (first + down + right, y * x),
    ):
        with tf.control_dependencies([total]):
            share = tf.expand_dims(tf.cast(share, image.dtype), -1)
            part = tf.math.unsorted_segment_sum(upstream * share, place, count)
            total += part
    return tf.reshape(total, tf.shape(image))


def _neighbours(image: tf.Tensor, flow: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Where each pixel is taken from.

    Returns:
        Number of the upper left neighbour in the flat image, `[B, H, W]`
        int32; how far the ones to the right and below are from it; and the
        shares of these two, `[B, H, W]` float32.
    """
    batch, height, width, _ = tf.unstack(tf.shape(image))
    points_x, points_y = _points(flow)
    left, x = _placed(points_x, width)
    top, y = _placed(points_y, height)
    first = tf.range(batch)[:, None, None] * (height * width)
    first += top * width + left
    right = tf.minimum(width - 1, 1)
    down = tf.minimum(height - 1, 1) * width
    return first, right, down, x, y


def _points(flow: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """X and y that the flow points to, `[B, H, W]` float32."""
    height, width = tf.unstack(tf.shape(flow)[1:3])
    dx, dy = tf.unstack(tf.cast(flow, tf.float32), axis=-1)
    return _numbers(width) + dx, _numbers(height)[:, None] + dy


def _numbers(count: tf.Tensor) -> tf.Tensor:
    return tf.range(tf.cast(count, tf.float32))


def _placed(points: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Between which pixels of a row or column of `size` points lie, clamped.

    Returns:
        Number of the first of the two, int32, and the share of the second.
    """
    points = tf.clip_by_value(points, 0.0, tf.cast(size - 1, tf.float32))
    # The last pixel has no next one: it is the one before with share 1.
    first = tf.minimum(tf.cast(points, tf.int32), tf.maximum(size - 2, 0))
    return first, points - tf.cast(first, tf.float32)


def _mixed(
    flat: tf.Tensor, first: tf.Tensor, step: tf.Tensor, share: tf.Tensor
) -> tf.Tensor:
    """Between pixels `first` and `first + step` of `flat` `[N, C]`."""
    pixels = tf.gather(flat, first)
    return pixels + share * (tf.gather(flat, first + step) - pixels)


def _check(image: tf.Tensor, flow: tf.Tensor) -> None:
    if image.shape.rank != 4 or image.shape[-1] is None:
        raise ValueError(
            "`image` must be [B, H, W, C] with C known. "
            f"Received: image.shape={image.shape}."
        )
    if flow.shape.rank != 4 or flow.shape[-1] != 2:
        raise ValueError(
            "`flow` must be [B, H, W, 2], (dx, dy) in pixels. "
            f"Received: flow.shape={flow.shape}."
        )
