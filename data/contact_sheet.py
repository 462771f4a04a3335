"""One picture that shows what is in a data set: views, slices, LR and HR.

Of a light field it shows the first, the middle and the last view, LR and HR
as training would make them of the middle one, disparity if it is known, and
slices: the same line of pixels of all views in a row (or column) of the
camera grid, one below the other. In a slice a point draws a line; its slope
is the point's disparity, lines that jump are views in a wrong order or of
another scene, and a line that ends at another one is hidden there.
"""

import dataclasses

import numpy as np

from crossnet_tf.drawing import panels
from crossnet_tf.drawing.colors import flow_to_rgb
from crossnet_tf.drawing.strips import side_by_side
from crossnet_tf.ops.resizing import make_lr

PANEL_HEIGHT = 180
SHEET_WIDTH = 1400
_LINE_HEIGHT = 12
_MAX_SLICE_HEIGHT = 120


@dataclasses.dataclass(frozen=True)
class LightField:
    """What the sheet shows of a light field; images float32 in [0, 1].

    Attributes:
        name: of the split and the scene.
        rows: of the camera grid.
        cols: of the camera grid.
        views: `[rows, cols, H, W, 3]` uint8.
        disparity: `[H, W]` float32 of the middle view, pixels per view step,
            NaN where unknown; None: not in the data.
    """

    name: str
    rows: int
    cols: int
    views: np.ndarray
    disparity: np.ndarray | None = None

    @property
    def middle(self) -> tuple[int, int]:
        """Row and column of the middle view."""
        return self.rows // 2, self.cols // 2


def contact_sheet(light_fields: list[LightField], scale: int) -> np.ndarray:
    """Draws light fields below each other.

    Args:
        light_fields: one or more.
        scale: HR size / LR size.

    Returns:
        `[H, W, 3]` float32 in [0, 1].
    """
    strips = []
    for light_field in light_fields:
        strips.append(_views_strip(light_field, scale))
        strips.append(_slices_strip(light_field))
    width = max(strip.shape[1] for strip in strips)
    return np.concatenate([_widened(strip, width) for strip in strips])


def _views_strip(light_field: LightField, scale: int) -> np.ndarray:
    views, middle = light_field.views, light_field.middle
    last = light_field.rows - 1, light_field.cols - 1
    places = dict.fromkeys([(0, 0), middle, last])
    shown = {
        f"view ({row},{col})": _as_float(views[row, col]) for row, col in places
    }
    first = next(iter(shown))
    shown = {f"{light_field.name}\n{first}": shown.pop(first), **shown}
    height, width = (side // scale * scale for side in views.shape[2:4])
    hr = _as_float(views[middle][:height, :width])
    shown["LR\nof the middle view"] = np.asarray(make_lr(hr, scale))
    shown[f"HR\n{height} x {width}"] = hr
    if light_field.disparity is not None:
        across = np.stack(
            [light_field.disparity, np.zeros_like(light_field.disparity)], -1
        )
        largest = np.nanmax(np.abs(across), initial=0) or 1.0
        shown[f"disparity\nto +-{largest:.2f} px"] = flow_to_rgb(
            across, largest
        )
    room = (SHEET_WIDTH - panels.GAP) // len(shown) - panels.GAP
    return side_by_side(
        list(shown.values()),
        list(shown),
        height=min(PANEL_HEIGHT, max(1, room * height // width)),
    )


def _slices_strip(light_field: LightField) -> np.ndarray:
    row, col = light_field.middle
    height, width = light_field.views.shape[2:4]
    slices = {
        f"line {height // 2} of each view in row {row} of the grid, the "
        f"first view on top": _slice(light_field.views[row, :, height // 2])
    }
    if light_field.rows > 1:
        name = f"column {width // 2} of each view in column {col} of the grid"
        slices[name] = _slice(light_field.views[:, col, :, width // 2])
    shown = _fitting(list(slices.values()))
    return panels.joined(panels.labelled(shown, list(slices)))


def _slice(lines: np.ndarray) -> np.ndarray:
    """Thickens `[views, pixels, 3]` lines so that one can see them."""
    thick = min(_LINE_HEIGHT, max(2, _MAX_SLICE_HEIGHT // len(lines)))
    return np.repeat(_as_float(lines), thick, axis=0)


def _as_float(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) / 255


def _fitting(slices: list[np.ndarray]) -> list[np.ndarray]:
    """Narrows slices that together are wider than the sheet."""
    room = SHEET_WIDTH - (len(slices) + 1) * panels.GAP
    share = min(1, room / sum(image.shape[1] for image in slices))
    return [
        panels.resized(image, len(image), max(1, int(image.shape[1] * share)))
        for image in slices
    ]


def _widened(strip: np.ndarray, width: int) -> np.ndarray:
    padding = [(0, 0), (0, width - strip.shape[1]), (0, 0)]
    return np.pad(strip, padding, constant_values=1)
