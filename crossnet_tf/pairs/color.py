"""Augmentation of training pairs: other light, other cameras.

Pairs are dicts as in `augment`. `recolor` changes all images alike, as other
light would; `mismatch` changes REF only, as another camera would. The flow
stays as it is. The functions named `random_*` draw from a stateless seed.
"""

import tensorflow as tf

from crossnet_tf.pairs.geometry import Sample

# As in the paper's code: standard deviation, half widths around 1 and 0.
BRIGHTNESS = 0.02
GAIN = 0.1
CONTRAST = 0.3
# Half widths around 1, 0 and 1, and the largest standard deviation in pixels.
MISMATCH_GAIN = 0.05
MISMATCH_SLOPE = 0.05
MISMATCH_GAMMA = 0.15
MISMATCH_BLUR = 0.8


def recolor(
    sample: Sample, gain: tf.Tensor, brightness: tf.Tensor, contrast: tf.Tensor
) -> Sample:
    """Changes the light of all images alike.

    out = clip((1 - contrast) y + contrast mean(y)),  y = gain x + brightness,

    with the mean over HR's pixels and channels: `contrast` moves towards
    grey (negative: away from it).

    Args:
        sample: float32 images in [0, 1].
        gain: scalar float32.
        brightness: scalar float32.
        contrast: scalar float32.

    Returns:
        The sample, images in [0, 1], flow unchanged.
    """
    grey = gain * tf.reduce_mean(sample["hr"]) + brightness
    factor = (1 - contrast) * gain
    offset = (1 - contrast) * brightness + contrast * grey
    out = dict(sample)
    for name in ("hr", "ref", "lr"):
        if name in sample:
            out[name] = tf.clip_by_value(
                factor * sample[name] + offset, 0.0, 1.0
            )
    return out


def mismatch(
    sample: Sample,
    gains: tf.Tensor,
    slopes: tf.Tensor,
    gamma: tf.Tensor,
    sigma: tf.Tensor,
) -> Sample:
    """Makes REF as from another camera: white balance, tone curve, lens.

    Args:
        sample: float32 images in [0, 1].
        gains: `[3]` float32, factors of red, green and blue.
        slopes: `[2]` float32: by how much the right edge is brighter than the
            middle, and the lower one, as views at a lens's rim are.
        gamma: scalar float32, exponent of all three.
        sigma: scalar float32, standard deviation of a Gaussian blur, pixels;
            0: no blur.

    Returns:
        The sample with another `ref`, in [0, 1]; nothing else changes.
    """
    ref = sample["ref"]
    height, width = tf.shape(ref)[0], tf.shape(ref)[1]
    light = 1.0 + slopes[0] * tf.linspace(-1.0, 1.0, width)[None, :, None]
    light += slopes[1] * tf.linspace(-1.0, 1.0, height)[:, None, None]
    ref = tf.clip_by_value(gains * light * ref, 0.0, 1.0)
    ref = tf.exp(gamma * tf.math.log(ref))  # Several times as fast as **.
    taps = tf.range(-2.0, 3.0)
    weights = tf.exp(-0.5 * (taps / tf.maximum(sigma, 1e-3)) ** 2)
    weights /= tf.reduce_sum(weights)
    ref = tf.pad(ref, [[2, 2], [2, 2], [0, 0]], "SYMMETRIC")
    ref = tf.add_n([weights[i] * ref[i : i + height] for i in range(5)])
    ref = tf.add_n([weights[i] * ref[:, i : i + width] for i in range(5)])
    return {**sample, "ref": tf.ensure_shape(ref, sample["ref"].shape)}


def random_recolor(sample: Sample, seed: tf.Tensor) -> Sample:
    """`recolor` with brightness N(0, 0.02), gain 1 +- 0.1, contrast +- 0.3."""
    brightness = tf.random.stateless_normal(
        [], tf.random.fold_in(seed, 0), 0.0, BRIGHTNESS
    )
    gain = _uniform(seed, 1, [], 1 - GAIN, 1 + GAIN)
    contrast = _uniform(seed, 2, [], -CONTRAST, CONTRAST)
    return recolor(sample, gain, brightness, contrast)


def random_mismatch(sample: Sample, seed: tf.Tensor) -> Sample:
    """`mismatch` by at most 5 % of gain and slope, 15 % of gamma, 0.8 px blur.

    Drawn to be less most of the time: most pairs are of one camera.
    """
    strength = _uniform(seed, 3, [], 0.0, 1.0)

    def around(middle, number, shape, width):
        return middle + strength * _uniform(seed, number, shape, -width, width)

    return mismatch(
        sample,
        around(1.0, 0, [3], MISMATCH_GAIN),
        around(0.0, 4, [2], MISMATCH_SLOPE),
        around(1.0, 1, [], MISMATCH_GAMMA),
        strength * _uniform(seed, 2, [], 0.0, MISMATCH_BLUR),
    )


def _uniform(
    seed: tf.Tensor, number: int, shape: list[int], low: float, high: float
) -> tf.Tensor:
    return tf.random.stateless_uniform(
        shape, tf.random.fold_in(seed, number), low, high
    )
