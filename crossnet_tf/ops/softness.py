"""How much softer LR is than REF shrunk: a small filter, found from both.

LR is rarely HR shrunk by the cubic: a lens, a video codec or a box filter
made it. Between REF, warped and shrunk by the cubic, and LR lies a filter of
LR's size; here a symmetric one with weights for the distances 1, sqrt(2) and
2, fitted by least squares where the two agree. What REF shows then is
compared as LR would show it, and what the filter took is given back.

A flow that is slightly wrong looks like a blur, too: what is not where it
should be is averaged away. But then LR holds as much fine detail as REF. So
the filter goes only as far as the finest detail of the two differs in power,
which no displacement changes.
"""

import tensorflow as tf

_RIDGE = 1e-6
_ALIKE = 0.04
_RINGS = (
    ((0, 1), (1, 0), (0, -1), (-1, 0)),
    ((1, 1), (1, -1), (-1, 1), (-1, -1)),
    ((0, 2), (2, 0), (0, -2), (-2, 0)),
)
_REACH = 2
# In thousandths, so that a constant as small stays above 0 in half precision.
_FAINT, _FINELY = 1e-6, 1e3


def softened(target: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """`images` as soft, or as sharp, as `target`.

    Args:
        target: `[B, H, W, C]` float32.
        images: `[B, H, W, C]` float32, aligned with it, of the same tone.

    Returns:
        `[B, H, W, C]` float32. No gradient passes through the filter.
    """
    rings = [ring - images for ring in _ring_means(images)]
    difference = target - images
    power = tf.reduce_mean(difference**2, axis=-1, keepdims=True)
    weights = 1.0 / (1.0 + tf.minimum(power, 1.0) / _ALIKE**2)
    matrix = [[_mean(weights * a * b) for b in rings] for a in rings]
    right = [_mean(weights * a * difference) for a in rings]
    taps = _solved(matrix, right)
    change = tf.add_n([tap * ring for tap, ring in zip(taps, rings)])
    share = _share(target, images, change, weights)
    taps = [tf.stop_gradient(share * tap) for tap in taps]
    return images + tf.add_n([tap * ring for tap, ring in zip(taps, rings)])


def _share(target, images, change, weights) -> tf.Tensor:
    """How much of `change` makes `images` as fine as `target`, 0 to 1.

    The finest detail's power after a share s is a square in s:

        |images' + s change'|^2 = |target'|^2,  x' = x less its neighbours
    """
    ours, theirs, step = (
        _FINELY * (image - _ring_means(image)[0])
        for image in (target, images, change)
    )
    cross, square = _mean(weights * theirs * step), _mean(weights * step**2)
    surplus = _mean(weights * theirs**2) - _mean(weights * ours**2)
    root = tf.sqrt(tf.nn.relu(cross**2 - square * surplus))
    share = (tf.sign(cross) * root - cross) / (square + _FAINT)
    return tf.clip_by_value(share, 0.0, 1.0)


def _ring_means(images: tf.Tensor) -> list[tf.Tensor]:
    pads = [[0, 0], [_REACH, _REACH], [_REACH, _REACH], [0, 0]]
    padded = tf.pad(images, pads, "SYMMETRIC")
    shape = tf.shape(images)

    def shifted(y: int, x: int) -> tf.Tensor:
        top, left = _REACH + y, _REACH + x
        return padded[:, top : top + shape[1], left : left + shape[2]]

    return [
        tf.add_n([shifted(y, x) for y, x in ring]) / len(ring)
        for ring in _RINGS
    ]


def _solved(matrix: list, right: list) -> list:
    """Gaussian elimination of a symmetric positive matrix with a ridge."""
    count = len(right)
    matrix, right = [list(row) for row in matrix], list(right)
    for i in range(count):
        matrix[i][i] += _RIDGE
    for i in range(count):
        for j in range(i + 1, count):
            factor = matrix[j][i] / matrix[i][i]
            matrix[j] = [b - factor * a for a, b in zip(matrix[i], matrix[j])]
            right[j] -= factor * right[i]
    solution = [None] * count
    for i in range(count - 1, -1, -1):
        known = sum(matrix[i][k] * solution[k] for k in range(i + 1, count))
        solution[i] = (right[i] - known) / matrix[i][i]
    return solution


def _mean(images: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
