"""REF's detail on LR, as a picture, and the gate between that and no REF.

Differs from the paper: besides REF's features, REF's fine detail itself is
warped; the post-fusion decides, pixel by pixel, between the result and
upsampled LR. A network with a right flow and an open gate is already good,
which shortens training, and one with the gate closed is no worse than its
upsampler. Whatever was learned, REF counts only as far as `trust` says.
"""

import keras
import tensorflow as tf

from crossnet_tf.model.trust import trust_in_ref
from crossnet_tf.ops.brightness import observed
from crossnet_tf.ops.resampling import cubic_upscale
from crossnet_tf.ops.warp import backward_warp


class ReferenceDetail(keras.layers.Layer):
    """Moves what REF shows beyond LR onto cubic LR; has no weights.

    Args:
        scale: HR size / LR size.
    """

    def __init__(self, scale: int, **kwargs):
        super().__init__(dtype="float32", autocast=False, **kwargs)
        self.scale = scale

    def call(
        self, lr: tf.Tensor, ref: tf.Tensor, flow: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """LR with REF's detail, and how well they match.

        with_ref = warped + mismatch, mismatch = lr_up - blur(warped)

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
        trust = trust_in_ref(mismatch, warped, blurred, flow, self.scale)
        return warped + mismatch, mismatch, trust


def gated(
    fused: tf.Tensor, lr_up: tf.Tensor, with_ref: tf.Tensor, trust: tf.Tensor
) -> tf.Tensor:
    """The result, of two pictures and what the post-fusion says of them.

    sr = lr_up + trust (sigmoid(gate) (with_ref - lr_up) + correction)

    Args:
        fused: `[B, H, W, 4]`: the correction, and the gate's logit: large
            takes `with_ref`, small takes `lr_up`.
        lr_up: `[B, H, W, 3]`.
        with_ref: `[B, H, W, 3]`.
        trust: `[B, H, W, 1]`; where it is 0 the result is `lr_up`.

    Returns:
        `[B, H, W, 3]`.
    """
    gate = tf.sigmoid(fused[..., 3:])
    change = gate * (with_ref - lr_up) + fused[..., :3]
    return lr_up + trust * change


def doubted(sr: tf.Tensor, lr_up: tf.Tensor, trust: tf.Tensor) -> tf.Tensor:
    """A result whose network judged REF itself, judged once more.

    out = lr_up + sqrt(trust) (sr - lr_up)

    The root, because the network has left out some of what does not fit.

    Args:
        sr: `[B, H, W, 3]`.
        lr_up: `[B, H, W, 3]`.
        trust: `[B, H, W, 1]` in [0, 1].

    Returns:
        `[B, H, W, 3]`.
    """
    return lr_up + tf.sqrt(trust) * (sr - lr_up)
