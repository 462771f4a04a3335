"""REF's colours as LR's camera would show them: one curve per colour.

Cameras differ in more than brightness: a phone lifts shadows, an SLR does
not, and gamma is anybody's choice. Where two pictures are matched, each pixel
says to what a value of REF corresponds. A curve of straight pieces through
eight knots, fitted to all of them by least squares, is found in closed form:
a pixel touches two neighbouring knots only, so that the normal equations are
tridiagonal. What few pixels say counts little: there the curve continues its
neighbours' offset.

The curve never falls, so that dark stays darker than bright. Where REF is
black or white it may have been cut off and says nothing; `within` cuts LR off
likewise, to be compared.
"""

import tensorflow as tf

KNOTS = 8
# Weight of an even offset, as a share of all pixels, and least slope.
_SMOOTH = 3e-3
_LEAST_SLOPE = 0.1
_TINY = 1e-6
# Difference at which a pixel counts half.
_ALIKE = 0.04
# From black or white to what counts in full.
_CUT_OFF = 0.02


def tone_curve(target: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """The curve that maps `images` to `target`, after a look at what fits.

    Args:
        target: `[B, H, W, C]` float32 in [0, 1].
        images: `[B, H, W, C]` float32 in [0, 1], nearly aligned with it.

    Returns:
        `[B, 1, KNOTS, C]` float32: values at even knots from 0 to 1, rising.
        No gradient passes through it.
    """
    shown = tf.minimum(images, 1.0 - images) / _CUT_OFF
    shown = tf.clip_by_value(shown, 0.0, 1.0)
    first = _fit(target, images, shown)
    error = target - with_tone(images, first)
    power = tf.reduce_mean(error * error, axis=-1, keepdims=True)
    weights = 1.0 / (1.0 + tf.minimum(power, 1.0) / _ALIKE**2)
    return tf.stop_gradient(_fit(target, images, shown * weights))


def with_tone(images: tf.Tensor, curve: tf.Tensor) -> tf.Tensor:
    """`images` `[B, H, W, C]`, cut to [0, 1], with `curve` applied."""
    places = (KNOTS - 1) * tf.clip_by_value(images, 0.0, 1.0)
    values = curve[:, :, :1]
    for knot, rise in enumerate(_rises(curve)):
        values += rise * tf.clip_by_value(places - knot, 0.0, 1.0)
    return values


def within(target: tf.Tensor, curve: tf.Tensor) -> tf.Tensor:
    """`target` `[B, H, W, C]`, cut off where `curve` ends."""
    return tf.clip_by_value(target, curve[:, :, :1], curve[:, :, -1:])


def slope(images: tf.Tensor, curve: tf.Tensor) -> tf.Tensor:
    """By how much `curve` stretches contrast at the values of `images`.

    Over a width of two knots, so that it does not jump.

    Returns:
        `[B, H, W, C]` float32, positive.
    """
    places = (KNOTS - 1) * tf.clip_by_value(images, 0.0, 1.0)
    total, weights = 0.0, 0.0
    for knot, rise in enumerate(_rises(curve)):
        weight = tf.nn.relu(1.0 - tf.abs(places - (knot + 0.5)) / 1.5)
        total += weight * rise
        weights += weight
    return (KNOTS - 1) * total / weights


def _rises(curve: tf.Tensor) -> list[tf.Tensor]:
    return [
        curve[:, :, knot + 1 : knot + 2] - curve[:, :, knot : knot + 1]
        for knot in range(KNOTS - 1)
    ]


def _fit(target, images, weights) -> tf.Tensor:
    """Offsets at the knots: (diagonal, beside it) x = right side."""
    places = (KNOTS - 1) * tf.clip_by_value(images, 0.0, 1.0)
    near = [tf.nn.relu(1.0 - tf.abs(places - k)) for k in range(KNOTS)]
    heavy = [weights * hat for hat in near]
    offset = target - images
    diagonal, beside, right = [], [], []
    for k in range(KNOTS):
        ends = 1.0 if k in (0, KNOTS - 1) else 2.0
        diagonal.append(_mean(heavy[k] * near[k]) + ends * _SMOOTH + _TINY)
        right.append(_mean(heavy[k] * offset))
        if k + 1 < KNOTS:
            beside.append(_mean(heavy[k] * near[k + 1]) - _SMOOTH)
    offsets = _tridiagonal(diagonal, beside, right)
    values = [x + k / (KNOTS - 1) for k, x in enumerate(offsets)]
    for k in range(1, KNOTS):
        least = values[k - 1] + _LEAST_SLOPE / (KNOTS - 1)
        values[k] = tf.maximum(values[k], least)
    return tf.concat(values, axis=2)


def _tridiagonal(diagonal: list, beside: list, right: list) -> list:
    """Thomas's algorithm for a symmetric positive matrix."""
    diagonal, right = list(diagonal), list(right)
    for k in range(1, len(diagonal)):
        factor = beside[k - 1] / diagonal[k - 1]
        diagonal[k] -= factor * beside[k - 1]
        right[k] -= factor * right[k - 1]
    solution = [right[-1] / diagonal[-1]]
    for k in range(len(diagonal) - 2, -1, -1):
        known = right[k] - beside[k] * solution[0]
        solution.insert(0, known / diagonal[k])
    return solution


def _mean(images: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(images, axis=[1, 2], keepdims=True)
