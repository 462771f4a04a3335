"""The result of preset `quick`, held to what LR shows, inside the graph.

REF's detail does not vanish when it is shrunk, and a network takes LR for
softer or sharper than it is where another camera's REF says so. LR knows
better, and one step of back-projection gives it its say:

    sr + share * enlarged(missing),   missing = lr - shrunk(sr)

`missing` is sharpened before, by 2 - `seen_again`, since shrinking what was
enlarged blurs it. But a network also departs from LR to mend it. From noise it
departs everywhere alike, where nothing is to be seen, too; so what is missing
at the quietest places is taken for noise, and the share is that of Wiener's
filter. From a codec's blocks and from aliasing it departs further over all,
compared with LR's finest detail, than from a clean LR, and more in colour than
in grey. That decides in closed form; a few convolutions on the grid can learn
where more or less of it is right.

Reference: Irani and Peleg, "Improving resolution by image registration",
CVGIP 1991.
"""

import math

import keras
import tensorflow as tf

from crossnet_tf.model.convolution import Convolution, leaky_relu
from crossnet_tf.model.grid import on_grid
from crossnet_tf.ops.resampling import (
    cubic_downscale,
    cubic_upscale,
    seen_again,
)
from crossnet_tf.ops.windows import window_mean, window_power

# Departure, over LR's finest detail, at which LR is believed by half, and how
# soon.
_HALF, _SOON = 0.22, 0.015
# Colour's part of what is missing, over grey's, at which it is a codec's or
# noise by half; clean pictures miss 1.05 at most.
_COLOUR, _COLOUR_SOON = 1.25, 0.04
# Power of what is missing that noise explains, over that of the quietest.
_NOISE = 2.0
# Variance that rounding to 8 bits leaves, and less.
_CLEAN = 5e-7
_FAINT = 1e-6
_LEAST, _MOST = 0.02, 0.98


@keras.saving.register_keras_serializable("crossnet_tf")
class Holding(keras.layers.Layer):
    """One step of back-projection, with a share for each pixel.

    Args:
        scale: HR size / LR size.
        width: channels of the convolution that decides on the share.
    """

    def __init__(self, scale: int, width: int = 16, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.scale, self.width = scale, width
        self.hidden = Convolution(width, 3, 1, leaky_relu, name="hidden")
        self.change = Convolution(
            1,
            3,
            kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3),
            dtype="float32",
            name="change",
        )

    def call(self, sr: tf.Tensor, lr: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
        """`sr`, nearer to what LR shows.

        Args:
            sr: `[B, H, W, 3]` float32.
            lr: `[B, h, w, 3]` float32.
            known: `[B, H / 4, W / 4, C]` float32, of the match.

        Returns:
            `[B, H, W, 3]` float32.
        """
        missing = lr - cubic_downscale(sr, self.scale)
        share = self._share(tf.stop_gradient(missing), lr, known)
        share = tf.image.resize(share, tf.shape(sr)[1:3])
        missing = 2.0 * missing - seen_again(missing, self.scale)
        return sr + share * cubic_upscale(missing, self.scale)

    def _share(self, missing, lr, known) -> tf.Tensor:
        """`[B, H / 4, W / 4, 1]`, in [0, 1]."""
        grey = tf.reduce_mean(missing, axis=-1, keepdims=True)
        # Codecs take colour first.
        kinds = [missing, grey, missing - grey, lr - window_mean(lr, 3)]
        kinds = [on_grid(images, self.scale) for images in kinds]
        here = [window_power(images, 3) for images in kinds]
        everywhere = [_mean(power) for power in here]
        share, noise = _in_closed_form(here[0], everywhere)
        logit = tf.math.log(share) - tf.math.log(1.0 + -1.0 * share)
        everywhere = [_departures(everywhere), noise]
        everywhere = tf.concat(everywhere, axis=-1) * tf.ones_like(share)
        features = [known, 10.0 * kinds[0], _departures(here), everywhere]
        features += [_level(here[0]), 0.25 * logit]
        features = tf.stop_gradient(tf.concat(features, axis=-1))
        change = self.change(self.hidden(features))
        return tf.sigmoid(tf.stop_gradient(logit) + 10.0 * change)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "scale": self.scale,
            "width": self.width,
        }


def _in_closed_form(here, everywhere) -> tuple[tf.Tensor, tf.Tensor]:
    """The share, before anything is learned, and the level of the noise.

    Args:
        here: `[B, H, W, 1]`, power of what is missing.
        everywhere: `[B, 1, 1, 1]` each, mean power of that, of its grey and of
            its colour, and of LR's finest detail.

    Returns:
        `[B, H, W, 1]`, away from 0 and 1; `[B, 1, 1, 1]`, as `_level`.
    """
    missing, grey, colour, finest = everywhere
    # The harmonic mean asks the quietest. Neither inverses nor differences
    # from a constant are written as such: see `lucas_kanade`.
    logs = tf.math.log(here + _CLEAN)
    quietest = tf.exp(-tf.math.log(_mean(tf.exp(-logs))))
    noise = _NOISE * tf.nn.relu(quietest - _CLEAN)
    departure = tf.sqrt(missing / (finest + _FAINT))
    believed = tf.sigmoid((_HALF + -1.0 * departure) * (1.0 / _SOON))
    coloured = colour / (grey + _CLEAN)
    believed *= tf.sigmoid((_COLOUR + -1.0 * coloured) * (1.0 / _COLOUR_SOON))
    share = believed * tf.nn.relu(here - noise) / (here + 0.1 * _CLEAN)
    return tf.clip_by_value(share, _LEAST, _MOST), _level(quietest)


def _departures(powers: list) -> tf.Tensor:
    """Of what is missing, all, grey and colour, over LR's finest detail."""
    *missing, finest = powers
    ratio = tf.concat(missing, axis=-1) / (finest + _FAINT)
    return tf.sqrt(tf.minimum(ratio, 4.0) + _FAINT)


def _level(power: tf.Tensor) -> tf.Tensor:
    """A power on a scale that is near 1 for two levels of 255."""
    # 1 / _CLEAN itself is infinite in half precision.
    return 0.25 * tf.math.log(power + _CLEAN) - 0.25 * math.log(_CLEAN)


def _mean(images: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(images, axis=[1, 2], keepdims=True)
