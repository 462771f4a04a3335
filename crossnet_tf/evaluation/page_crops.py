"""Crops, error maps and flows of one pair, as the page shows them."""

import base64
import dataclasses
import io
import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from crossnet_tf.drawing.colors import error_map
from crossnet_tf.evaluation.records import Record

CROP = (128, 192)
"""Height and width of a crop, at most; at most half of the picture's, too."""
_FLOW_WIDTH = 240
_MAX_ERROR = 0.1
_LEVELS = 4


@dataclasses.dataclass(frozen=True)
class Tile:
    """One small picture.

    Attributes:
        label: stands below it.
        width: in pixels.
        height: in pixels.
        url: the picture itself, as a data URL.
        error_url: its error map, likewise; empty: none.
    """

    label: str
    width: int
    height: int
    url: str
    error_url: str = ""


@dataclasses.dataclass(frozen=True)
class Crop:
    """A row of tiles of the same place.

    Attributes:
        place: which, in words.
        tiles: LR, REF, the methods, HR.
    """

    place: str
    tiles: list[Tile]


@dataclasses.dataclass(frozen=True)
class PairView:
    """All that is shown of one pair.

    Attributes:
        heading: stands above.
        crops: one or two.
        flows: the true one and those of the methods; empty if none is known.
    """

    heading: str
    crops: list[Crop]
    flows: list[Tile]


def pair(
    heading: str,
    scale: int,
    records: Sequence[Record],
    folder: pathlib.Path,
    slugs: dict[str, str],
) -> PairView | None:
    """The crops, error maps and flows of one pair; None without outputs.

    Args:
        heading: stands above.
        scale: HR size / LR size.
        records: of this pair, one per method.
        folder: where its outputs were kept.
        slugs: how each method's files begin, by label.
    """
    made = [
        (record, _read(path))
        for record in records
        if (path := folder / f"{slugs[record.method]}.png").exists()
    ]
    if not made:
        return None
    hr, ref = _read(folder / "_hr.png"), _read(folder / "_ref.png")
    lr = _read(folder / "_lr.png").repeat(scale, 0).repeat(scale, 1)
    crops = []
    for crop in find_crops(hr, [sr for _, sr in made]):
        tiles = [
            _tile("LR, its pixels", lr[crop]),
            _tile("REF, same place", ref[crop]),
        ]
        for record, sr in made:
            error = error_map(sr[crop], hr[crop], _MAX_ERROR)
            tiles.append(_tile(_caption(record), sr[crop], error))
        tiles.append(_tile("HR, the truth", hr[crop]))
        place = f"rows {crop[0].start} to {crop[0].stop}, "
        place += f"columns {crop[1].start} to {crop[1].stop}"
        crops.append(Crop(place, tiles))
    return PairView(heading, crops, _flows(records, folder, slugs))


def find_crops(
    hr: np.ndarray, outputs: Sequence[np.ndarray]
) -> list[tuple[slice, slice]]:
    """Where to look: the most error of the first output, then of the last.

    Args:
        hr: `[H, W, 3]`.
        outputs: one or more of the same shape.

    Returns:
        Two windows that do not overlap; one of one output, or if there is no
        room for a second.
    """
    height, width = (min(most, n // 2) for most, n in zip(CROP, hr.shape))
    free = np.ones([hr.shape[0] - height + 1, hr.shape[1] - width + 1])
    crops = []
    for sr in (outputs[0], outputs[-1])[: len(outputs)]:
        error = np.abs(sr - hr).mean(-1)
        total = np.pad(error.cumsum(0).cumsum(1), [[1, 0], [1, 0]])
        sums = total[height:, width:] - total[:-height, width:]
        sums -= total[height:, :-width] - total[:-height, :-width]
        if not free.any():
            break
        best = np.argmax(np.where(free > 0, sums, -1))
        row, column = np.unravel_index(best, sums.shape)
        top, left = int(row), int(column)
        crops.append(np.s_[top : top + height, left : left + width])
        rows = slice(max(0, top - height + 1), top + height)
        free[rows, max(0, left - width + 1) : left + width] = 0
    return crops


def _caption(record: Record) -> str:
    if record.is_exact:
        return f"{record.method}, exact"
    return f"{record.method}, {record.psnr:.2f} dB"


def _flows(
    records: Sequence[Record], folder: pathlib.Path, slugs: dict[str, str]
) -> list[Tile]:
    tiles = []
    known = folder / "_flow.png"
    if known.exists():
        tiles.append(_tile("true flow", _small(known)))
    for record in records:
        for level in range(_LEVELS):
            path = folder / f"{slugs[record.method]}_flow_{level}.png"
            if path.exists():
                label = f"{record.method}, flow at 1/{2**level}"
                tiles.append(_tile(label.replace("1/1", "1"), _small(path)))
    return tiles


def _small(path: pathlib.Path) -> np.ndarray:
    with Image.open(path) as image:
        width = min(_FLOW_WIDTH, image.width)
        size = width, max(1, round(image.height * width / image.width))
        small = image.convert("RGB").resize(size)
        return np.asarray(small, np.float32) / 255


def _read(path: pathlib.Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.float32) / 255


def _tile(
    label: str, image: np.ndarray, error: np.ndarray | None = None
) -> Tile:
    height, width = image.shape[:2]
    error_url = "" if error is None else _data_url(error)
    return Tile(label, width, height, _data_url(image), error_url)


def _data_url(image: np.ndarray) -> str:
    file = io.BytesIO()
    pixels = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    encoded = base64.b64encode(file.getvalue()).decode()
    return f"data:image/png;base64,{encoded}"
