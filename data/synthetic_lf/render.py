"""Renders light fields of layered, tilted planes, with exact disparity.

A scene is an opaque background plane and some textured planes with mattes
before it, seen by a grid of equal, parallel cameras. Write (X, Y) for the
picture of a point in a (virtual) camera at the middle of the grid and (u, v)
for a camera's columns and rows from there. The disparity of a plane is

    d(X, Y) = a + b X + c Y,

pixels per view step (the inverse depth of a plane is affine in the picture),
and its points appear in camera (u, v) at

    x = X + d u,    y = Y + d v.

Solved for the disparity at a pixel of that camera:

    d = (a + b x + c y) / (1 + b u + c v).

So each view of each plane is an affine picture of its texture, and disparity
is known at every pixel of every view. A smaller d is nearer (a camera that
moves right sees near things move left). Planes may cross: which one is in
front is decided per pixel, softly over one pixel where they cross.

All functions are pure NumPy, need no TensorFlow, and give the same bytes on
every machine (see `textures.py`).

    from data.synthetic_lf import render
    views, disparity = render.render_light_field(
        np.random.Generator(np.random.Philox(7)), height=192, width=256)
"""

import dataclasses

import numpy as np

from . import mattes, textures
from .textures import SUPERSAMPLING, between


@dataclasses.dataclass(frozen=True)
class Layer:
    """A textured plane.

    Attributes:
        texels: `[h, w, 4]` float32, colours times opacity, and opacity;
            `SUPERSAMPLING` texels per pixel, a transparent rim (not around
            the background).
        left: X of the first column of `texels`, pixels.
        top: Y of the first row.
        plane: (a, b, c) of d = a + b X + c Y.
    """

    texels: np.ndarray
    left: float
    top: float
    plane: tuple[float, float, float]


def render_light_field(
    rng: np.random.Generator,
    height: int = 192,
    width: int = 256,
    rows: int = 8,
    cols: int = 8,
    max_disparity: float | None = None,
    photographs: tuple[str, ...] = textures.TRAIN_PHOTOGRAPHS,
) -> tuple[np.ndarray, np.ndarray]:
    """Renders a random scene from every camera of the grid.

    Args:
        rng: where all draws come from, e.g. `Generator(Philox(seed))`.
        height: of a view, pixels.
        width: of a view, pixels.
        rows: of the camera grid.
        cols: of the camera grid.
        max_disparity: the scene's disparities lie within +- this, pixels per
            view step; None: drawn from 0.5 (a plenoptic camera) to 2.
        photographs: names of the photographs that textures are cut from.

    Returns:
        views: `[rows * cols, height, width, 3]` uint8, row after row.
        disparity: `[rows * cols, height, width]` float32, pixels per view
            step, of the front surface (the nearest with opacity >= 1/2): its
            point at (x, y) of view (r, c) is at (x + d (c2 - c),
            y + d (r2 - r)) in view (r2, c2).

    Raises:
        ValueError: a size is too small, or `max_disparity` so large that a
            plane would be seen edge-on.
    """
    _check(height, width, rows, cols, max_disparity)
    layers = random_scene(
        rng, height, width, rows, cols, max_disparity, photographs
    )
    views = np.empty([rows * cols, height, width, 3], np.uint8)
    disparity = np.empty([rows * cols, height, width], np.float32)
    for index in range(rows * cols):
        v = index // cols - (rows - 1) / 2
        u = index % cols - (cols - 1) / 2
        views[index], disparity[index] = render_view(
            layers, height, width, u, v
        )
    return views, disparity


def random_scene(
    rng: np.random.Generator,
    height: int,
    width: int,
    rows: int,
    cols: int,
    max_disparity: float | None,
    photographs: tuple[str, ...],
) -> list[Layer]:
    """Draws a background and 3 to 8 planes; arguments as above."""
    if max_disparity is None:
        u = rng.random()
        max_disparity = 0.5 + 1.5 * u
    margin = max_disparity * (max(rows, cols) - 1) / 2 + 4
    layers = [
        _background(rng, height, width, margin, max_disparity, photographs)
    ]
    for _ in range(int(rng.integers(3, 9))):
        layers.append(_surface(rng, height, width, max_disparity, photographs))
    return layers


