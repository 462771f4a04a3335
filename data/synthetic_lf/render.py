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

All of it is pure NumPy, needs no TensorFlow, and gives the same bytes on
every machine (see `sampling.py`).

    from crossnet_tf.data.synthetic_lf import render
    views, disparity = render.render_light_field(
        np.random.Generator(np.random.Philox(7)), height=192, width=256)
"""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

# Relative: `tfds build` imports this folder as a package of its own.
from . import photographs as _photographs
from . import sampling, scenes

Window = tuple[slice, slice]


def render_light_field(
    rng: np.random.Generator,
    height: int = 192,
    width: int = 256,
    rows: int = 8,
    cols: int = 8,
    max_disparity: float | None = None,
    photographs: tuple[str, ...] = _photographs.TRAIN,
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
            plane might be seen edge-on.
    """
    limit = _check(height, width, rows, cols, max_disparity)
    if max_disparity is None:
        max_disparity = min(sampling.between(rng, 0.5, 2.0), limit)
    reach = max_disparity * (max(rows, cols) - 1) / 2 + 4
    layers = scenes.random_scene(
        rng, height, width, max_disparity, reach, photographs
    )
    views = np.empty([rows * cols, height, width, 3], np.uint8)
    disparity = np.empty([rows * cols, height, width], np.float32)
    for index, (row, col) in enumerate(np.ndindex(rows, cols)):
        views[index], disparity[index] = render_view(
            layers, height, width, col - (cols - 1) / 2, row - (rows - 1) / 2
        )
    return views, disparity


def render_view(
    layers: list[scenes.Layer], height: int, width: int, u: float, v: float
) -> tuple[np.ndarray, np.ndarray]:
    """Renders what camera (u, v), in view steps from the middle, sees.

    Returns:
        image: `[height, width, 3]` uint8.
        disparity: `[height, width]` float32.
    """
    sights = list(_sights(layers, height, width, u, v))
    for first, second in itertools.combinations(sights, 2):
        _hide(first, second)
    image = np.zeros([height, width, 3], np.float32)
    weight = np.zeros([height, width, 1], np.float32)
    disparity = np.full([height, width], np.inf)
    for sight in sights:
        window, light = sight.window, sight.through[..., None]
        image[window] += sight.color[..., :3] * light
        weight[window] += sight.color[..., 3:] * light
        here = np.where(
            sight.color[..., 3] >= 0.5, _on_grid(sight.plane, window), np.inf
        )
        disparity[window] = np.minimum(disparity[window], here)
    # The weights sum to 1 except where three planes cross in one pixel.
    image = np.clip(image / weight * np.float32(255), 0, 255)
    return np.rint(image).astype(np.uint8), disparity.astype(np.float32)


@dataclasses.dataclass
class _Sight:
    """What one camera sees of one layer.

    Attributes:
        plane: (a, b, c) of the disparity over this camera's pixels.
        window: the rows and columns of the view that the layer can reach.
        color: `[h, w, 4]` over the window, colours times opacity, opacity.
        through: `[h, w]`, the share of its light that nothing blocks.
    """

    plane: tuple[float, float, float]
    window: Window
    color: np.ndarray
    through: np.ndarray


def _check(
    height: int,
    width: int,
    rows: int,
    cols: int,
    max_disparity: float | None,
) -> float:
    """Returns the largest disparity that views of this size allow."""
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
    # A surface's radius is at least a tenth of the side and its tilt at most
    # `max_disparity` over that, so 1 + b u + c v stays above 1 / 2.
    limit = 0.1 * min(height, width) / max(rows, cols)
    if max_disparity is not None and not 0 < max_disparity <= limit:
        raise ValueError(
            f"`max_disparity` must be in (0, {limit:g}] for views of this "
            f"size. Received: max_disparity={max_disparity}."
        )
    return limit


def _sights(
    layers: list[scenes.Layer], height: int, width: int, u: float, v: float
) -> Iterator[_Sight]:
    """Looks at each layer; those outside the view are left out."""
    for layer in layers:
        a, b, c = layer.plane
        window = _window(layer, height, width, u, v)
        if window is None:
            continue
        turned = 1 + b * u + c * v
        plane = (a / turned, b / turned, c / turned)
        d = _on_grid(plane, window)
        rows, cols = window
        x = np.arange(cols.start, cols.stop)[None] - d * u
        y = np.arange(rows.start, rows.stop)[:, None] - d * v
        color = sampling.bilinear(
            layer.texels,
            (x - layer.left) * sampling.SUPERSAMPLING,
            (y - layer.top) * sampling.SUPERSAMPLING,
        )
        yield _Sight(plane, window, color, np.ones_like(color[..., 3]))


def _window(
    layer: scenes.Layer, height: int, width: int, u: float, v: float
) -> Window | None:
    """The part of the view that the layer can reach; None: it is outside."""
    a, b, c = layer.plane
    rows, cols = layer.texels.shape[:2]
    right = layer.left + (cols - 1) / sampling.SUPERSAMPLING
    bottom = layer.top + (rows - 1) / sampling.SUPERSAMPLING
    corners = [(x, y) for x in (layer.left, right) for y in (layer.top, bottom)]
    xs = [x + (a + b * x + c * y) * u for x, y in corners]
    ys = [y + (a + b * x + c * y) * v for x, y in corners]
    left, right = max(int(min(xs)), 0), min(int(max(xs)) + 2, width)
    top, bottom = max(int(min(ys)), 0), min(int(max(ys)) + 2, height)
    if left >= right or top >= bottom:
        return None
    return slice(top, bottom), slice(left, right)


def _on_grid(plane: tuple[float, float, float], window: Window) -> np.ndarray:
    """The plane's disparity at each pixel of a window."""
    rows, cols = window
    x = np.arange(cols.start, cols.stop, dtype=np.float64)
    y = np.arange(rows.start, rows.stop, dtype=np.float64)
    return (plane[0] + plane[2] * y)[:, None] + (plane[1] * x)[None]


def _hide(first: _Sight, second: _Sight) -> None:
    """Takes from both layers' light what the other one blocks."""
    both = _overlap(first.window, second.window)
    if both is None:
        return
    a, b, c = (p - q for p, q in zip(second.plane, first.plane, strict=True))
    steepness = max(float(np.sqrt(b * b + c * c)), 1e-9)
    front = np.clip(0.5 + _on_grid((a, b, c), both) / steepness, 0, 1)
    front = front.astype(np.float32)
    one = np.float32(1)
    here, there = _inside(both, first.window), _inside(both, second.window)
    second.through[there] *= one - front * first.color[here][..., 3]
    first.through[here] *= one - (one - front) * second.color[there][..., 3]


def _overlap(one: Window, two: Window) -> Window | None:
    rows, columns = (
        slice(max(p.start, q.start), min(p.stop, q.stop))
        for p, q in zip(one, two, strict=True)
    )
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return None
    return rows, columns


def _inside(part: Window, window: Window) -> Window:
    """`part`, counted from the start of `window`."""
    rows, columns = (
        slice(p.start - w.start, p.stop - w.start)
        for p, w in zip(part, window, strict=True)
    )
    return rows, columns
