"""One HTML page of a comparison, with all that it shows inside it.

Tables, plots, and for the pairs whose outputs were kept: every method's crop
side by side at the places where bicubic misses most and where the last method
errs most, error maps of the same crops, flow at all levels. The crops of a
row zoom and move together. No script or style comes from elsewhere.
"""

import base64
import html
import io
import pathlib
import re
from collections.abc import Sequence

import numpy as np
from PIL import Image

from crossnet_tf.drawing.colors import error_map
from crossnet_tf.evaluation import plot, template
from crossnet_tf.evaluation.records import Record, groups
from crossnet_tf.evaluation.tables import Table

CROP = (128, 192)
"""Height and width of a crop, at most; at most half of the picture's, too."""
_FLOW_WIDTH = 240
_MAX_ERROR = 0.1
_CODE = re.compile("`([^`]*)`")


def page(
    title: str,
    notes: Sequence[str],
    tables: Sequence[Table],
    records: Sequence[Record],
    folders: dict[tuple, pathlib.Path],
    slugs: dict[str, str],
) -> str:
    """The page as text.

    Args:
        title: of the page.
        notes: how things were measured, one paragraph each.
        tables: one per data set.
        records: all of them.
        folders: where outputs were kept, by (data set, scale, name, view).
        slugs: how each method's files begin, by label.
    """
    parts = [_paragraphs(notes)]
    for table in tables:
        own = [record for record in records if record.dataset == table.dataset]
        parts.append(f"<h2>{html.escape(table.dataset)}</h2>")
        parts.append(_table(table))
        drawn = [
            plot.svg(group, f"{table.dataset}, x{scale}")
            for (scale,), group in groups(own, "scale").items()
        ]
        parts.append(f'<div class="plots">{"".join(drawn)}</div>')
        pairs = groups(own, "dataset", "scale", "name", "view")
        for key, group in pairs.items():
            if key in folders:
                parts.append(_section(key, group, folders[key], slugs))
    return template.PAGE.format(
        title=html.escape(title),
        style=template.STYLE,
        script=template.SCRIPT,
        body="\n".join(part for part in parts if part),
    )


def _paragraphs(notes: Sequence[str]) -> str:
    items = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    return "<ul>" + _CODE.sub(r"<code>\1</code>", items) + "</ul>"


def _table(table: Table) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        texts = [
            f"<{tag}{' class=published' * (i >= table.measured)}>"
            f"{html.escape(cell)}</{tag}>"
            for i, cell in enumerate(cells)
        ]
        return f"<tr>{''.join(texts)}</tr>"

    rows = "\n".join(row(cells, "td") for cells in table.rows)
    head = row(table.header, "th")
    return (
        f'<div class="wide"><table><thead>{head}</thead>'
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _section(
    key: tuple,
    records: Sequence[Record],
    folder: pathlib.Path,
    slugs: dict[str, str],
) -> str:
    """The crops, error maps and flows of one pair."""
    _, scale, name, view = key
    hr, ref = _read(folder / "_hr.png"), _read(folder / "_ref.png")
    lr = _read(folder / "_lr.png").repeat(scale, 0).repeat(scale, 1)
    outputs = {
        record.method: _read(folder / f"{slugs[record.method]}.png")
        for record in records
        if (folder / f"{slugs[record.method]}.png").exists()
    }
    if not outputs:
        return ""
    heading = html.escape(f"x{scale}, {name} {view}".strip())
    parts = [f"<h3>{heading}</h3>"]
    for crop in find_crops(hr, list(outputs.values())):
        tiles = [_tile("LR, its pixels", lr[crop])]
        tiles += [_tile("REF, same place", ref[crop])]
        for record in records:
            if record.method in outputs:
                sr = outputs[record.method]
                error = error_map(sr[crop], hr[crop], _MAX_ERROR)
                label = f"{record.method}, {record.psnr:.2f} dB"
                tiles.append(_tile(label, sr[crop], error))
        tiles.append(_tile("HR, the truth", hr[crop]))
        place = f"rows {crop[0].start} to {crop[0].stop}, "
        place += f"columns {crop[1].start} to {crop[1].stop}"
        parts.append(f'<p class="place">{place}</p>')
        parts.append(f'<div class="row crops">{"".join(tiles)}</div>')
    parts.append(_flows(records, folder, slugs))
    return "\n".join(parts)


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
        top, left = np.unravel_index(best, sums.shape)
        top, left = int(top), int(left)
        crops.append(np.s_[top : top + height, left : left + width])
        rows = slice(max(0, top - height + 1), top + height)
        free[rows, max(0, left - width + 1) : left + width] = 0
    return crops


def _flows(
    records: Sequence[Record], folder: pathlib.Path, slugs: dict[str, str]
) -> str:
    tiles = []
    known = folder / "_flow.png"
    if known.exists():
        tiles.append(_tile("true flow", _small(known)))
    for record in records:
        for level in range(4):
            path = folder / f"{slugs[record.method]}_flow_{level}.png"
            if path.exists():
                label = f"{record.method}, flow at 1/{2**level}"
                tiles.append(_tile(label.replace("1/1", "1"), _small(path)))
    if not tiles:
        return ""
    return (
        '<p class="place">Flow from HR to REF; hue is direction, saturation '
        "length, alike in all; black: unknown</p>"
        f'<div class="row flows">{"".join(tiles)}</div>'
    )


def _small(path: pathlib.Path) -> np.ndarray:
    with Image.open(path) as image:
        width = min(_FLOW_WIDTH, image.width)
        size = width, max(1, round(image.height * width / image.width))
        image = image.convert("RGB").resize(size)
        return np.asarray(image, np.float32) / 255


def _read(path: pathlib.Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.float32) / 255


def _tile(
    label: str, image: np.ndarray, error: np.ndarray | None = None
) -> str:
    shown = html.escape(label)
    parts = [f'<img class="sr" alt="{shown}" src="{_data_url(image)}">']
    if error is not None:
        parts.append(
            f'<img class="error" alt="error of {shown}" '
            f'src="{_data_url(error)}">'
        )
    shape = f"aspect-ratio:{image.shape[1]}/{image.shape[0]}"
    return (
        f'<figure><div class="view" style="{shape}">{"".join(parts)}</div>'
        f"<figcaption>{shown}</figcaption></figure>"
    )


def _data_url(image: np.ndarray) -> str:
    file = io.BytesIO()
    pixels = np.uint8(np.clip(image, 0, 1) * 255 + 0.5)
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    encoded = base64.b64encode(file.getvalue()).decode()
    return f"data:image/png;base64,{encoded}"
