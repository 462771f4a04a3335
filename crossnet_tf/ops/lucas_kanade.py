"""Lucas-Kanade steps: the flow's small corrections in closed form.

Where two pictures nearly agree, the displacement left between them is the
least-squares solution of "gradient times displacement = difference" over a
window. No weights, exact to hundredths of a pixel on texture, and therefore
the ground that a learned flow starts from in preset `lite`.

Residuals are weighted by the inverse of their local size, so that one side
of a depth edge does not pull the other.

Reference: Lucas and Kanade, "An iterative image registration technique with
an application to stereo vision", IJCAI 1981.
"""

import tensorflow as tf

from crossnet_tf.ops.subgraph import repeated
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.ops.windows import window_mean, window_power

# Found by trying, all of them, on pairs that took no part in training.
MAX_STEP = 1.5  # the linear model holds no further
WINDOW = 7
_NOISE = 1e-5  # squared difference that noise makes
_RIDGE = 0.01  # share of the gradients' power that keeps edges solvable


def lucas_kanade(
    target: tf.Tensor,
    source: tf.Tensor,
    flow: tf.Tensor,
    steps: int,
    gain: tf.Tensor | float = 1.0,
) -> tf.Tensor:
    """Improves a flow that is right to about one pixel.

    Args:
        target: `[B, H, W, C]` float32, the picture to be matched.
        source: `[B, H, W, C]` float32, the picture that is sampled.
        flow: `[B, H, W, 2]` float32, from `target` to `source`.
        steps: how often to warp and solve.
        gain: `[B, H, W, C]` float32, the factor that brings warped `source`
            to the brightness of `target`; see `brightness.matching_gain`.

    Returns:
        `[B, H, W, 2]` float32; each step moves a pixel by at most 1.5. The
        gradient passes to `flow` as if the correction were constant.
    """
    for _ in range(steps):
        flow += tf.stop_gradient(_step(target, source, flow, gain))
    return flow


@repeated
def _step(target, source, flow, gain):
    warped = gain * backward_warp(source, flow)
    return solve(structure(target, warped), WINDOW)


def structure(target: tf.Tensor, warped: tf.Tensor) -> tf.Tensor:
    """Products of gradients and difference that `solve` needs, weighted.

    With g the gradient of (target + warped) / 2, t = target - warped, mean(.)
    over channels and m_n over a window of n pixels:

        products = mean([gx gx, gx gy, gy gy, gx t, gy t]) / size(t)
        size(t) = 1000 (r + 0.3 m_15(r) + 1e-5), r = m_3(mean(t^2))

    Args:
        target: `[B, H, W, C]` float32.
        warped: `[B, H, W, C]` float32: what should equal `target`.

    Returns:
        `[B, H, W, 5]` float32: xx, xy, yy, xt, yt.
    """
    dx, dy = _gradients(0.5 * (target + warped))
    dt = target - warped
    products = [(dx, dx), (dx, dy), (dy, dy), (dx, dt), (dy, dt)]
    products = tf.concat([_mean(a * b) for a, b in products], axis=-1)
    return products / _size_of(dt)


def solve(
    products: tf.Tensor, window: int, prior: tf.Tensor | float = 0.0
) -> tf.Tensor:
    """The displacement that explains a window's differences best.

    It is the d that minimises the window's mean of (g . d - t)^2 / size(t):

        [xx + ridge, xy; xy, yy + ridge] d = [xt, yt],
        ridge = 1e-5 + 0.01 (xx + yy)

    Args:
        products: `[B, H, W, 5]` float32, from `structure`.
        window: size of the window, in pixels; odd.
        prior: `[B, H, W, 5]` float32, added to the window's mean of
            `products`.

    Returns:
        `[B, H, W, 2]` float32, (dx, dy) in pixels, at most 1.5 on each axis.
    """
    return solve_means(window_mean(products, window), prior)


def solve_means(means: tf.Tensor, prior: tf.Tensor | float = 0.0) -> tf.Tensor:
    """`solve` for products that are means over their window already."""
    ridge = _NOISE + _RIDGE * (means[..., 0:1] + means[..., 2:3])
    xx, xy, yy, xt, yt = tf.split(means + prior, 5, axis=-1)
    xx, yy = xx + ridge, yy + ridge
    step = tf.concat([yy * xt - xy * yt, xx * yt - xy * xt], axis=-1)
    step /= xx * yy - xy * xy
    return tf.clip_by_value(step, -MAX_STEP, MAX_STEP)


def _size_of(dt: tf.Tensor) -> tf.Tensor:
    """Local mean square of `dt`, `[B, H, W, 1]`: residuals' inverse weight."""
    # In thousandths. Its inverse would be wrong on phones: the converter for
    # TF-Lite exchanges operands where it moves a transposition past them.
    near = window_power(dt, 3)
    around = window_mean(near, 2 * WINDOW + 1)
    return 1e3 * (near + 0.3 * around + _NOISE)


def _gradients(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    padded = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    dx = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    dy = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    return 0.5 * dx, 0.5 * dy


def _mean(images: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(images, axis=-1, keepdims=True)
