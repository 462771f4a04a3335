"""5x5 convolutions with two fifths of the multiplications.

Four neighbouring results of a filter of five are coefficients of a product of
polynomials, which is known from its values at seven points and at infinity:
eight multiplications instead of twenty. With the eight values that the four
results come of,

    results = LEAVE ((WEIGH filter) * (ENTER values))

Along the kernel's other axis all stays as it is: what remains are eight
convolutions of 5x1, which are one in eight groups of channels. The inputs'
gradient is the convolution by the mirrored kernel. The kernel's gradient has
the matrices in exchanged roles, and goes along the columns, because products
of 1x5 are faster there than those of 5x1.

Sums come in another order, by way of numbers up to ten times as large: the
results differ from those of a plain convolution by some 1e-6 of the largest.
A picture is twice as large in between, and so is done in strips of rows.

References: Winograd, Arithmetic Complexity of Computations, SIAM 1980; Lavin
and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from crossnet_tf.model.listed import Inputs, channels, listed

SIZE = 5
"""Of the kernels, in both directions."""

_TILE, _HALF = 4, SIZE // 2
_POINTS = np.array([0, 1, -1, 2, -2, 0.5, -0.5])
_GROUPS = len(_POINTS) + 1  # the eighth is infinity
_STRIP_BYTES = 2**22  # Below what `footprint` gives back when freed.
_LEAST_ROWS = 8  # A strip also needs the four around it.


def convolve(inputs: Inputs, kernel: tf.Tensor) -> tf.Tensor:
    """A convolution of stride 1 with zeros around.

    Args:
        inputs: `[B, H, W, C]` float32, C known; or several, whose channels
            count as if they were put together.
        kernel: `[5, 5, C, F]` float32.

    Returns:
        `[B, H, W, F]`.
    """
    return _convolve(listed(inputs), kernel, [kernel.shape[3]])[0]


def input_gradients(
    upstream: tf.Tensor, mirrored: tf.Tensor, channels: Sequence[int]
) -> list[tf.Tensor]:
    """The gradients of the inputs of `convolve`.

    Args:
        upstream: `[B, H, W, F]` float32.
        mirrored: the kernel that `convolve` got, as `forms.turned` makes it.
        channels: of each input.
    """
    return _convolve([upstream], mirrored, channels)


def kernel_gradient(inputs: Inputs, upstream: tf.Tensor) -> tf.Tensor:
    """The gradient of the kernel of `convolve`.

    Args:
        inputs: what `convolve` got.
        upstream: `[B, H, W, F]` float32; F known.

    Returns:
        `[5, 5, C, F]`.
    """
    parts, filters = listed(inputs), upstream.shape[3]
    rows, count = _strips(parts, filters)

    def add(index: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        first = rows * index
        near = _columns(_rows(parts, first - _HALF, rows + _TILE))
        near = tf.concat([near[:, :, :-1], near[:, :, 1:]], axis=0)
        here = _columns(_rows([upstream], first, rows))
        entered, left = _mixed(ENTER, near), _mixed(LEAVE.T, here)
        return index + 1, total + _products(entered, left)

    sizes = [_GROUPS, SIZE, sum(channels(parts)), filters]
    _, total = tf.while_loop(
        lambda index, _: index < count,
        add,
        (tf.constant(0), tf.zeros(sizes)),
        parallel_iterations=1,
    )
    return tf.einsum("gk,gscf->kscf", WEIGH, total)


def _convolve(
    parts: list[tf.Tensor], kernel: tf.Tensor, counts: Sequence[int]
) -> list[tf.Tensor]:
    """The result, divided into outputs of so many channels."""
    filters = kernel.shape[3]
    batch, height, width, _ = tf.unstack(tf.shape(parts[0]))
    rows, number = _strips(parts, filters)
    tiles = _quotient(width, _TILE)
    sides = (_HALF, _TILE * tiles - width + _HALF)
    weights = _weigh(kernel)

    def strip(first: tf.Tensor) -> tf.Tensor:
        near = _rows(parts, first - _HALF, rows + SIZE - 1, sides)
        mixed = tf.nn.conv2d(_enter(near, tiles), weights, 1, "VALID")
        mixed = tf.reshape(mixed, [batch, rows, tiles, _GROUPS, filters])
        left = tf.matmul(tf.constant(LEAVE), mixed)
        left = tf.reshape(left, [batch, rows, _TILE * tiles, filters])
        return left[:, : height - first, :width]

    def add(index: tf.Tensor, *results: tf.Tensor) -> tuple[tf.Tensor, ...]:
        found = tf.split(strip(rows * index), [*counts], axis=-1)
        written = map(_with_rows, results, found, [rows * index] * len(found))
        return index + 1, *written

    sizes = [tf.stack([batch, height, width, count]) for count in counts]
    with tf.control_dependencies(parts):  # Or all begin with the step.
        empty = [_unwritten(size) for size in sizes]
    _, *results = tf.while_loop(
        lambda index, *_: index < number,
        add,
        (tf.constant(0), *empty),
        parallel_iterations=1,  # Side by side they would need it all.
    )
    known = parts[0].shape[:3]
    return [
        tf.ensure_shape(result, [*known, count])
        for result, count in zip(results, counts, strict=True)
    ]


def _unwritten(size: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.Empty(shape=size, dtype=tf.float32)


def _with_rows(
    picture: tf.Tensor, rows: tf.Tensor, first: tf.Tensor
) -> tf.Tensor:
    """`picture` with `rows` from the `first` on, in the same memory.

    Strips that are put together at the end are there twice by then.
    """
    sizes = tf.shape(picture)
    batch, count = tf.unstack(tf.shape(rows)[:2])
    numbers = first + tf.range(count) + sizes[1] * tf.range(batch)[:, None]
    numbers = tf.reshape(numbers, [-1])

    @tf.custom_gradient
    def written(picture: tf.Tensor, rows: tf.Tensor) -> tuple:
        flat = tf.reshape(picture, [-1, sizes[2], rows.shape[3]])
        rows = tf.reshape(rows, [-1, sizes[2], rows.shape[3]])
        flat = tf.raw_ops.InplaceUpdate(x=flat, i=numbers, v=rows)

        def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            # No row is written twice, and nobody wants those of before.
            return upstream, upstream[:, first : first + count]

        return tf.reshape(flat, sizes), backward

    return tf.ensure_shape(written(picture, rows), picture.shape)


def _matrices() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ENTER `[8, 8]`, WEIGH `[8, 5]`, LEAVE `[4, 8]`.

    Values of polynomials at the points, and back by Lagrange's formula.
    """
    powers = np.power.outer(_POINTS, np.arange(SIZE))
    others = [np.delete(_POINTS, i) for i in range(len(_POINTS))]
    scales = [np.prod(p - o) for p, o in zip(_POINTS, others, strict=True)]
    enter = np.stack(
        [np.append(np.poly(o)[::-1], 0.0) for o in others]
        + [np.poly(_POINTS)[::-1]]
    )
    weigh = np.concatenate([powers.T / scales, np.eye(SIZE)[:, -1:]], 1).T
    leave = np.concatenate([powers[:, :_TILE].T, np.eye(_TILE)[:, -1:]], 1)
    single = np.float32
    return enter.astype(single), weigh.astype(single), leave.astype(single)


