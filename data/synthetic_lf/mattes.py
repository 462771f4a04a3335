"""Outlines of the rendered surfaces: how opaque each texel is.

An outline is first a signed distance to its edge, in pixels and positive
inside; the matte rises from 0 to 1 over 1 to 2 pixels around the edge, as
edges do in photographs. Kinds: ellipses, polygons, fences (thin bars with
gaps, hard for alignment), blobs, and some of them with a hole.
"""

import numpy as np

from .sampling import between, bilinear, direction


def matte(
    rng: np.random.Generator, x: np.ndarray, y: np.ndarray, radius: float
) -> np.ndarray:
    """Draws a random outline around (0, 0).

    Args:
        rng: where the draws come from.
        x: `[w]` positions of the columns, pixels.
        y: `[h]` positions of the rows, pixels.
        radius: about half the size of the outline, pixels; nothing is
            opaque beyond it.

    Returns:
        `[h, w]` float32 in [0, 1].
    """
    x, y = x[None], y[:, None]
    kind = rng.random()
    if kind < 0.25:
        distance = _ellipse(rng, x, y, radius)
    elif kind < 0.5:
        distance = _polygon(rng, x, y, radius)
    elif kind < 0.65:
        distance = np.minimum(
            _fence(rng, x, y, radius), _ellipse(rng, x, y, radius)
        )
    else:
        distance = np.minimum(
            _blob(rng, x, y, radius), _ellipse(rng, x, y, radius)
        )
    if rng.random() < 0.25:
        hole = between(rng, 0.15, 0.4) * radius
        shift_x, shift_y = (between(rng, -0.4, 0.4) * radius for _ in "xy")
        distance = np.minimum(
            distance, -_ellipse(rng, x - shift_x, y - shift_y, hole)
        )
    distance = np.minimum(distance, radius - np.sqrt(x * x + y * y))
    rise = between(rng, 1.0, 2.0)
    return np.clip(0.5 + distance / rise, 0, 1).astype(np.float32)


def _ellipse(
    rng: np.random.Generator, x: np.ndarray, y: np.ndarray, radius: float
) -> np.ndarray:
    cos, sin = direction(rng)
    long, short = radius * between(rng, 0.8, 1), radius * between(rng, 0.3, 1)
    across = (cos * x + sin * y) / long
    down = (cos * y - sin * x) / short
    length = np.sqrt(across * across + down * down)
    steepness = np.sqrt(np.square(across / long) + np.square(down / short))
    return (1 - length) * length / np.maximum(steepness, 1e-3 / radius)


def _polygon(
    rng: np.random.Generator, x: np.ndarray, y: np.ndarray, radius: float
) -> np.ndarray:
    distance = radius - np.maximum(np.abs(x), np.abs(y))
    for _ in range(int(rng.integers(3, 8))):
        cos, sin = direction(rng)
        side = radius * between(rng, 0.35, 0.9)
        distance = np.minimum(distance, side - cos * x - sin * y)
    return distance


def _fence(
    rng: np.random.Generator, x: np.ndarray, y: np.ndarray, radius: float
) -> np.ndarray:
    cos, sin = direction(rng)
    bar = between(rng, 2.0, 0.15 * radius + 3.0)
    period = bar * between(rng, 1.8, 4.0)
    phase = np.mod(cos * x + sin * y, period) - period / 2
    return bar / 2 - np.abs(phase)


def _blob(
    rng: np.random.Generator, x: np.ndarray, y: np.ndarray, radius: float
) -> np.ndarray:
    """Where smooth noise is above a level."""
    cell = radius * between(rng, 0.25, 0.6)
    nodes = int(2 * radius / cell) + 4
    noise = rng.random([nodes, nodes]).astype(np.float32)[..., None]
    across, down = x / cell + nodes / 2, y / cell + nodes / 2
    across, down = np.broadcast_arrays(_smooth(across), _smooth(down))
    height = bilinear(noise, across, down)[..., 0].astype(np.float64)
    level = between(rng, 0.25, 0.45)
    step = float(x[0, 1] - x[0, 0])
    slope_x, slope_y = np.zeros_like(height), np.zeros_like(height)
    slope_x[:, 1:] = (height[:, 1:] - height[:, :-1]) / step
    slope_y[1:] = (height[1:] - height[:-1]) / step
    slope = np.sqrt(slope_x * slope_x + slope_y * slope_y)
    return (height - level) / np.maximum(slope, 0.3 / cell)


def _smooth(position: np.ndarray) -> np.ndarray:
    """Eases between nodes, so that interpolated noise has no creases."""
    whole = np.floor(position)
    part = position - whole
    return whole + part * part * (3 - 2 * part)
