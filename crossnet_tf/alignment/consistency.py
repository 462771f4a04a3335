"""The result shrinks to LR, where LR can be believed.

REF's detail does not vanish when it is shrunk, and networks take LR for softer
or sharper than it is where another camera's REF says so. LR knows better:

    sr + share * enlarged(lr - shrunk(sr))

That is one step of back-projection. But a network also departs from LR to mend
it: noise, a codec's blocks, aliasing. Then it departs further, compared with
LR's finest detail, than from a clean LR (preset `quick`, 26 clean pairs: by
0.05 to 0.20; JPEG, WebP, nearest neighbour: by 0.2 to 0.5, but for pictures
with hardly any detail), or noise is found in LR. There the network is
believed. Preset `lite` departs by 0.05 whatever LR is, and is left alone. So
is a network that does it itself (`back_projection`, `model/holding.py`), if LR
is no softer than REF shrunk.

Reference: Irani and Peleg, "Improving resolution by image registration",
CVGIP 1991.
"""

import numpy as np

from crossnet_tf.alignment import blur, noise, sampling

# Departure, over LR's finest detail, up to which LR is believed, and from
# which it is not at all.
_SURE, _NEVER = 0.16, 0.2
# Levels of 255: more noise in LR than that is better left to the network.
_NOISY = 1.5


def is_clean(lr: np.ndarray) -> bool:
    """Whether no noise is seen in LR, `[h, w, 3]` float32 in [0, 1]."""
    return noise.noise_level(lr) < _NOISY


def consistent(
    sr: np.ndarray, lr: np.ndarray, softness: float = 0.0
) -> np.ndarray:
    """`sr`, brought to show what LR shows, or as it was.

    Args:
        sr: `[s*h, s*w, 3]` float32.
        lr: `[h, w, 3]` float32 in [0, 1], clean.
        softness: of `lr`, as `blur.find_softness`.

    Returns:
        `[s*h, s*w, 3]` float32, not clipped.
    """
    seen = sampling.resized(sr, *lr.shape[:2])
    missing = lr - blur.softened(seen, softness)
    share = _share(missing, lr)
    if share == 0.0:
        return sr
    result = np.empty_like(sr)
    # By channel: a large picture's memory is bounded.
    for c in range(sr.shape[-1]):
        large = sampling.resized(share * missing[..., c], *sr.shape[:2])
        np.add(sr[..., c], large, out=result[..., c])
    return result


def _share(missing: np.ndarray, lr: np.ndarray) -> np.float32:
    """How far LR is believed, in [0, 1]."""
    finest = blur.finest_detail(lr)
    departure = np.std(missing) / (np.std(finest) + 1e-6)
    return np.float32(np.clip((_NEVER - departure) / (_NEVER - _SURE), 0, 1))
