"""How far REF's weak detail is believed: as far as LR shows it, too.

Networks tell a wrong REF from a right one by how far it is from LR, and weak
detail is never far. So noise of REF, and texture that LR's camera has smoothed
away, pass for detail. But they do not go with what LR shows. Of the power of
REF's finest detail at LR's size, moved by the network's flow, LR leaves a
share `q` unexplained:

    q = 1 - mean(lr ref)^2 / (mean(lr^2) mean(ref^2))
    share = 1 - times q weak / (mean(ref^2) + weak)

The share is a factor of what REF adds to the upsampler. Strong detail is left
to the network.

Preset `quick`, x4: three pairs of a wide and a tele lens gain 0.06 to 0.16 dB,
19 crops of others lose at most 0.03. Weights by the noise that was read from
REF, or by how much REF adds, lose three times as much for the same gain.
"""

import cv2
import numpy as np

from crossnet_tf.alignment import blur, sampling

# LR pixels over which what is shown is fine, and places are: the detail next
# to what LR lacks; larger places reach beyond the margins of tiles.
_PLACE = 9
# What counts as weak, in squared levels of 255, and how much more of it is
# wrong at HR's size than at LR's; in a REF with noise both are larger.
_WEAK, _TIMES = 16.0, 2.0
_WEAK_IN_NOISE, _TIMES_IN_NOISE = 36.0, 3.0
# Power of LR's rounding, and such that it hides nothing of REF.
_ROUNDING, _NOTHING = 0.05, 0.1


def believed(
    lr: np.ndarray,
    ref: np.ndarray,
    flow: np.ndarray,
    noisy: bool,
    means: np.ndarray | None = None,
) -> np.ndarray:
    """The share of what REF adds that is believed.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        ref: `[s*h, s*w, 3]` float32 in [0, 1].
        flow: `[s*h, s*w, 2]` float32 from LR to REF, in HR's pixels.
        noisy: whether noise was found in REF.
        means: `blur.means` of `ref`, where they are known.

    Returns:
        `[s*h, s*w]` float32 in [0, 1].
    """
    height, width = lr.shape[:2]
    scale = ref.shape[0] // height
    mean = cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA)
    if means is None:
        means = blur.means(ref, scale)
    seen = blur.moved_means(means, mean / scale, scale)
    ours, theirs = (
        255.0 * blur.finest_detail(sampling.grey(picture))
        for picture in (lr, seen)
    )
    both, power = _around(ours * theirs), _around(theirs**2)
    explained = np.maximum(both, 0.0) ** 2 / (_around(ours**2) + _ROUNDING)
    unexplained = np.maximum(power - explained, 0.0) / (power + _NOTHING)
    weak, times = _WEAK, _TIMES
    if noisy:
        weak, times = _WEAK_IN_NOISE, _TIMES_IN_NOISE
    doubt = times * unexplained * weak / (power + weak)
    share = np.maximum(1.0 - doubt, 0.0).astype(np.float32)
    return cv2.resize(share, ref.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _around(values: np.ndarray) -> np.ndarray:
    return cv2.blur(values, (_PLACE, _PLACE))
