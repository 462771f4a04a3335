"""Colours of the rendered surfaces: photographs and dead leaves.

A texture is painted on a grid of `SUPERSAMPLING` texels per pixel, so that a
view can read it bilinearly at sub-pixel positions without aliasing: whatever
detail a photograph has, the grid holds it, and one box filter of a pixel's
size (a sensor's aperture) removes what a view cannot show.

Dead leaves are discs and bars of random place, colour and size (density of
the radius proportional to r**-3) that cover each other. Such pictures have
the edge and scale statistics of photographs (Lee, Mumford and Huang,
"Occlusion models for natural images", IJCV 2001).
"""

import numpy as np

from .photographs import photograph
from .sampling import SUPERSAMPLING, between, bilinear, box, direction


def texture(
    rng: np.random.Generator,
    x: np.ndarray,
    y: np.ndarray,
    photographs: tuple[str, ...],
) -> np.ndarray:
    """Paints a random texture.

    Args:
        rng: where the draws come from.
        x: `[w]` positions of the columns, pixels, `1 / SUPERSAMPLING` apart.
        y: `[h]` positions of the rows.
        photographs: names to choose from.

    Returns:
        `[h, w, 3]` float32 in [0, 1], filtered to what a pixel sees.
    """
    photo = photograph(photographs[int(rng.integers(len(photographs)))])
    kind = rng.random()
    if kind < 0.65:
        paint = _tone(rng, _photograph_texture(rng, photo, x, y))
    else:
        paint = _dead_leaves(rng, photo, len(y), len(x))
        if kind < 0.85:
            grain = _photograph_texture(rng, photo, x, y)[..., 1:2]
            paint = paint * (np.float32(0.5) + grain)
    paint = box(paint, SUPERSAMPLING)
    if rng.random() < 0.3:  # A lens that is a little out of focus.
        paint = box(paint, SUPERSAMPLING)
    return np.clip(paint, np.float32(0), np.float32(1))


def _photograph_texture(
    rng: np.random.Generator, photo: np.ndarray, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """The photograph at random place, turn and zoom, mirrored endlessly."""
    height, width = photo.shape[:2]
    zoom = between(rng, 0.75, 2.0)
    cos, sin = direction(rng)
    if rng.random() < 0.5:  # Half of the surfaces stand upright.
        cos, sin = 1.0, 0.0
    cos, sin = zoom * cos, zoom * sin
    start_x, start_y = width * rng.random(), height * rng.random()
    across = start_x + cos * x[None] - sin * y[:, None]
    down = start_y + sin * x[None] + cos * y[:, None]
    return bilinear(photo, _mirror(across, width), _mirror(down, height))


def _mirror(position: np.ndarray, size: int) -> np.ndarray:
    last = size - 1
    return last - np.abs(np.mod(position, 2 * last) - last)


def _tone(rng: np.random.Generator, paint: np.ndarray) -> np.ndarray:
    """Other light: a curve, a gain, and colour for grey photographs."""
    one = np.float32(1)
    curve = np.float32(between(rng, -0.4, 0.4))
    paint = paint + curve * paint * (one - paint)
    dark = np.array([0.15 * rng.random() for _ in range(3)], np.float32)
    light = np.array([between(rng, 0.65, 1.0) for _ in range(3)], np.float32)
    return dark + paint * (light - dark)


def _dead_leaves(
    rng: np.random.Generator, photo: np.ndarray, height: int, width: int
) -> np.ndarray:
    """Discs and bars in the photograph's colours, covering each other."""
    smallest = SUPERSAMPLING * between(rng, 1.5, 4.0)
    largest = SUPERSAMPLING * between(rng, 20.0, 50.0)
    ratio = smallest / largest
    share = 1 - ratio * ratio
    colors = photo.reshape(-1, 3)
    paint = np.empty([height, width, 3], np.float32)
    paint[...] = colors[int(rng.integers(len(colors)))]
    # About 2 pi s^2 log(l / s), the mean; logarithms are not exact.
    mean_area = 6 * smallest * smallest * float(np.sqrt(largest / smallest))
    for _ in range(int(2 * height * width / mean_area) + 8):
        radius = smallest / float(np.sqrt(1 - share * rng.random()))
        x, y = width * rng.random(), height * rng.random()
        color = colors[int(rng.integers(len(colors)))]
        color = color * np.float32(between(rng, 0.7, 1.15))
        cos, sin = direction(rng)
        flat = between(rng, 0.2, 1.0) if rng.random() < 0.5 else 0.0
        _paint_leaf(paint, x, y, radius, cos, sin, flat, color)
    return paint


def _paint_leaf(
    paint: np.ndarray,
    x: float,
    y: float,
    radius: float,
    cos: float,
    sin: float,
    flat: float,
    color: np.ndarray,
) -> None:
    """A disc, or (`flat` > 0) a bar `flat` times as high as long."""
    height, width = paint.shape[:2]
    reach = radius * 1.42
    left, right = max(int(x - reach), 0), min(int(x + reach) + 2, width)
    top, bottom = max(int(y - reach), 0), min(int(y + reach) + 2, height)
    if left >= right or top >= bottom:
        return
    across = (np.arange(left, right) - x)[None]
    down = (np.arange(top, bottom) - y)[:, None]
    if flat:
        inside = np.abs(cos * across + sin * down) < radius
        inside &= np.abs(cos * down - sin * across) < radius * flat
    else:
        inside = across * across + down * down < radius * radius
    paint[top:bottom, left:right][inside] = color
