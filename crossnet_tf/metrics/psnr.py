"""Peak signal-to-noise ratio."""

import math

import numpy as np

from crossnet_tf.metrics import inputs

# ITU-R BT.601 luma, the Y of MATLAB's rgb2ycbcr: 16 to 235 of 255.
_LUMA = np.array([65.481, 128.553, 24.966]) / 255
_CHANNELS = ("rgb", "y")


def psnr(
    x: np.ndarray, y: np.ndarray, border: int = 0, channel: str = "rgb"
) -> float:
    """10 * log10(1 / MSE) in dB; infinite for equal pictures.

    Args:
        x: `[H, W, 3]` or `[H, W]`, uint8 or float in [0, 1].
        y: the same shape. The order does not matter.
        border: pixels left out at each side.
        channel: "rgb": one mean over all samples, as the paper. "y": on luma,
            `Y = (65.481 R + 128.553 G + 24.966 B + 16) / 255`, R, G, B in
            [0, 1], as most work on single images; it reads higher.

    Raises:
        ValueError: pictures that cannot be compared, unknown channel, "y" of
            grey pictures, a border that leaves nothing.
    """
    x, y = np.asarray(x), np.asarray(y)
    inputs.check("x", x, "y", y)
    if channel not in _CHANNELS:
        raise ValueError(
            f"`channel` must be one of {list(_CHANNELS)}. "
            f"Received: channel={channel!r}."
        )
    if channel == "y" and x.ndim == 2:
        raise ValueError(
            "`x` must be [H, W, 3] for channel='y'. "
            f"Received: x.shape={x.shape}."
        )
    x, y = inputs.without_border(x, border), inputs.without_border(y, border)
    error = inputs.unit(x) - inputs.unit(y)
    if channel == "y":
        error = error @ _LUMA
    mean_square = float(np.mean(np.square(error)))
    return -10 * math.log10(mean_square) if mean_square else math.inf