def render_view(
    layers: list[Layer], height: int, width: int, u: float, v: float
) -> tuple[np.ndarray, np.ndarray]:
    """Renders what camera (u, v), in view steps from the middle, sees.

    Returns:
        image: `[height, width, 3]` uint8.
        disparity: `[height, width]` float32.
    """
    planes = [_plane_in_view(layer.plane, u, v) for layer in layers]
    windows = [
        _window(layer, plane, height, width, u, v)
        for layer, plane in zip(layers, planes)
    ]
    seen = [k for k, window in enumerate(windows) if window is not None]
    colors = {k: _sample(layers[k], planes[k], windows[k], u, v) for k in seen}
    through = {k: np.ones_like(colors[k][..., 3]) for k in seen}
    for number, k in enumerate(seen):
        for other in seen[number + 1 :]:
            _hide(k, other, planes, windows, colors, through)
    image = np.zeros([height, width, 3], np.float32)
    weight = np.zeros([height, width, 1], np.float32)
    disparity = np.full([height, width], np.inf)
    for k in seen:
        window = windows[k]
        image[window] += colors[k][..., :3] * through[k][..., None]
        weight[window] += colors[k][..., 3:] * through[k][..., None]
        opaque = colors[k][..., 3] >= 0.5
        here = np.where(opaque, _on_grid(planes[k], window), np.inf)
        disparity[window] = np.minimum(disparity[window], here)
    # The weights sum to 1 except where three planes cross in one pixel.
    image = np.clip(image / weight * 255, 0, 255)
    return np.rint(image).astype(np.uint8), disparity.astype(np.float32)


def _check(
    height: int,
    width: int,
    rows: int,
    cols: int,
    max_disparity: float | None,
) -> None:
    if min(height, width) < 32:
        raise ValueError(
            "`height` and `width` must be at least 32. "
            f"Received: height={height}, width={width}."
        )
    if min(rows, cols) < 1:
        raise ValueError(
            "`rows` and `cols` must be at least 1. "
            f"Received: rows={rows}, cols={cols}."
        )
    limit = min(height, width) / (2 * max(rows, cols))
    if max_disparity is not None and not 0 < max_disparity <= limit:
        raise ValueError(
            f"`max_disparity` must be in (0, {limit}] for views of this "
            f"size. Received: max_disparity={max_disparity}."
        )


def _background(
    rng: np.random.Generator,
    height: int,
    width: int,
    margin: float,
    max_disparity: float,
    photographs: tuple[str, ...],
) -> Layer:
    x = _positions(-margin, width - 1 + margin)
    y = _positions(-margin, height - 1 + margin)
    paint = textures.texture(rng, x, y, photographs)
    texels = np.ones([len(y), len(x), 4], np.float32)
    texels[..., :3] = paint
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
    x = _positions(-radius - 1, radius + 1)
    y = _positions(-radius - 1, radius + 1)
    texels = np.empty([len(y), len(x), 4], np.float32)
    alpha = mattes.matte(rng, x, y, radius)
    alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1] = 0, 0, 0, 0
    paint = textures.texture(rng, x + center_x, y + center_y, photographs)
    texels[..., :3] = paint * alpha[..., None]
    texels[..., 3] = alpha
    middle = max_disparity * between(rng, -0.9, 0.7)
    tilt = (max_disparity - abs(middle)) * rng.random()
    plane = _tilted(
        rng, middle, tilt, center_x, center_y, 2 * radius, 2 * radius
    )
    return Layer(texels, float(x[0] + center_x), float(y[0] + center_y), plane)


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


