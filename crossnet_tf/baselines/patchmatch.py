"""Patch-based super-resolution: REF's sharp patches where they match LR.

Nothing is learned. Each 8x8 patch of upscaled LR looks for its four nearest
neighbours among REF's patches, blurred to what LR would show of them, up to
16 pixels away. The mean of their sharp versions' detail, weighted by
`exp(-BETA * distance)`, goes where the patch was; overlaps are averaged.

Settings as in the CrossNet paper's comparison (patch 8, 4 neighbours, search
+-16, beta 0.008); the method is the one of Boominathan, Mitra, Veeraraghavan,
"Improving resolution and depth-of-field of light field cameras using a hybrid
imaging system", ICCP 2014, as far as those say.

Differs from them: what is moved is REF's detail, the sharp patch less the
blurred one, so that a bad match cannot make LR's coarse picture worse;
distances are mean squared differences of RGB in 8-bit steps, over every other
row and column, as what is compared is blurred.
"""

import keras
import tensorflow as tf

from crossnet_tf.baselines import patches
from crossnet_tf.model.base import Outputs, System
from crossnet_tf.ops.resampling import cubic_upscale, matched_blur

SIZE, STRIDE, RADIUS, NUM_NEIGHBOURS = 8, 4, 16, 4
BETA = 0.008
_STEPS_SQUARED = 255.0**2


@keras.saving.register_keras_serializable("crossnet_tf")
class PatchMatch(System):
    """Nearest patches by exhaustive search; has no weights.

    Args:
        config: reads `scale`.
    """

    stride = SIZE

    def super_resolve(self, lr: tf.Tensor, ref: tf.Tensor) -> Outputs:
        """LR upscaled, with the detail of its patches' neighbours."""
        scale = self.config.scale
        lr_up, blurred = cubic_upscale(lr, scale), matched_blur(ref, scale)
        distance = patches.distances(
            lr_up, blurred, RADIUS, SIZE, STRIDE, every=2
        )
        closeness, numbers = tf.math.top_k(-distance, NUM_NEIGHBOURS)
        weights = tf.nn.softmax(BETA * _STEPS_SQUARED * closeness)
        shifts = patches.shift_of(numbers, RADIUS)
        sharp, detail = ref - blurred, 0.0
        for k in range(NUM_NEIGHBOURS):
            found = patches.gather(sharp, shifts[..., k, :], SIZE, STRIDE)
            detail += weights[..., k, None, None, None] * found
        return {
            "sr": lr_up + patches.average(detail, STRIDE),
            "lr_up": lr_up,
            "flows": [patches.as_flow(shifts[..., 0, :], SIZE, STRIDE)],
        }
