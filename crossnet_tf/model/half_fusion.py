"""The fusion of preset `quick`: at half size, from pictures as they are.

What REF shows beyond LR is moved as a picture and added to cubic LR. How much
of it to take, and what to correct, is asked of a few convolutions at half
size: four pixels lie there as channels (space to depth), so that nothing is
lost and convolutions have enough to do for each pixel that they read.

The gate starts where closed form would set it: detail D counts D / (D + M)
against what does not fit, M; REF's noise (`noise`) is taken from D and added
to M. Where REF is of no use at all (`_trust`), the
result is upsampled LR, whatever was learned.

What LR's lens or codec took, a filter between LR and warped REF tells
(`softness`); where REF is believed, that is given back. REF's contrast is
that of its own camera, and is stretched as the tone curve is steep (`tone`).
"""

import keras
import tensorflow as tf

from crossnet_tf.model.convolution import Convolution, leaky_relu
from crossnet_tf.model.grid import GRID, on_grid
from crossnet_tf.model.holding import Holding
from crossnet_tf.ops import tone
from crossnet_tf.ops.brightness import matching_gain
from crossnet_tf.ops.cubic_warp import cubic_warp
from crossnet_tf.ops.noise import noise_power
from crossnet_tf.ops.pyramids import double_flow
from crossnet_tf.ops.resampling import (
    cubic_downscale,
    cubic_upscale,
    seen_again,
)
from crossnet_tf.ops.softness import softened
from crossnet_tf.ops.windows import window_mean, window_power

# Share of REF's local contrast that may be error, and error that noise makes.
_TOLERATED = 0.5
_NOISE = 0.012
# Roughness of a flow that is still believed, in pixels of the grid.
_ROUGH = 0.25
# Detail that LR lacks over LR's own finest: 10 and more in a sharp picture.
_SHARP, _SOFTNESS = 3.5, 0.15
_TINY = 1e-6
# Share of REF's noise in detail, after sampling between pixels.
_NOISE_LEFT = 0.7
# In thousandths: 1e-8 would be 0 in half precision.
_FAINT, _FINELY = 1e-5, 1e3
_FINE = 1e-5


