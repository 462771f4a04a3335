"""Pictures as NumPy users hold them, made into what all code works on.

An array of 8 bits taken for one of floats shows nothing but white, and no
error says so. So each function that takes pictures of a caller asks here.
"""

import numpy as np

TOPS = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
"""What is white in pictures of whole numbers."""
# Floats a little beyond [0, 1] are what resampling makes beside edges.
_LOWEST, _HIGHEST = -1.0, 2.0


def rgb(name: str, given: np.ndarray) -> np.ndarray:
    """A picture in colour; the same array if it is one already.

    Args:
        name: of the argument, for errors.
        given: `[H, W]`, `[H, W, 1]` or `[H, W, 3]` of uint8, uint16 or float
            in [0, 1] (clipped where it is a little beyond).

    Returns:
        `[H, W, 3]` float32 in [0, 1].

    Raises:
        ValueError: it is of another shape, kind or range.
    """
    pixels = np.asarray(given)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3) or not pixels.size:
        raise ValueError(
            f"`{name}` must be [H, W], [H, W, 1] or [H, W, 3]. Received: "
            f"{name}.shape={np.shape(given)}."
        )
    top = TOPS.get(pixels.dtype)
    if top is not None:
        result = pixels.astype(np.float32) / np.float32(top)
    else:
        result = _unit(name, pixels)
    return np.repeat(result, 3, axis=-1) if pixels.shape[-1] == 1 else result


def _unit(name: str, pixels: np.ndarray) -> np.ndarray:
    """Floats as float32 in [0, 1]."""
    if not np.issubdtype(pixels.dtype, np.floating):
        raise ValueError(
            f"`{name}` must be uint8, uint16 or float in [0, 1]. Received: "
            f"{name}.dtype={pixels.dtype}."
        )
    low, high = float(pixels.min()), float(pixels.max())
    if not np.isfinite([low, high]).all():
        raise ValueError(f"`{name}` must be finite. Received: NaN or infinity.")
    if low < _LOWEST or high > _HIGHEST:
        raise ValueError(
            f"`{name}` must be float in [0, 1], or uint8 or uint16; divide by "
            f"what is white. Received: values from {low:.4g} to {high:.4g}."
        )
    result = pixels.astype(np.float32, copy=False)
    return result if low >= 0.0 and high <= 1.0 else np.clip(result, 0.0, 1.0)
