"""What is in a prepared data set: counts, sizes, disparity.

Sizes come from the headers of all views, without decoding. Disparity is read
from the middle view of a number of light fields; where it is not in the data,
the shift between neighbours is estimated from the pictures, by comparing
patches, to whole pixels of pictures at most 320 wide.
"""

import dataclasses
import pathlib
from collections import Counter

import numpy as np
import scipy.ndimage
import tensorflow as tf
import tensorflow_datasets as tfds

from crossnet_tf import images
from crossnet_tf.images import headers
from crossnet_tf.pairs import light_fields, prepared

from . import contact_sheet

MAX_MEASURED = 8  # light fields whose disparity is measured, per split
_MATCH_WIDTH = 320
_PATCH = 9
_CLEARLY = 0.7  # how much worse other patches must be


@dataclasses.dataclass
class SplitSurvey:
    """What is in a split.

    Attributes:
        name: of the split.
        num_scenes: light fields.
        grids: how many have which (rows, cols).
        sizes: how many have views of which (height, width).
        num_bytes: of all views and maps.
        disparities: smallest and largest, per light field measured; pixels
            per view step.
    """

    name: str
    num_scenes: int = 0
    grids: Counter = dataclasses.field(default_factory=Counter)
    sizes: Counter = dataclasses.field(default_factory=Counter)
    num_bytes: int = 0
    disparities: list[tuple[float, float]] = dataclasses.field(
        default_factory=list
    )


def split_names(path: pathlib.Path) -> list[str]:
    """The splits of the prepared data set in a directory."""
    return list(tfds.builder_from_directory(str(path)).info.splits)


def survey_split(
    source: prepared.PreparedLightFields, split: str, num_shown: int
) -> tuple[SplitSurvey, list[contact_sheet.LightField]]:
    """Reads a whole split.

    Args:
        source: the data set.
        split: its name.
        num_shown: how many light fields to decode for the contact sheet.

    Returns:
        What was found, and the first light fields.

    Raises:
        ValueError: a light field has not as many views as its grid, or a
            view is no PNG.
    """
    found = SplitSurvey(split)
    shown: list[contact_sheet.LightField] = []
    for example in source.examples(split, source.has_disparity):
        _count(found, example)
        if found.num_scenes <= max(MAX_MEASURED, num_shown):
            decoded = _decode(split, example)
            if len(shown) < num_shown:
                shown.append(decoded)
            if found.num_scenes <= MAX_MEASURED:
                found.disparities.append(disparity_range(decoded))
    return found, shown


def _count(found: SplitSurvey, example: dict[str, tf.Tensor]) -> None:
    rows, cols = int(example["rows"]), int(example["cols"])
    views, name = example["views"].numpy(), example["scene"].numpy().decode()
    if len(views) != rows * cols:
        raise ValueError(
            f"Light field `{name}` must have {rows}x{cols} views. Received: "
            f"{len(views)}. Prepare the data set again."
        )
    for view in views:
        info = headers.read_header(view, name, images.MAX_PIXELS)
        found.sizes[info.height, info.width] += 1
        found.num_bytes += len(view)
    if "disparity" in example:
        found.num_bytes += sum(map(len, example["disparity"].numpy()))
    found.grids[rows, cols] += 1
    found.num_scenes += 1


def _decode(
    split: str, example: dict[str, tf.Tensor]
) -> contact_sheet.LightField:
    rows, cols = int(example["rows"]), int(example["cols"])
    views = np.stack(
        [tf.io.decode_png(v, channels=3).numpy() for v in example["views"]]
    )
    decoded = contact_sheet.LightField(
        f"{split}: {example['scene'].numpy().decode()}",
        rows,
        cols,
        views.reshape(rows, cols, *views.shape[1:]),
    )
    if "disparity" not in example:
        return decoded
    row, col = decoded.middle
    disparity = light_fields.decode_disparity(
        example["disparity"][row * cols + col]
    )
    return dataclasses.replace(decoded, disparity=disparity.numpy())


