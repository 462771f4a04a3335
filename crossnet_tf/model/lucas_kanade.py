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

from crossnet_tf.model.warp import backward_warp

MAX_STEP = 1.5
WINDOW = 7
_NOISE = 1e-5
_RIDGE = 0.01


def lucas_kanade(
    target: tf.Tensor, source: tf.Tensor, flow: tf.Tensor, steps: int
) -> tf.Tensor:
    """Improves a flow that is right to about one pixel.

    Args:
        target: `[B, H, W, C]` float32, the picture to be matched.
        source: `[B, H, W, C]` float32, the picture that is sampled.
        flow: `[B, H, W, 2]` float32, from `target` to `source`.
        steps: how often to warp and solve.

    Returns:
        `[B, H, W, 2]` float32; each step moves a pixel by at most 1.5. The
        gradient passes to `flow` as if the correction were constant.
    """
    for _ in range(steps):
        warped = backward_warp(source, flow)
        flow += tf.stop_gradient(_correction(target, warped))
    return flow


def window_mean(images: tf.Tensor, size: int) -> tf.Tensor:
    """Mean over a square window, applied twice: nearly a Gaussian."""
    for _ in range(2):
        images = tf.nn.avg_pool2d(images, (1, size), 1, "SAME")
        images = tf.nn.avg_pool2d(images, (size, 1), 1, "SAME")
    return images


def _correction(target: tf.Tensor, warped: tf.Tensor) -> tf.Tensor:
    dx, dy = _gradients(0.5 * (target + warped))
    dt = target - warped
    products = tf.concat(
        [_sum(a * b) for a, b in [(dx, dx), (dx, dy), (dy, dy)]]
        + [_sum(dx * dt), _sum(dy * dt)],
        axis=-1,
    )
    products = window_mean(products * _inverse_residual(dt), WINDOW)
    xx, xy, yy, xt, yt = tf.split(products, 5, axis=-1)
    ridge = _NOISE + _RIDGE * (xx + yy)
    xx, yy = xx + ridge, yy + ridge
    step = tf.concat([yy * xt - xy * yt, xx * yt - xy * xt], axis=-1)
    step /= xx * yy - xy * xy
    return tf.clip_by_value(step, -MAX_STEP, MAX_STEP)


def _inverse_residual(dt: tf.Tensor) -> tf.Tensor:
    near = window_mean(_sum(dt * dt), 3)
    around = window_mean(near, 2 * WINDOW + 1)
    return 1e-3 / (near + 0.3 * around + _NOISE)


def _gradients(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    padded = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    dx = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    dy = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    return 0.5 * dx, 0.5 * dy


def _sum(images: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(images, axis=-1, keepdims=True)
