"""Alpha, grey and colour space around a network that takes opaque sRGB.

LR keeps its own colours: REF is brought to them, so that nothing of LR is
lost on the way there and back. Hidden colours of transparent pixels would
bleed into what is seen, so that they are replaced by their neighbours'.
"""

import numpy as np

from crossnet_tf.images import profiles
from crossnet_tf.images.picture import Picture

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def network_inputs(
    lr: Picture, ref: Picture | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """LR and REF as the network takes them.

    Args:
        lr: the picture to super-resolve.
        ref: its reference, of any size; None: there is none.

    Returns:
        `[h, w, 3]` and `[H, W, 3]` float32 in [0, 1], both in LR's colours,
        opaque, and grey if LR is grey.

    Raises:
        ValueError: a colour profile cannot be used.
    """
    small = filled(lr.rgb, lr.alpha)
    if ref is None:
        return small, None
    large = profiles.convert(
        filled(ref.rgb, ref.alpha), ref.profile, lr.profile
    )
    if lr.grey and not ref.grey:
        large = np.repeat((large @ _LUMA)[..., None], 3, axis=-1)
    return small, large


def filled(rgb: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Gives transparent pixels the colours of what is visible near them.

    Means over ever larger cells, weighted by alpha, fill what finer ones
    leave open.

    Args:
        rgb: `[H, W, 3]` float32.
        alpha: `[H, W]` in [0, 1]; None: opaque.
    """
    if alpha is None or alpha.min() > 0:
        return rgb
    height, width = alpha.shape
    weight = alpha[..., None]
    if height == width == 1:
        return np.where(weight > 0, rgb, 0).astype(np.float32)
    pad = ((0, height % 2), (0, width % 2), (0, 0))
    sums = _halved(np.pad(rgb * weight, pad))
    total = _halved(np.pad(weight, pad))
    coarse = filled(
        sums / np.maximum(total, 1e-6), np.minimum(total, 1)[..., 0]
    )
    near = coarse.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    return np.where(weight > 0, rgb, near).astype(np.float32)


def _halved(values: np.ndarray) -> np.ndarray:
    """Sums of 2x2 pixels."""
    height, width, channels = values.shape
    cells = values.reshape(height // 2, 2, width // 2, 2, channels)
    return cells.sum((1, 3))


def finished(sr: np.ndarray, lr: Picture, alpha: np.ndarray | None) -> Picture:
    """The network's picture as a file of LR's kind.

    Args:
        sr: `[H, W, 3]` float32, not clipped; is clipped in place, since it
            may be huge.
        lr: where profile, depth, metadata come from.
        alpha: `[H, W]`, enlarged; None: opaque.
    """
    rgb = np.clip(sr, 0, 1, out=sr)
    if lr.grey:
        rgb = np.repeat(rgb.mean(-1, keepdims=True), 3, axis=-1)
    alpha = None if alpha is None else np.clip(alpha, 0, 1)
    return lr.like(rgb, alpha)