def table(surveys: list[SplitSurvey], estimated: bool) -> str:
    """A Markdown table, one line per split.

    Args:
        surveys: of the splits.
        estimated: whether disparity is an estimate.
    """
    lines = [
        "| split | light fields | grids | views | sizes | disparity, px "
        "| bytes |",
        "| --- | ---: | --- | ---: | --- | --- | ---: |",
    ]
    for found in surveys:
        ranges = np.array(found.disparities, np.float64).reshape(-1, 2)
        known = ranges[np.isfinite(ranges).all(1)]
        text = "unknown"
        if len(known):
            text = f"{known[:, 0].min():.2f} to {known[:, 1].max():.2f}"
            text = f"about {text}" if estimated else text
        lines.append(
            f"| {found.name} | {found.num_scenes} | {_listed(found.grids)} "
            f"| {sum(found.sizes.values())} | {_listed(found.sizes)} "
            f"| {text} | {found.num_bytes:,} |"
        )
    return "\n".join(lines)


def _listed(counts: Counter) -> str:
    common = [f"{one}x{two}" for (one, two), _ in counts.most_common(3)]
    more = [f"and {len(counts) - 3} more"] if len(counts) > 3 else []
    return ", ".join(common + more)


def disparity_range(light_field: contact_sheet.LightField) -> tuple:
    """The smallest and the largest disparity of the middle view.

    Returns:
        Two numbers, pixels per view step; of an estimate the 2nd and 98th
        percentile; NaN if nothing is known.
    """
    if light_field.disparity is not None:
        known = light_field.disparity[np.isfinite(light_field.disparity)]
        return (known.min(), known.max()) if known.size else (np.nan, np.nan)
    row, col = light_field.middle
    if light_field.cols < 2:
        return np.nan, np.nan
    col = min(col, light_field.cols - 2)
    views, step = light_field.views[row, col:], 1
    low, high = estimate_shift(views[0], views[1])
    # Small shifts are measured better between views that are further apart.
    while 2 * step < len(views) and _is_small(low, high, 2 * step, views):
        step *= 2
        low, high = estimate_shift(views[0], views[step])
        low, high = low / step, high / step
    return low, high


def _is_small(low: float, high: float, step: int, views: np.ndarray) -> bool:
    return max(abs(low), abs(high), 1) * step < views.shape[2] / 16


def estimate_shift(here: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """How far things move in x from one picture to the other, at most.

    Args:
        here: `[H, W, 3]` uint8.
        right: `[H, W, 3]` uint8.

    Returns:
        2nd and 98th percentile of x in `right` minus x in `here`, pixels;
        where patches match both ways. NaN if none do.
    """
    factor = -(-here.shape[1] // _MATCH_WIDTH)
    here, right = (
        shrunk(image.astype(np.float32).mean(-1), factor)
        for image in (here, right)
    )
    there, clear = _matches(here, right)
    back, _ = _matches(right, here)
    x = np.arange(here.shape[1])
    target = np.clip(x + there, 0, here.shape[1] - 1)
    row = np.arange(here.shape[0])[:, None]
    same = np.abs(there + back[row, target]) <= 1
    textured = scipy.ndimage.generic_gradient_magnitude(
        here, scipy.ndimage.sobel
    )
    kept = there[same & clear & (textured > np.median(textured))]
    if not kept.size:
        return np.nan, np.nan
    low, high = np.percentile(kept, [2, 98]) * factor
    return float(low), float(high)


def shrunk(image: np.ndarray, factor: int) -> np.ndarray:
    """Means of blocks of `[H, W]`; what is left over at the end is cut."""
    height, width = (side // factor * factor for side in image.shape)
    blocks = image[:height, :width].reshape(
        height // factor, factor, width // factor, factor
    )
    return blocks.mean((1, 3))


def _matches(
    one: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shift in x of the best patch in `other`, and where no other is close.

    Returns:
        `[H, W]` integers and booleans.
    """
    reach = one.shape[1] // 4
    shifts = np.arange(-reach, reach + 1)
    padded = np.pad(other, [(0, 0), (reach, reach)], constant_values=1e3)
    costs = np.empty((len(shifts), *one.shape), np.float32)
    for cost, start in zip(costs, reach + shifts):
        moved = padded[:, start : start + one.shape[1]]
        scipy.ndimage.uniform_filter(np.abs(one - moved), _PATCH, output=cost)
    found = costs.argmin(0)
    best = costs.min(0)
    costs[np.abs(np.arange(len(shifts))[:, None, None] - found) <= 2] = np.inf
    return shifts[found], best < _CLEARLY * costs.min(0)