ENTER, WEIGH, LEAVE = _matrices()


def _strips(
    parts: list[tf.Tensor], filters: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Rows of a strip, a multiple of a tile's, and the number of strips."""
    batch, height, width, _ = tf.unstack(tf.shape(parts[0]))
    most_channels = max(sum(channels(parts)), filters)
    row = 4 * (_GROUPS // _TILE) * most_channels * batch * width
    most = tf.maximum(_STRIP_BYTES // tf.maximum(row, 1), _LEAST_ROWS)
    count = tf.maximum(_quotient(height, most), 1)
    rows = _TILE * _quotient(_quotient(height, count), _TILE)
    return rows, _quotient(height, rows)


def _quotient(number: tf.Tensor, by: tf.Tensor | int) -> tf.Tensor:
    """Rounded up."""
    return -(-number // by)


def _rows(
    parts: list[tf.Tensor],
    first: tf.Tensor,
    count: tf.Tensor,
    sides: Sequence = (0, 0),
) -> tf.Tensor:
    """Some rows of all parts, zeros where there are none, and on both sides."""
    above = tf.maximum(-first, 0)
    below = tf.maximum(first + count - tf.shape(parts[0])[1], 0)
    there = [part[:, first + above : first + count - below] for part in parts]
    together = there[0] if len(there) == 1 else tf.concat(there, axis=-1)
    return tf.pad(together, [[0, 0], [above, below], [*sides], [0, 0]])


def _enter(rows: tf.Tensor, tiles: tf.Tensor) -> tf.Tensor:
    """`[B, H, 4 * (tiles + 1), C]` -> `[B, H, tiles, 8 * C]`."""
    batch, height, _, channels = tf.unstack(tf.shape(rows))
    fours = tf.reshape(rows, [batch, height, tiles + 1, _TILE, channels])
    eights = tf.concat([fours[:, :, :-1], fours[:, :, 1:]], axis=3)
    entered = tf.matmul(tf.constant(ENTER), eights)
    groups = _GROUPS * rows.shape[3]
    return tf.reshape(entered, [batch, height, tiles, groups])


def _weigh(kernel: tf.Tensor) -> tf.Tensor:
    """`[5, 5, C, F]` -> `[5, 1, C, 8 * F]`."""
    weights = tf.einsum("gk,skcf->scgf", WEIGH, kernel)
    groups = _GROUPS * kernel.shape[3]
    return tf.reshape(weights, [SIZE, 1, kernel.shape[2], groups])


def _columns(rows: tf.Tensor) -> tf.Tensor:
    """`[B, 4 * N, W, C]` -> `[4, B, N, W, C]`: every fourth row."""
    batch, height, width, _ = tf.unstack(tf.shape(rows))
    sizes = [batch, height // _TILE, _TILE, width, rows.shape[3]]
    return tf.transpose(tf.reshape(rows, sizes), [2, 0, 1, 3, 4])


def _mixed(matrix: np.ndarray, parts: tf.Tensor) -> list[tf.Tensor]:
    """Sums of `[M, B, N, W, C]` over M by the matrix `[8, M]`: eight."""
    sizes = tf.shape(parts)
    flat = tf.reshape(parts, [matrix.shape[1], -1])
    mixed = tf.matmul(tf.constant(matrix), flat)
    return [
        tf.reshape(part, [*tf.unstack(sizes)[1:4], parts.shape[4]])
        for part in tf.split(mixed, _GROUPS)
    ]


def _products(entered: list[tf.Tensor], left: list[tf.Tensor]) -> tf.Tensor:
    """Kernel gradients of eight 1x5 convolutions, `[8, 5, C, F]`."""
    found = [
        tf.raw_ops.Conv2DBackpropFilter(
            input=one,
            filter_sizes=[1, SIZE, one.shape[3], other.shape[3]],
            out_backprop=other,
            strides=[1] * 4,
            padding="SAME",
        )
        for one, other in zip(entered, left, strict=True)
    ]
    return tf.concat(found, axis=0)
