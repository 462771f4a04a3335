"""Draws the scenes: an opaque background and textured planes before it.

Write (X, Y) for the picture of a point in a virtual camera at the middle of
the camera grid. The disparity of a plane there is d = a + b X + c Y, pixels
per view step; `render.py` derives what the other cameras see. A smaller d is
nearer.
"""

import dataclasses

import numpy as np

from .mattes import matte
from .sampling import between, positions
from .textures import texture


@dataclasses.dataclass(frozen=True)
class Layer:
    """A textured plane.

    Attributes:
        texels: `[h, w, 4]` float32, colours times opacity, and opacity;
            `SUPERSAMPLING` texels per pixel, with a transparent rim (except
            for the background, which is opaque everywhere).
        left: X of the first column of `texels`, pixels.
        top: Y of the first row.
        plane: (a, b, c) of d = a + b X + c Y.
    """

    texels: np.ndarray
    left: float
    top: float
    plane: tuple[float, float, float]


def random_scene(
    rng: np.random.Generator,
    height: int,
    width: int,
    max_disparity: float,
    reach: float,
    photographs: tuple[str, ...],
) -> list[Layer]:
    """Draws a background and 3 to 8 planes before it.

    Args:
        rng: where the draws come from.
        height: of a view, pixels.
        width: of a view, pixels.
        max_disparity: disparities lie within +- this, pixels per view step.
        reach: how far a point may move between the middle camera and any
            other, pixels; the background is so much larger than a view.
        photographs: names of the photographs that textures are cut from.

    Returns:
        The layers, the background first.
    """
    layers = [
        _background(rng, height, width, max_disparity, reach, photographs)
    ]
    for _ in range(int(rng.integers(3, 9))):
        layers.append(_surface(rng, height, width, max_disparity, photographs))
    return layers


def _background(
    rng: np.random.Generator,
    height: int,
    width: int,
    max_disparity: float,
    reach: float,
    photographs: tuple[str, ...],
) -> Layer:
    x = positions(-reach, width - 1 + reach)
    y = positions(-reach, height - 1 + reach)
    texels = np.ones([len(y), len(x), 4], np.float32)
    texels[..., :3] = texture(rng, x, y, photographs)
    far = max_disparity * between(rng, 0.2, 0.8)
    tilt = (max_disparity - far) * rng.random()
    plane = _tilted(rng, far, tilt, width / 2, height / 2, width, height)
    return Layer(texels, float(x[0]), float(y[0]), plane)


def _surface(
    rng: np.random.Generator,
    height: int,
    width: int,
    max_disparity: float,
    photographs: tuple[str, ...],
) -> Layer:
    radius = min(height, width) * between(rng, 0.1, 0.45)
    center_x, center_y = width * rng.random(), height * rng.random()
    x = positions(-radius - 1, radius + 1)
    alpha = matte(rng, x, x, radius)
    alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1] = 0, 0, 0, 0
    paint = texture(rng, x + center_x, x + center_y, photographs)
    texels = np.empty([len(x), len(x), 4], np.float32)
    texels[..., :3] = paint * alpha[..., None]
    texels[..., 3] = alpha
    middle = max_disparity * between(rng, -0.9, 0.7)
    tilt = (max_disparity - abs(middle)) * rng.random()
    plane = _tilted(
        rng, middle, tilt, center_x, center_y, 2 * radius, 2 * radius
    )
    return Layer(texels, float(x[0] + center_x), float(x[0] + center_y), plane)


def _tilted(
    rng: np.random.Generator,
    middle: float,
    tilt: float,
    x: float,
    y: float,
    width: float,
    height: float,
) -> tuple[float, float, float]:
    """A plane with `middle` at (x, y), at most +- `tilt` within the box."""
    share = rng.random()
    b = 2 * tilt * share / width * (1 if rng.random() < 0.5 else -1)
    c = 2 * tilt * (1 - share) / height * (1 if rng.random() < 0.5 else -1)
    return middle - b * x - c * y, b, c
