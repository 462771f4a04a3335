"""REF at LR's brightness: one gain per colour, that varies slowly.

Two exposures, a lens that darkens towards the corners, another white balance:
to a match by intensities, a difference of 5 % is a displacement, and costs
preset `lite` half of what REF is worth. So what is compared is first brought
to the same local mean, over a window much larger than any displacement that
is left: then motion does not pass for light, nor light for motion. What does
not fit then, hidden parts and wrong flow, counts for less in a second look.
"""

import tensorflow as tf

from crossnet_tf.ops.resampling import matched_blur
from crossnet_tf.ops.windows import window_mean

# Found by trying, all of them, on pairs of one camera and of two.
CELL = 32
_WINDOW = 3
# Keeps the gain of dark areas, where noise rules, near 1.
_DARK = 0.02
# Difference at which a pixel counts half.
_ALIKE = 0.02
_LOWEST, _HIGHEST = 0.7, 1.4


def matching_gain(
    target: tf.Tensor, images: tf.Tensor, cell: int = CELL
) -> tf.Tensor:
    """The factor that brings `images` to the brightness of `target`.

    With S the sum over 3x3 cells, twice, first with w = 1:

        gain = (S(w target) + 0.02 S(w)) / (S(w images) + 0.02 S(w))
        w = 1 / (1 + mean((target - gain images)^2) / 0.02^2)

    Args:
        target: `[B, H, W, C]` float32 in [0, 1].
        images: `[B, H, W, C]` float32, nearly aligned with `target`.
        cell: pixels that share a gain before it is interpolated; 32 of the
            full-size picture, half as many at each level of a pyramid.

    Returns:
        `[B, H, W, C]` float32 in [0.7, 1.4]. No gradient passes through it.
    """
    gain = _ratio(target, images, tf.ones_like(target[..., :1]), cell)
    difference = target - gain * images
    power = tf.reduce_mean(difference**2, axis=-1, keepdims=True)
    weights = 1.0 / (1.0 + tf.minimum(power, 1.0) / _ALIKE**2)
    return tf.stop_gradient(_ratio(target, images, weights, cell))


def observable(images: tf.Tensor, scale: int) -> tf.Tensor:
    """`matched_blur`, and `images` as they are at `scale` 1."""
    return matched_blur(images, scale) if scale > 1 else images


def observed(
    target: tf.Tensor, images: tf.Tensor, scale: int, cell: int = CELL
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """`images` at the brightness of `target`, and what LR would show of them.

    Args:
        target: `[B, H, W, C]` float32: what LR does show, enlarged.
        images: `[B, H, W, C]` float32, REF after warping.
        scale: how much smaller LR is than these pictures.
        cell: as in `matching_gain`.

    Returns:
        Three `[B, H, W, C]` float32; the last one is the gain.
    """
    seen = observable(images, scale)
    gain = matching_gain(target, seen, cell)
    return gain * images, gain * seen, gain


def _ratio(target, images, weights, cell) -> tf.Tensor:
    """Quotient of local means, of the same size as `target`."""
    sums = tf.concat([weights * target, weights * images, weights], axis=-1)
    sums = window_mean(tf.nn.avg_pool2d(sums, cell, cell, "SAME"), _WINDOW)
    channels = target.shape[-1]
    ours, theirs, total = tf.split(sums, [channels, channels, 1], axis=-1)
    gain = (ours + _DARK * total) / (tf.maximum(theirs, 0.0) + _DARK * total)
    gain = tf.clip_by_value(gain, _LOWEST, _HIGHEST)
    if cell == 1:
        return gain
    return tf.image.resize(gain, tf.shape(target)[1:3], method="bilinear")
