"""Draws, filters and look-ups that give the same bits on every machine.

Everybody must get the same bytes, so the renderer uses only operations that
IEEE 754 rounds exactly: elementwise + - * / and square roots, and shifted
sums. No trigonometry, powers, matrix products or blocked reductions, whose
last bits depend on the machine; and of the generator only `random` and
`integers`, for the same reason.
"""

import numpy as np

SUPERSAMPLING = 3
"""Texels per pixel of every texture and matte."""


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """A uniform draw from [low, high)."""
    return low + (high - low) * rng.random()


def direction(rng: np.random.Generator) -> tuple[float, float]:
    """A unit vector of any direction, without sine and cosine."""
    while True:
        x, y = 2 * rng.random() - 1, 2 * rng.random() - 1
        square = x * x + y * y
        if 0.01 < square <= 1:
            root = float(np.sqrt(square))
            return x / root, y / root


def positions(first: float, last: float) -> np.ndarray:
    """Texel positions from `first` to at least `last`, in pixels."""
    count = int((last - first) * SUPERSAMPLING) + 2
    return first + np.arange(count) / SUPERSAMPLING


def box(image: np.ndarray, size: int) -> np.ndarray:
    """Mean over `size` x `size` texels (odd), borders clamped."""
    half = size // 2
    for axis in (0, 1):
        pad = [(0, 0)] * image.ndim
        pad[axis] = (half, half)
        padded = np.pad(image, pad, mode="edge")
        length = image.shape[axis]
        total = np.zeros_like(image)
        for shift in range(size):
            part = slice(shift, shift + length)
            total += padded[part] if axis == 0 else padded[:, part]
        image = total / np.float32(size)
    return image


def bilinear(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Samples `image` `[H, W, C]` at `x`, `y` `[...]`, borders clamped."""
    height, width, channels = image.shape
    x = np.clip(x, 0, width - 1)
    y = np.clip(y, 0, height - 1)
    left = np.minimum(x.astype(np.int32), width - 2)
    top = np.minimum(y.astype(np.int32), height - 2)
    along = (x - left).astype(np.float32)[..., None]
    down = (y - top).astype(np.float32)[..., None]
    texels = np.ascontiguousarray(image).reshape(-1, channels)
    corner = top * width + left
    above = texels.take(corner, axis=0)
    above += (texels.take(corner + 1, axis=0) - above) * along
    corner += width
    below = texels.take(corner, axis=0)
    below += (texels.take(corner + 1, axis=0) - below) * along
    above += (below - above) * down
    return above