def _positions(first: float, last: float) -> np.ndarray:
    count = int((last - first) * SUPERSAMPLING) + 2
    return first + np.arange(count) / SUPERSAMPLING


def _plane_in_view(
    plane: tuple[float, float, float], u: float, v: float
) -> tuple[float, float, float]:
    """Disparity as an affine function of the pixels of camera (u, v)."""
    a, b, c = plane
    turned = 1 + b * u + c * v
    return a / turned, b / turned, c / turned


def _window(
    layer: Layer,
    plane: tuple[float, float, float],
    height: int,
    width: int,
    u: float,
    v: float,
) -> tuple[slice, slice] | None:
    """The part of the view that the layer can reach; None: it is outside."""
    a, b, c = layer.plane
    right = layer.left + (layer.texels.shape[1] - 1) / SUPERSAMPLING
    bottom = layer.top + (layer.texels.shape[0] - 1) / SUPERSAMPLING
    corners = [(x, y) for x in (layer.left, right) for y in (layer.top, bottom)]
    xs = [x + (a + b * x + c * y) * u for x, y in corners]
    ys = [y + (a + b * x + c * y) * v for x, y in corners]
    left, right = max(int(min(xs)), 0), min(int(max(xs)) + 2, width)
    top, bottom = max(int(min(ys)), 0), min(int(max(ys)) + 2, height)
    if left >= right or top >= bottom:
        return None
    return slice(top, bottom), slice(left, right)


def _on_grid(
    plane: tuple[float, float, float], window: tuple[slice, slice]
) -> np.ndarray:
    rows, columns = window
    x = np.arange(columns.start, columns.stop, dtype=np.float64)
    y = np.arange(rows.start, rows.stop, dtype=np.float64)
    return (plane[0] + plane[2] * y)[:, None] + (plane[1] * x)[None]


def _sample(
    layer: Layer,
    plane: tuple[float, float, float],
    window: tuple[slice, slice],
    u: float,
    v: float,
) -> np.ndarray:
    """The layer's colours and opacity in a window of camera (u, v)."""
    rows, columns = window
    d = _on_grid(plane, window)
    x = np.arange(columns.start, columns.stop)[None] - d * u
    y = np.arange(rows.start, rows.stop)[:, None] - d * v
    return textures.bilinear(
        layer.texels,
        (x - layer.left) * SUPERSAMPLING,
        (y - layer.top) * SUPERSAMPLING,
    )


def _hide(
    first: int,
    second: int,
    planes: list[tuple[float, float, float]],
    windows: list[tuple[slice, slice]],
    colors: dict[int, np.ndarray],
    through: dict[int, np.ndarray],
) -> None:
    """Takes from both layers' light what the other one blocks."""
    both = _overlap(windows[first], windows[second])
    if both is None:
        return
    a, b, c = (p - q for p, q in zip(planes[second], planes[first]))
    rise = max(float(np.sqrt(b * b + c * c)), 1e-9)
    front = np.clip(0.5 + _on_grid((a, b, c), both) / rise, 0, 1)
    front = front.astype(np.float32)
    for k, other, hidden in (
        (second, first, front),
        (first, second, np.float32(1) - front),
    ):
        mine, its = _inside(both, windows[k]), _inside(both, windows[other])
        through[k][mine] *= np.float32(1) - hidden * colors[other][its][..., 3]


def _overlap(
    one: tuple[slice, slice], two: tuple[slice, slice]
) -> tuple[slice, slice] | None:
    parts = tuple(
        slice(max(p.start, q.start), min(p.stop, q.stop))
        for p, q in zip(one, two)
    )
    if any(part.start >= part.stop for part in parts):
        return None
    return parts


def _inside(
    part: tuple[slice, slice], window: tuple[slice, slice]
) -> tuple[slice, slice]:
    return tuple(
        slice(p.start - w.start, p.stop - w.start) for p, w in zip(part, window)
    )
