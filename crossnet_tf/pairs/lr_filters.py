"""LR as other cameras and programs make it, for training.

The published protocol shrinks HR by an antialiased cubic. Real LR comes from
a lens, another program's filter or a codec: a network that has seen nothing
but the cubic takes their softness for a displacement, or for detail that REF
has too much of. `random_lr` draws one of the filters for each crop.
"""

from collections.abc import Callable

import tensorflow as tf

from crossnet_tf.ops.quantization import quantize
from crossnet_tf.ops.resizing import downscale

# Standard deviation of a soft lens, in pixels of LR.
SOFTEST = 0.6
# Of JPEG pictures that people keep.
JPEG_QUALITY = 60, 96
_LIGHT = 2.2


def random_lr(
    hr: tf.Tensor, scale: int, names: tuple[str, ...], seed: tf.Tensor
) -> tf.Tensor:
    """Shrinks HR by one of the filters, all as likely as they are named.

    Args:
        hr: `[H, W, 3]` float32 in [0, 1], H and W known.
        scale: HR size / LR size.
        names: of `config.LR_FILTERS`: `cubic` (the published protocol), `box`
            (means of squares), `lanczos` (three lobes), `gaussian` (a soft
            lens, then cubic), `linear` (cubic in linear light), `jpeg`
            (cubic, then coded with quality 60 to 95).
        seed: stateless seed, shape `[2]`.

    Returns:
        `[H / scale, W / scale, 3]` float32, multiples of 1/255.
    """
    draw = tf.random.stateless_uniform([], seed, 0, len(names), tf.int32)
    made = [_maker(name, hr, scale, seed) for name in names]
    lr = made[0]() if len(made) == 1 else tf.switch_case(draw, made)
    return tf.ensure_shape(lr, [*(n // scale for n in hr.shape[:2]), 3])


def shrunk(hr: tf.Tensor, scale: int, name: str, seed: tf.Tensor) -> tf.Tensor:
    """As `random_lr`, by the filter of that name."""
    return _maker(name, hr, scale, seed)()


def _maker(
    name: str, hr: tf.Tensor, scale: int, seed: tf.Tensor
) -> Callable[[], tf.Tensor]:
    makers = {
        "cubic": lambda: quantize(downscale(hr, scale)),
        "box": lambda: quantize(_box(hr, scale)),
        "lanczos": lambda: quantize(_lanczos(hr, scale)),
        "gaussian": lambda: quantize(downscale(_soft(hr, scale, seed), scale)),
        "linear": lambda: quantize(_linear(hr, scale)),
        "jpeg": lambda: _coded(quantize(downscale(hr, scale)), seed),
    }
    return makers[name]


def _box(hr: tf.Tensor, scale: int) -> tf.Tensor:
    return tf.nn.avg_pool2d(hr[None], scale, scale, "VALID")[0]


def _lanczos(hr: tf.Tensor, scale: int) -> tf.Tensor:
    size = [n // scale for n in hr.shape[:2]]
    return tf.image.resize(hr, size, "lanczos3", antialias=True)


def _soft(hr: tf.Tensor, scale: int, seed: tf.Tensor) -> tf.Tensor:
    """A Gaussian of up to `SOFTEST` LR pixels, the border mirrored."""
    seed = tf.random.fold_in(seed, 1)
    sigma = tf.random.stateless_uniform([], seed, 0.2, SOFTEST) * scale
    reach = 2 * scale
    taps = tf.range(-reach, reach + 1)
    weights = tf.exp(-0.5 * (tf.cast(taps, tf.float32) / sigma) ** 2)
    weights /= tf.reduce_sum(weights)
    kernel = tf.tile(weights[:, None, None, None], [1, 1, 3, 1])
    pads = [[0, 0], [reach, reach], [reach, reach], [0, 0]]
    padded = tf.pad(hr[None], pads, "SYMMETRIC")
    for turned in (kernel, tf.transpose(kernel, [1, 0, 2, 3])):
        padded = tf.nn.depthwise_conv2d(padded, turned, [1] * 4, "VALID")
    return padded[0]


def _linear(hr: tf.Tensor, scale: int) -> tf.Tensor:
    light = downscale(tf.pow(hr, _LIGHT), scale)
    return tf.pow(tf.maximum(light, 0.0), 1.0 / _LIGHT)


def _coded(lr: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    seed = tf.random.fold_in(seed, 2)
    quality = tf.random.stateless_uniform([], seed, *JPEG_QUALITY, tf.int32)
    return tf.image.adjust_jpeg_quality(lr, quality)
