"""RefSR-Net ("SS-Net" in the tables): learned matching, then synthesis.

CC-Net describes each place of upscaled LR and of REF by dilated convolutions;
the place of REF whose descriptor fits best, among all up to 16 pixels away,
gives the patch. SS-Net fuses LR and the matched patches at several scales.

Reference: Zheng, Ji, Wang, Liu, Fang, "Learning Cross-scale Correspondence
and Patch-based Synthesis for Reference-based Super-Resolution", BMVC 2017.
"""

from collections.abc import Mapping

import keras
import tensorflow as tf

from crossnet_tf.baselines import patches
from crossnet_tf.config import ModelConfig
from crossnet_tf.model.base import Outputs, System
from crossnet_tf.model.convolution import ACTIVATIONS, Convolution
from crossnet_tf.model.decoder import Decoder, PostFusion
from crossnet_tf.model.encoder import Encoder
from crossnet_tf.ops.losses import charbonnier
from crossnet_tf.ops.resampling import cubic_upscale

SIZE, STRIDE, RADIUS = 8, 4, 16
_DILATIONS = (1, 2, 4)
_MATCHING_WEIGHT = 0.01


@keras.saving.register_keras_serializable("crossnet_tf")
class SSNet(System):
    """CC-Net and SS-Net, trained together.

    Matching is learned as the paper does, as a classification of the
    candidates. The right one is the REF patch that is nearest to HR.

    Differs from the paper, whose layer table was not at hand: descriptors
    are three dilated 3x3 convolutions and a linear one; the synthesis is
    CrossNet's encoders, decoder and fusion on upscaled LR and matched REF.

    Args:
        config: reads `scale`, `width`, `activation`, `post_fusion_convs`.
    """

    stride = SIZE

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(config, **kwargs)
        activation = ACTIVATIONS[config.activation]
        self.lr_descriptor = _Descriptor(config.width, name="lr_descriptor")
        self.ref_descriptor = _Descriptor(config.width, name="ref_descriptor")
        self.lr_encoder = Encoder(config.width, activation, name="lr_encoder")
        self.ref_encoder = Encoder(config.width, activation, name="ref_encoder")
        self.decoder = Decoder(config.width, activation, name="decoder")
        self.fusion = PostFusion(
            config.width,
            3,
            config.post_fusion_convs,
            activation,
            small_start=True,
            name="fusion",
        )

    def super_resolve(self, lr: tf.Tensor, ref: tf.Tensor) -> Outputs:
        """Describes, matches, copies patches, fuses."""
        lr_up = cubic_upscale(lr, self.config.scale)
        described = self.lr_descriptor(lr_up), self.ref_descriptor(ref)
        scores = patches.correlations(
            *(tf.stop_gradient(features) for features in described),
            RADIUS,
            SIZE,
            STRIDE,
        )
        best = tf.argmax(scores, axis=-1, output_type=tf.int32)
        shifts = patches.shift_of(best, RADIUS)
        matched = patches.average(
            patches.gather(ref, shifts, SIZE, STRIDE), STRIDE
        )
        fused = self.decoder(self.lr_encoder(lr_up), self.ref_encoder(matched))
        sr = lr_up + tf.cast(self.fusion(fused), tf.float32)
        return {
            "sr": sr,
            "lr_up": lr_up,
            "warped": matched,
            "flows": [patches.as_flow(shifts, SIZE, STRIDE)],
            "lr_descriptor": described[0],
            "ref_descriptor": described[1],
        }

    def objective(
        self,
        inputs: Mapping[str, tf.Tensor],
        outputs: Outputs,
        hr: tf.Tensor,
        progress: tf.Tensor,
    ) -> tf.Tensor:
        """Charbonnier, and cross-entropy of the matches.

        Every other patch is asked, so that scores with gradients of a batch
        of large crops fit into memory.
        """
        del progress  # Both are learned from the start.
        ref = tf.cast(inputs["ref"], tf.float32)
        grid = (RADIUS, SIZE, 2 * STRIDE)
        distance = patches.distances(tf.cast(hr, tf.float32), ref, *grid)
        right = tf.argmin(distance, axis=-1, output_type=tf.int32)
        scores = patches.correlations(
            outputs["lr_descriptor"], outputs["ref_descriptor"], *grid
        )
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(right, scores)
        matching = tf.reduce_mean(entropy, axis=[1, 2])
        samples = tf.cast(tf.reduce_prod(tf.shape(hr)[1:]), tf.float32)
        image = charbonnier(outputs["sr"], hr)
        return image + _MATCHING_WEIGHT * samples * matching


class _Descriptor(keras.layers.Layer):
    """`[B, H, W, 3]` -> `[B, H, W, width // 2]` float32."""

    def __init__(self, width: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.dilated = [
            keras.layers.Conv2D(
                width,
                3,
                padding="same",
                dilation_rate=dilation,
                activation="relu",
                name=f"dilated{dilation}",
            )
            for dilation in _DILATIONS
        ]
        self.last = Convolution(
            width // 2, 3, dtype="float32", name="descriptor"
        )

    def call(self, images):
        for convolution in self.dilated:
            images = convolution(images)
        return self.last(images)
