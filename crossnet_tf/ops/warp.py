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
over a last axis of two are slow. Gradients need image and flow alone.

Where gradients are wanted, rows are done a strip at a time, in place: at once,
pixels of four neighbours and their gradients were eight times the image, and
the most that a training step held. A GPU has them at once.
"""

from collections.abc import Callable

import tensorflow as tf

from crossnet_tf.ops.recomputation import is_recorded, once
from crossnet_tf.ops.subgraph import repeated

_STRIP_BYTES = 2**22


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
    if is_recorded():
        return _recorded(image, flow)
    return once(lambda: _sampled(image, flow))


@tf.custom_gradient
def _recorded(image: tf.Tensor, flow: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_flow = _flow_gradient(image, flow, upstream)
        with tf.control_dependencies([of_flow]):
            return _image_gradient(image, flow, upstream), of_flow

    return once(lambda: _sampled_by_strips(image, flow)), backward


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
def _sampled_by_strips(image: tf.Tensor, flow: tf.Tensor) -> tf.Tensor:
    flat = tf.reshape(image, [-1, image.shape[-1]])
    first, right, down, x, y = _neighbours_by_rows(image, flow)

    def write(here: slice, result: tf.Tensor) -> tf.Tensor:
        shares = (tf.cast(z[here], image.dtype)[..., None] for z in (x, y))
        share_x, share_y = shares
        top = _mixed(flat, first[here], right, share_x)
        with tf.control_dependencies([top]):
            low = _mixed(flat, first[here] + down, right, share_x)
        return _put(result, here, top + share_y * (low - top))

    size = [*tf.unstack(tf.shape(first)), image.shape[-1]]
    result = _by_strips(write, _empty(size, image.dtype, flow), image)
    result = tf.reshape(result, tf.shape(image))
    return tf.ensure_shape(result, image.shape)


@repeated
def _flow_gradient(
    image: tf.Tensor, flow: tf.Tensor, upstream: tf.Tensor
) -> tf.Tensor:
    """By how much upstream's pixels go with those to the right, and below."""
    flat = tf.reshape(image, [-1, image.shape[-1]])
    first, right, down, x, y = _neighbours_by_rows(image, flow)
    upstream = _rows_of(upstream)

    def write(here: slice, result: tf.Tensor) -> tf.Tensor:
        place, wanted = first[here], upstream[here]

        def change(to: tf.Tensor, pixels: tf.Tensor) -> tf.Tensor:
            product = tf.reduce_sum(wanted * (to - pixels), -1)
            return tf.cast(product, tf.float32)

        pixels, below = tf.gather(flat, place), tf.gather(flat, place + down)
        top = change(tf.gather(flat, place + right), pixels)
        low = change(tf.gather(flat, place + down + right), below)
        dx = top + y[here] * (low - top)
        dy = change(below, pixels) + x[here] * (low - top)
        return _put(result, here, tf.stack([dx, dy], axis=-1))

    size = [*tf.unstack(tf.shape(first)), 2]
    result = _by_strips(write, _empty(size, tf.float32, upstream), image)
    height, width = tf.unstack(tf.shape(image)[1:3])
    inside = [
        (points >= 0.0) & (points <= tf.cast(size - 1, tf.float32))
        for points, size in zip(_points(flow), (width, height), strict=True)
    ]
    result = tf.reshape(result, tf.shape(flow))
    result = tf.where(tf.stack(inside, axis=-1), result, 0.0)
    return tf.cast(result, flow.dtype)


@repeated
def _image_gradient(
    image: tf.Tensor, flow: tf.Tensor, upstream: tf.Tensor
) -> tf.Tensor:
    """Each pixel of `upstream` to four neighbours, by their shares."""
    first, right, down, x, y = _neighbours_by_rows(image, flow)
    upstream = _rows_of(upstream)

    def write(here: slice, total: tf.Tensor) -> tf.Tensor:
        left, over = 1.0 - x[here], 1.0 - y[here]
        for step, share in (
            (0, over * left),
            (right, over * x[here]),
            (down, y[here] * left),
            (down + right, y[here] * x[here]),
        ):
            with tf.control_dependencies([total]):
                share = tf.cast(share, image.dtype)[..., None]
                total = _added(
                    total, first[here] + step, upstream[here] * share
                )
        return total

    size = [tf.size(first), image.shape[-1]]
    total = _empty(size, image.dtype, upstream)
    return tf.reshape(_by_strips(write, total, image), tf.shape(image))


def _by_strips(
    write: Callable[[slice, tf.Tensor], tf.Tensor],
    result: tf.Tensor,
    image: tf.Tensor,
) -> tf.Tensor:
    """Calls `write` for some rows after others, with what it returned last."""
    batch, height, width, _ = tf.unstack(tf.shape(image))
    count, row = batch * height, image.shape[-1] * image.dtype.size * width
    rows = tf.maximum(_STRIP_BYTES // tf.maximum(row, 1), 1)
    rows = count if _has_gpu() else rows
    _, result = tf.while_loop(
        lambda begin, _: begin < count,
        lambda begin, result: (
            begin + rows,
            write(slice(begin, begin + rows), result),
        ),
        (tf.constant(0), result),
        parallel_iterations=1,
    )
    return result


def _empty(size: list, dtype: tf.DType, after: tf.Tensor) -> tf.Tensor:
    """Zeros to write into: a constant would keep what is written."""
    with tf.control_dependencies([after]):  # Or it begins with the step.
        return tf.raw_ops.Empty(shape=tf.stack(size), dtype=dtype, init=True)


def _put(result: tf.Tensor, here: slice, rows: tf.Tensor) -> tf.Tensor:
    numbers = here.start + tf.range(tf.shape(rows)[0])
    return tf.raw_ops.InplaceUpdate(x=result, i=numbers, v=rows)


def _added(total: tf.Tensor, place: tf.Tensor, pixels: tf.Tensor) -> tf.Tensor:
    """Pixels `[h, W, C]` added to `total` `[N, C]` at their places."""
    place = tf.reshape(place, [-1])
    pixels = tf.reshape(pixels, [-1, total.shape[-1]])
    if _has_gpu():  # Many threads would add at one place at once.
        count = tf.shape(total)[0]
        return total + tf.math.unsorted_segment_sum(pixels, place, count)
    return tf.raw_ops.InplaceAdd(x=total, i=place, v=pixels)


def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def _rows_of(image: tf.Tensor) -> tf.Tensor:
    """`[B, H, W, C]` -> `[B * H, W, C]`."""
    _, _, width, _ = tf.unstack(tf.shape(image))
    return tf.reshape(image, [-1, width, image.shape[-1]])


def _neighbours_by_rows(
    image: tf.Tensor, flow: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """As `_neighbours`, `[B * H, W]` instead of `[B, H, W]`."""
    first, right, down, x, y = _neighbours(image, flow)
    width = tf.shape(image)[2]
    first, x, y = (tf.reshape(z, [-1, width]) for z in (first, x, y))
    return first, right, down, x, y


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
