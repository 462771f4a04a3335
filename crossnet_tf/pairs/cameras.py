"""Training pairs of two quite different cameras.

`color.mismatch` makes REF as from a second camera of one maker. Here it comes
from another kind of device, or from a program: other exposure, white balance
and tone curve, sharpened, noisy, coded as JPEG; and LR may be noisy, too, or
its lens softer than REF's, so that HR itself lacks what REF shows. Each of
these is there in half of such pairs. Half of the soft lenses are those of
phones, which make up for them by sharpening what is coarser.
"""

import tensorflow as tf

from crossnet_tf.ops.quantization import quantize
from crossnet_tf.pairs.geometry import Sample

# Largest differences: exposure in stops, factors of colours, exponents.
EXPOSURE, WHITE, GAMMA = 1.0, 0.1, 1.3
# Share of an S-curve, of what a blur takes that is added again, JPEG quality.
CURVE, SHARPENING, JPEG_QUALITY = 0.8, 1.0, (60, 96)
PHONE_SHARPENING = 1.0
# Standard deviations of noise. Most is far below the largest.
REF_NOISE, LR_NOISE = 0.08, 0.015
# Stops count in linear light.
_LIGHT = 2.2


def random_other_camera(
    sample: Sample, seed: tf.Tensor, probability: float
) -> Sample:
    """Makes REF as from another kind of camera, with the given probability.

    Args:
        sample: dict of `hr` and `ref` `[H, W, 3]` float32 in [0, 1], and
            others; HR is made softer only if there is no `lr` yet.
        seed: stateless seed, shape `[2]`.
        probability: between 0 and 1.

    Returns:
        The sample with another `ref`, and maybe a softer `hr`, in [0, 1].
    """
    hr, ref = sample["hr"], sample["ref"]
    chosen = _number(seed, 0) < probability
    other = tf.cond(chosen, lambda: _other(ref, seed), lambda: ref)
    out = {**sample, "ref": tf.ensure_shape(other, ref.shape)}
    if "lr" not in sample:
        soft = chosen & (_number(seed, 3) < 0.5)
        amount = PHONE_SHARPENING * tf.nn.relu(_number(seed, 5, -1.0, 1.0))
        hr = tf.cond(
            soft, lambda: _softer(hr, _number(seed, 4), amount), lambda: hr
        )
        out["hr"] = tf.ensure_shape(hr, sample["hr"].shape)
    return out


def random_noise(
    lr: tf.Tensor, seed: tf.Tensor, probability: float
) -> tf.Tensor:
    """LR with noise of up to `LR_NOISE`, in half of `probability`'s share.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        seed: stateless seed, shape `[2]`.
        probability: as in `random_other_camera`.

    Returns:
        The same, or with noise, multiples of 1/255.
    """

    def noisy():
        sigma = LR_NOISE * _number(seed, 2) ** 2
        noise = tf.random.stateless_normal(tf.shape(lr), seed, 0.0, sigma)
        return quantize(lr + noise)

    wanted = _number(seed, 1) < 0.5 * probability
    return tf.ensure_shape(tf.cond(wanted, noisy, lambda: lr), lr.shape)


def _other(ref: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    seeds = tf.unstack(tf.random.split(seed, 12))
    exposure = _maybe(seeds[0]) * _number(seeds[1], 0, -EXPOSURE, EXPOSURE)
    white = _maybe(seeds[2]) * tf.random.stateless_uniform(
        [3], seeds[3], -WHITE, WHITE
    )
    gains = (1.0 + white) * tf.pow(2.0, exposure / _LIGHT)
    largest = tf.math.log(GAMMA)
    gamma = tf.exp(_maybe(seeds[4]) * _number(seeds[5], 0, -largest, largest))
    bent = _maybe(seeds[6]) * _number(seeds[7], 0, -CURVE, CURVE)
    ref = _shown(ref, gains, gamma, bent)
    amount = SHARPENING * _maybe(seeds[8]) * _number(seeds[8], 1)
    ref += amount * (ref - _blurred(ref))
    sigma = REF_NOISE * _maybe(seeds[9]) * _number(seeds[9], 1) ** 2
    ref += tf.random.stateless_normal(tf.shape(ref), seeds[10], 0.0, sigma)
    ref = tf.clip_by_value(ref, 0.0, 1.0)
    quality = _number(seeds[11], 1, *JPEG_QUALITY)
    return tf.cond(
        _maybe(seeds[11]) > 0.0,
        lambda: tf.image.adjust_jpeg_quality(ref, tf.cast(quality, tf.int32)),
        lambda: ref,
    )


def _shown(ref, gains, gamma, bent) -> tf.Tensor:
    """Exposed, clipped, and drawn through a curve that never falls."""
    ref = tf.clip_by_value(gains * ref, 0.0, 1.0)
    ref = tf.pow(ref, gamma)
    return ref + bent * ref * (1.0 - ref) * (2.0 * ref - 1.0)


def _softer(
    images: tf.Tensor, share: tf.Tensor, amount: tf.Tensor
) -> tf.Tensor:
    """Towards its blur, and in part of the cases towards a blur of that.

    Then `amount` of what a wider blur takes is added again.
    """
    once = _blurred(images)
    twice = _blurred(once)
    soft = tf.where(
        share < 0.6,
        images + (once - images) * share / 0.6,
        once + (twice - once) * (share - 0.6) / 0.4,
    )
    return tf.clip_by_value(soft + amount * (soft - _blurred(soft, 7)), 0, 1)


def _blurred(images: tf.Tensor, size: int = 3) -> tf.Tensor:
    """Mean over a square window, twice."""
    images = images[None]
    for _ in range(2):
        images = tf.nn.avg_pool2d(images, size, 1, "SAME")
    return images[0]


def _maybe(seed: tf.Tensor) -> tf.Tensor:
    """0 or 1, equally often."""
    return tf.cast(_number(seed, 0) < 0.5, tf.float32)


def _number(
    seed: tf.Tensor, number: int, low: float = 0.0, high: float = 1.0
) -> tf.Tensor:
    seed = tf.random.fold_in(seed, number)
    return tf.random.stateless_uniform([], seed, low, high)