@keras.saving.register_keras_serializable("crossnet_tf")
class HalfSizeFusion(keras.layers.Layer):
    """Mixes upsampled LR with LR that has REF's detail.

    Args:
        scale: HR size / LR size.
        width: half the channels of the convolutions.
        holds: whether the result is held to what LR shows (`holding`).
    """

    def __init__(
        self, scale: int, width: int = 16, holds: bool = False, **kwargs
    ):
        super().__init__(autocast=False, **kwargs)
        self.scale, self.width = scale, width
        self.holding = Holding(scale, name="holding") if holds else None
        self.context = Convolution(4 * 16, 3, 1, leaky_relu, name="context")
        self.hidden = [
            Convolution(2 * width, 3, 1, leaky_relu, name=f"fusion{i}")
            for i in (1, 2)
        ]
        # For each of four pixels: a correction, and the gate's change.
        self.picture = Convolution(
            4 * 4,
            3,
            kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3),
            dtype="float32",
            name="picture",
        )

    def call(
        self,
        lr: tf.Tensor,
        lr_up: tf.Tensor,
        ref: tf.Tensor,
        half_flow: tf.Tensor,
        state: tf.Tensor,
        curve: tf.Tensor,
    ) -> tf.Tensor:
        """The picture.

        Args:
            lr: `[B, h, w, 3]` float32.
            lr_up: `[B, H, W, 3]` float32, upsampled without REF.
            ref: `[B, H, W, 3]` float32.
            half_flow: `[B, H / 2, W / 2, 2]` float32, in its own pixels.
            state: `[B, H / 4, W / 4, C]` of `GridFlow`.
            curve: `[B, 1, K, 3]` of `GridFlow`.

        Returns:
            `[B, H, W, 3]` float32.
        """
        with_ref, facts, fineness, weights = self._detail(
            lr, ref, half_flow, curve
        )
        weights = tf.image.resize(weights, tf.shape(ref)[1:3])
        logit, trust = weights[..., :1], weights[..., 1:]
        difference = with_ref - lr_up
        grey = tf.reduce_mean(lr_up, axis=-1, keepdims=True)
        shown = tf.stop_gradient(tf.concat([difference, grey], axis=-1))
        known = tf.concat([facts, state, fineness], axis=-1)
        features = [
            tf.nn.depth_to_space(self.context(known), 2),
            tf.cast(tf.nn.space_to_depth(shown, 2), self.compute_dtype),
        ]
        features = tf.concat(features, axis=-1)
        for convolution in self.hidden:
            features = convolution(features)
        fused = tf.nn.depth_to_space(self.picture(features), 2)
        correction, change = tf.split(fused, [3, 1], axis=-1)
        gate = tf.sigmoid(logit + 10.0 * change)
        sr = lr_up + trust * (gate * difference + correction)
        return sr if self.holding is None else self.holding(sr, lr, known)

    def _detail(self, lr, ref, half_flow, curve):
        """LR with REF's detail, and what is known of the match.

        Returns:
            `[B, H, W, 3]`; on the grid features, 8 channels, `_fineness`, and
            the gate's logit and the trust in REF, `[B, H / 4, W / 4, 2]`.
            No gradient passes through those on the grid.
        """
        scale = self.scale
        warped = cubic_warp(ref, double_flow(half_flow))
        low = cubic_downscale(warped, scale)
        toned = tone.with_tone(low, curve)
        gain = matching_gain(lr, toned, max(1, 32 // scale))
        toned = gain * toned
        soft = softened(lr, toned)
        # What is known of the cameras teaches the flow nothing.
        stretch = tf.stop_gradient(gain * tone.slope(low, curve))
        stretch = tf.image.resize(stretch, tf.shape(ref)[1:3])
        detail = stretch * (warped - cubic_upscale(low, scale))
        lost = tf.stop_gradient(toned - soft)
        with_ref = cubic_upscale(lr + lost, scale) + detail

        mismatch = lr - soft
        power = tf.reduce_mean(detail**2, axis=-1, keepdims=True)
        strength = window_mean(tf.nn.avg_pool2d(power, GRID, GRID, "VALID"), 3)
        error = on_grid(mismatch, scale)
        error_power = window_power(error, 3)
        noise = _NOISE_LEFT * noise_power(ref)
        logit = tf.math.log(
            (_FINELY * tf.nn.relu(strength - noise) + _FAINT)
            / (_FINELY * (error_power + noise) + _FAINT)
        )
        trust = self._trust(soft, error_power, strength, half_flow)
        facts = [0.1 * logit, trust, 10.0 * error, on_grid(lr, scale)]
        facts = tf.stop_gradient(tf.concat(facts, axis=-1))
        fineness = tf.stop_gradient(self._fineness(lr, toned, strength))
        weights = tf.stop_gradient(tf.concat([logit, trust], axis=-1))
        return with_ref, facts, fineness, weights

    def _fineness(self, lr, toned, strength) -> tf.Tensor:
        """How fine LR and REF are: `[B, H / 4, W / 4, 3]`.

        Logarithms of power: LR's finest detail over that of REF shrunk, here
        and in the mean; and the detail that LR lacks over REF's finest there.
        """
        powers = []
        for images in (lr, toned):
            finest = images - window_mean(images, 3)
            powers.append(window_power(on_grid(finest, self.scale), 5))
        ours, theirs = powers
        means = [tf.reduce_mean(p, axis=[1, 2], keepdims=True) for p in powers]
        everywhere = means[0] * tf.ones_like(ours), means[1]
        pairs = [powers, everywhere, (window_mean(strength, 3), theirs)]
        return tf.concat(
            [0.5 * tf.math.log((a + _FINE) / (b + _FINE)) for a, b in pairs],
            axis=-1,
        )

    def _trust(self, soft, error_power, strength, half_flow) -> tf.Tensor:
        """Near 1 where REF explains what LR shows, 0 where it does not.

        As `detail.ReferenceDetail`, on the grid: error against REF's own
        contrast, a smooth flow, and detail that an enlarged LR lacks.
        """
        seen = on_grid(soft, self.scale)
        contrast = window_power(seen - window_mean(seen, 3), 3)
        ratio = error_power / (_TOLERATED * contrast + _NOISE**2)
        flow = tf.nn.avg_pool2d(0.5 * half_flow, 2, 2, "VALID")
        bent = (flow - window_mean(flow, 3)) / _ROUGH
        doubt = tf.minimum(ratio, 1e3) ** 2 + 2.0 * window_power(bent, 3)
        coarser = soft - seen_again(soft, self.scale)
        coarser = on_grid(coarser, self.scale)
        sharpness = window_mean(strength, 3) / (
            window_power(coarser, 3) + _TINY
        )
        sharp = tf.sigmoid((sharpness - _SHARP) / _SOFTNESS)
        return sharp * tf.exp(-doubt)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "scale": self.scale,
            "width": self.width,
            "holds": self.holding is not None,
        }
