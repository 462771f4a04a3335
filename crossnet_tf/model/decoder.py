"""U-Net decoder and post-fusion: from warped features to the picture.

At each level the features of LR, the warped features of REF and what the
coarser level made of them are concatenated and enlarged by a transposed
convolution; at full size, 5x5 convolutions make the picture.

Equation 6 of the paper is off by one in its level index (four doublings from
1/8 would end at twice the size); the released code has three, as here, and
the features of level 0 join at the post-fusion.

Reference: Zheng et al., ECCV 2018, section 3.3.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from crossnet_tf.model.convolution import Convolution, Deconvolution
from crossnet_tf.ops.brightness import observed
from crossnet_tf.ops.resampling import cubic_upscale, matched_blur
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.ops.windows import window_mean, window_power

# Share of REF's local contrast that may be error, and error that noise makes.
TOLERATED = 0.3
NOISE = 0.012
# Roughness of a flow that is still believed, as a share of LR's pixel.
ROUGH = 0.25
# Detail that LR lacks, over LR's own finest detail: some 2.3 in a picture
# that was enlarged from LR's size, 10 and more in a sharp one.
SHARP = 3.5
_SOFTNESS = 0.15
_TINY = 1e-6


class Decoder(keras.layers.Layer):
    """Fuses pyramids of LR and warped REF features into full-size ones."""

    def __init__(self, width: int, activation: Callable, **kwargs):
        super().__init__(**kwargs)
        self.steps = [
            Deconvolution(width, activation, name=f"from_level{level}")
            for level in (3, 2, 1)
        ]

    def call(
        self, lr_features: list[tf.Tensor], warped: list[tf.Tensor]
    ) -> tf.Tensor:
        """Two pyramids of four `[B, H_i, W_i, C]` -> `[B, H, W, 3 * C]`."""
        fused = tf.concat([lr_features[3], warped[3]], axis=-1)
        for level, step in zip((2, 1, 0), self.steps):
            fused = tf.concat(
                [step(fused), lr_features[level], warped[level]], axis=-1
            )
        return fused


class PostFusion(keras.layers.Layer):
    """5x5 convolutions at full size; the last one is linear.

    Differs from the paper: no activation on the picture, because the
    published code has none (a ReLU there stops the gradient of dark pixels).
    """

    def __init__(
        self,
        width: int,
        outputs: int,
        num_convolutions: int,
        activation: Callable,
        small_start: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.hidden = [
            Convolution(width, 5, 1, activation, name=f"fusion{i}")
            for i in range(1, num_convolutions)
        ]
        initializer = (
            keras.initializers.RandomNormal(stddev=1e-3)
            if small_start
            else "glorot_uniform"
        )
        self.last = Convolution(
            outputs, 5, kernel_initializer=initializer, name="picture"
        )

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """`[B, H, W, C]` -> `[B, H, W, outputs]`."""
        for convolution in self.hidden:
            features = convolution(features)
        return self.last(features)


class ReferenceDetail(keras.layers.Layer):
    """Moves what REF shows beyond LR onto cubic LR, as a picture.

    Differs from the paper: besides REF's features, REF's fine detail itself
    is warped; the post-fusion decides, pixel by pixel, between the result
    and upsampled LR. A network with a right flow and an open gate is already
    good, which shortens training, and one with the gate closed is no worse
    than its upsampler.
    """

    def __init__(self, scale: int, **kwargs):
        super().__init__(dtype="float32", autocast=False, **kwargs)
        self.scale = scale

    def call(
        self, lr: tf.Tensor, ref: tf.Tensor, flow: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """LR with REF's detail, and how well they match.

        Args:
            lr: `[B, h, w, 3]`.
            ref: `[B, s*h, s*w, 3]`.
            flow: `[B, s*h, s*w, 2]` float32.

        Returns:
            Two `[B, s*h, s*w, 3]` float32: LR with the detail of REF, and
            cubic LR minus REF, warped, brought to LR's brightness and then
            blurred as LR is; and the trust in REF, `[B, s*h, s*w, 1]` in
            [0, 1].
        """
        warped = backward_warp(tf.cast(ref, tf.float32), flow)
        target = cubic_upscale(lr, self.scale)
        warped, blurred, _ = observed(target, warped, self.scale)
        mismatch = target - blurred
        trust = self._trust(mismatch, warped, blurred, flow)
        return warped + mismatch, mismatch, trust

    def _trust(self, mismatch, warped, blurred, flow) -> tf.Tensor:
        """Near 1 where REF explains what LR shows, 0 where it does not.

        The error is compared with REF's own contrast around the pixel: a
        picture of something else errs by as much as it varies. The flow must
        be smooth: bent enough, any picture explains any other. And REF must
        show more than LR does: an enlarged LR explains LR best of all.
        """
        size = 2 * self.scale + 1
        contrast = window_power(blurred - window_mean(blurred, size), size)
        ratio = window_power(mismatch, size) / (TOLERATED * contrast + NOISE**2)
        bent = (flow - window_mean(flow, size)) / (ROUGH * self.scale)
        doubt = ratio**2 + 2.0 * window_power(bent, size)
        size = 2 * size - 1
        coarser = blurred - matched_blur(blurred, self.scale)
        sharpness = window_power(warped - blurred, size) / (
            window_power(coarser, size) + _TINY
        )
        sharp = tf.sigmoid((sharpness - SHARP) / _SOFTNESS)
        return tf.stop_gradient(sharp * tf.exp(-doubt))


def gated(
    fused: tf.Tensor, lr_up: tf.Tensor, with_ref: tf.Tensor, trust: tf.Tensor
) -> tf.Tensor:
    """Mixes two pictures `[B, H, W, 3]` by `fused` `[B, H, W, 4]`.

    The first three channels of `fused` are a correction, the last one the
    gate's logit: large takes `with_ref`, small takes `lr_up`. Where `trust`
    `[B, H, W, 1]` is 0 the result is `lr_up`, whatever was learned.
    """
    gate = tf.sigmoid(fused[..., 3:])
    change = gate * (with_ref - lr_up) + fused[..., :3]
    return lr_up + trust * change
