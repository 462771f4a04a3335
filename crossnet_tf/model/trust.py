"""Trust in REF: 1 where REF explains what LR shows, 0 where it does not.

The error is compared with REF's own contrast around the pixel: a picture of
something else errs by as much as it varies. The flow must be smooth: bent
enough, any picture explains any other. And REF must show more than LR does:
an enlarged LR explains LR best of all.

The constants were found by trying, on pictures that fit and on wrong ones.
"""

import tensorflow as tf

from crossnet_tf.ops.resampling import matched_blur
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


def trust_in_ref(
    mismatch: tf.Tensor,
    warped: tf.Tensor,
    blurred: tf.Tensor,
    flow: tf.Tensor,
    scale: int,
) -> tf.Tensor:
    """How far REF is believed, pixel by pixel.

    With m(x) the mean of |x|^2 over a window, x' = x less its window's mean:

        ratio = m(mismatch) / (0.3 m(blurred') + 0.012^2)
        bent  = m(flow' / (0.25 scale))
        sharp = m(warped - blurred) / m(blurred - blurred again)
        trust = sigmoid((sharp - 3.5) / 0.15) exp(-ratio^2 - 2 bent)

    Args:
        mismatch: `[B, H, W, 3]` float32, cubic LR minus `blurred`.
        warped: `[B, H, W, 3]` float32, REF where the flow points.
        blurred: `[B, H, W, 3]` float32, what LR would show of `warped`.
        flow: `[B, H, W, 2]` float32, in pixels.
        scale: HR size / LR size; windows are 2 or 4 of LR's pixels wide.

    Returns:
        `[B, H, W, 1]` float32 in [0, 1]. No gradient passes through it.
    """
    size = 2 * scale + 1
    contrast = window_power(blurred - window_mean(blurred, size), size)
    ratio = window_power(mismatch, size) / (TOLERATED * contrast + NOISE**2)
    bent = (flow - window_mean(flow, size)) / (ROUGH * scale)
    doubt = ratio**2 + 2.0 * window_power(bent, size)
    size = 2 * size - 1
    coarser = blurred - matched_blur(blurred, scale)
    sharpness = window_power(warped - blurred, size) / (
        window_power(coarser, size) + _TINY
    )
    sharp = tf.sigmoid((sharpness - SHARP) / _SOFTNESS)
    return tf.stop_gradient(sharp * tf.exp(-doubt))
