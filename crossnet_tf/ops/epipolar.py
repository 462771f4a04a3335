"""What a moving camera says of the flow: it lies on a line.

Between two views of a light field, a rectified stereo pair, or two frames of
a camera that slides along a scene at rest, each pixel's flow (dx, dy) is a
point of one line: its place on it tells the depth. The line is found from
the flow where both of its components are certain (corners); everywhere else
it says what an edge alone cannot, the component along that edge, and takes
half of the noise away.

It enters the match as a prior: terms of the normal equations that
`lucas_kanade.solve` adds to what it saw. Strong evidence against it, a thing
that moves by itself, wins. Pairs whose flow lies on no line (a camera that
turns, a scene in motion) get no prior.

Reference: Bolles, Baker and Marimont, "Epipolar-plane image analysis", IJCV
1987 (views on a line); Fischler and Bolles, CACM 1981 (the camera's geometry
from matches of which some are wrong; here by reweighting).
"""

import tensorflow as tf

from crossnet_tf.ops.windows import window_mean

# Found by trying, all of them, on pairs that took no part in training.
_WINDOW = 9
_ITERATIONS = 4
# Smaller eigenvalue of a corner's structure; an edge's is far below.
_CORNER = 3e-3
# Weight of the line against what a window sees, and its smallest spread.
_STIFFNESS = 2e-5
_THINNEST = 0.03
_SOFT = 0.02
# A line is this many times as long as it is thick, and in pixels no thicker.
_LONG = 4.0
_THICKEST = 0.25
_TINY = 1e-9


def line_prior(flow: tf.Tensor, products: tf.Tensor) -> tf.Tensor:
    """Normal equations of "the flow moves to the line that most of it is on".

    With n the line's unit normal, r the flow's distance from it, l and t the
    flow's deviation along the line and across:

        prior = k [nx nx, nx ny, ny ny, -r nx, -r ny]
        k = 2e-5 b / (t^2 + 0.03^2)
        b = sigmoid(2 (l / t - 4)) sigmoid(40 (0.25 - t))

    Args:
        flow: `[B, H, W, 2]` float32, (dx, dy) in pixels.
        products: `[B, H, W, 5]` float32 of that flow, from
            `lucas_kanade.structure`.

    Returns:
        `[B, H, W, 5]` float32, as `lucas_kanade.solve` takes it; near zero
        where the flow lies on no line. No gradient passes through it.
    """
    xx, xy, yy = tf.split(window_mean(products[..., :3], _WINDOW), 3, axis=-1)
    smaller = 0.5 * (xx + yy) - tf.sqrt(0.25 * (xx - yy) ** 2 + xy**2)
    corners = smaller / (smaller + _CORNER)
    across, length, thickness, normal = _fit(flow, tf.maximum(corners, 0.0))
    believed = tf.sigmoid(2.0 * (length / thickness - _LONG))
    believed *= tf.sigmoid(40.0 * (_THICKEST - thickness))
    stiffness = believed * _STIFFNESS / (thickness**2 + _THINNEST**2)
    nx, ny = normal
    pull = -stiffness * across
    stiff = [stiffness * nx * nx, stiffness * nx * ny, stiffness * ny * ny]
    stiff = [tf.zeros_like(across) + term for term in stiff]
    prior = tf.concat([*stiff, pull * nx, pull * ny], axis=-1)
    return tf.stop_gradient(prior)


def _fit(flow: tf.Tensor, corners: tf.Tensor) -> tuple:
    """The line of most of the flow, by total least squares, reweighted.

    The flow's covariance C, weighted by w, has its main axis at the angle
    atan2(2 Cxy, Cxx - Cyy) / 2; four times, from w = corners:

        w = corners / (1 + (r / (t + 0.02))^2)

    Args:
        flow: `[B, H, W, 2]`.
        corners: `[B, H, W, 1]` in [0, 1]: how certain both components are.

    Returns:
        Distance from the line `[B, H, W, 1]`; deviation along it and across,
        `[B, 1, 1, 1]`; its unit normal, two of the same.
    """
    x, y = tf.split(flow - _mean(flow, corners), 2, axis=-1)
    moments = tf.concat([x, y, x * x, x * y, y * y], axis=-1)
    weights = corners
    for _ in range(_ITERATIONS):
        mx, my, xx, xy, yy = tf.split(_mean(moments, weights), 5, axis=-1)
        xx, xy, yy = xx - mx * mx, xy - mx * my, yy - my * my
        # The main axis: cosine and sine of half the angle, without angles.
        half = 0.5 * (xx - yy)
        size = tf.sqrt(half**2 + xy**2) + _TINY
        ex = tf.sqrt(tf.maximum(0.5 * (1.0 + half / size), _TINY))
        ey = tf.sqrt(tf.maximum(0.5 * (1.0 - half / size), _TINY))
        ey = tf.where(xy < 0.0, -ey, ey)
        middle = 0.5 * (xx + yy)
        length = tf.sqrt(middle + size)
        thickness = tf.sqrt(tf.maximum(middle - size, _TINY))
        across = (y - my) * ex - (x - mx) * ey
        weights = corners / (1.0 + (across / (thickness + _SOFT)) ** 2)
    return across, length, thickness, (-ey, ex)


def _mean(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Weighted mean of a picture: `[B, H, W, C]` -> `[B, 1, 1, C]`."""
    total = tf.reduce_sum(weights, axis=[1, 2], keepdims=True) + _TINY
    return tf.reduce_sum(weights * values, axis=[1, 2], keepdims=True) / total
