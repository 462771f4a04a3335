"""Overlapping patches: how well they match at each shift, and back together.

Queries are the patches of one image on a grid; the candidates of a query are
the patches of another image that lie up to `radius` pixels away on both axes.
Shift number `n` is `(dx, dy) = (n % side - radius, n // side - radius)` with
`side = 2 * radius + 1`. All work is on whole images: one shift at a time, all
patches at once.
"""

import tensorflow as tf

FAR = 1e6
"""Squared difference to a pixel beyond the border; a score's loss there."""


def shift_of(number: tf.Tensor, radius: int) -> tf.Tensor:
    """`(dx, dy)` of shift numbers: `[...]` int32 -> `[..., 2]` int32."""
    side = 2 * radius + 1
    return tf.stack([number % side, number // side], axis=-1) - radius


@tf.function(reduce_retracing=True)
def distances(
    queries: tf.Tensor,
    candidates: tf.Tensor,
    radius: int,
    size: int,
    stride: int,
    every: int = 1,
) -> tf.Tensor:
    """Mean squared difference of each query to each of its candidates.

    Args:
        queries: `[B, H, W, C]` float32; H and W are multiples of `stride`.
        candidates: `[B, H, W, C]` float32.
        radius: largest shift in pixels, on both axes.
        size: height and width of a patch.
        stride: distance of neighbouring queries.
        every: compare every so many pixels of a patch on both axes; what is
            blurred needs no more. `size` and `stride` are multiples of it.

    Returns:
        `[B, rows, cols, (2 * radius + 1)**2]` float32 with
        `rows = (H - size) // stride + 1`; about `FAR` times the share of
        a candidate that lies beyond the border is added.
    """
    pads = [[0, 0], [radius, radius], [radius, radius], [0, 0]]
    padded = tf.pad(candidates, pads, constant_values=FAR**0.5)
    shape = tf.shape(queries)
    thinned = queries[:, ::every, ::every]

    def cost(number: tf.Tensor) -> tf.Tensor:
        top, left = number // (2 * radius + 1), number % (2 * radius + 1)
        window = (
            slice(None),
            slice(top, top + shape[1], every),
            slice(left, left + shape[2], every),
        )
        error = tf.math.squared_difference(thinned, padded[window])
        error = tf.reduce_mean(error, axis=-1, keepdims=True)
        pooled = tf.nn.avg_pool2d(
            error, size // every, stride // every, "VALID"
        )
        return pooled[..., 0]

    costs = tf.map_fn(
        cost,
        tf.range((2 * radius + 1) ** 2),
        fn_output_signature=tf.float32,
    )
    return tf.transpose(costs, [1, 2, 3, 0])


@tf.function(reduce_retracing=True)
def correlations(
    queries: tf.Tensor,
    candidates: tf.Tensor,
    radius: int,
    size: int,
    stride: int,
) -> tf.Tensor:
    """Products of each query's descriptor and those of its candidates.

    Args:
        queries: `[B, H, W, C]` float32, a descriptor of each place; that of
            a patch is the one at its middle.
        candidates: `[B, H, W, C]` float32.
        radius: largest shift in pixels, on both axes.
        size: height and width of a patch.
        stride: distance of neighbouring queries.

    Returns:
        As `distances`, but larger is better: the product divided by the root
        of C, less `FAR` where the candidate's middle is outside.
    """
    shape, channels = tf.shape(queries), queries.shape[-1]
    middle = size // 2
    ends = [middle + shape[i] - size + 1 for i in (1, 2)]
    queries = queries[:, middle : ends[0] : stride, middle : ends[1] : stride]
    queries *= channels**-0.5
    pads = [[0, 0], [radius, radius], [radius, radius], [0, 0]]
    inside = tf.zeros_like(candidates[..., :1])
    outside = tf.pad(inside, pads, constant_values=-FAR)
    padded = tf.pad(candidates, pads)

    def product(number: tf.Tensor) -> tf.Tensor:
        down, right = number // (2 * radius + 1), number % (2 * radius + 1)
        window = (
            slice(None),
            slice(middle + down, ends[0] + down, stride),
            slice(middle + right, ends[1] + right, stride),
        )
        products = tf.reduce_sum(queries * padded[window], axis=-1)
        return products + outside[window][..., 0]

    products = tf.map_fn(
        product,
        tf.range((2 * radius + 1) ** 2),
        fn_output_signature=tf.float32,
    )
    return tf.transpose(products, [1, 2, 3, 0])


def gather(
    image: tf.Tensor, shifts: tf.Tensor, size: int, stride: int
) -> tf.Tensor:
    """Cuts out the patch to which each query is shifted.

    Args:
        image: `[B, H, W, C]`.
        shifts: `[B, rows, cols, 2]` int32, (dx, dy).
        size: height and width of a patch.
        stride: distance of neighbouring queries.

    Returns:
        `[B, rows, cols, size, size, C]`; pixels beyond the border repeat it.
    """
    shape, grid = tf.shape(image), tf.shape(shifts)
    top = stride * tf.range(grid[1])[:, None] + shifts[..., 1]
    left = stride * tf.range(grid[2]) + shifts[..., 0]
    inside = tf.range(size)
    y = tf.clip_by_value(top[..., None] + inside, 0, shape[1] - 1)
    x = tf.clip_by_value(left[..., None] + inside, 0, shape[2] - 1)
    flat = y[..., :, None] * shape[2] + x[..., None, :]
    rows = tf.reshape(image, [grid[0], -1, image.shape[-1]])
    return tf.gather(rows, flat, batch_dims=1)


def average(patches: tf.Tensor, stride: int) -> tf.Tensor:
    """Puts overlapping patches back on the grid; each pixel is their mean.

    Args:
        patches: `[B, rows, cols, size, size, C]` with known size and C; size
            is a multiple of `stride`.
        stride: distance of neighbouring patches.

    Returns:
        `[B, H, W, C]` with `H = (rows - 1) * stride + size`.
    """
    size, channels = patches.shape[-2], patches.shape[-1]
    ones = tf.ones_like(patches[..., :1])
    total = _fold(tf.concat([patches, ones], axis=-1), size, stride)
    return total[..., :channels] / total[..., channels:]


def as_flow(shifts: tf.Tensor, size: int, stride: int) -> tf.Tensor:
    """The mean shift of the patches that cover a pixel.

    Args:
        shifts: `[B, rows, cols, 2]` int32, (dx, dy).
        size: height and width of a patch.
        stride: distance of neighbouring patches.

    Returns:
        `[B, H, W, 2]` float32, as `average`.
    """
    whole = tf.ones([size, size, 1])
    patches = tf.cast(shifts, tf.float32)[..., None, None, :] * whole
    return average(patches, stride)


def _fold(patches: tf.Tensor, size: int, stride: int) -> tf.Tensor:
    """Sums overlapping patches: blocks of `stride`, one at a time."""
    channels = patches.shape[-1]
    shape = tf.shape(patches)
    blocks = size // stride
    total = 0.0
    for i in range(blocks):
        for j in range(blocks):
            block = patches[
                :,
                :,
                :,
                i * stride : (i + 1) * stride,
                j * stride : (j + 1) * stride,
            ]
            flat = [shape[0], shape[1], shape[2], stride * stride * channels]
            image = tf.nn.depth_to_space(tf.reshape(block, flat), stride)
            down, right = i * stride, j * stride
            rest = (blocks - 1) * stride
            total += tf.pad(
                image,
                [[0, 0], [down, rest - down], [right, rest - right], [0, 0]],
            )
    return total
