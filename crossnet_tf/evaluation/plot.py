"""PSNR against disparity, as SVG and PDF.

Where the true flow is known, errors are summed up by its length, so that the
line says how well pixels of that displacement come out. Otherwise the views
stand for it: the further from REF, the larger the displacement.
"""

import io
import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from crossnet_tf.evaluation.averages import groups, mean
from crossnet_tf.evaluation.records import BIN_EDGES, Record

_WIDTH, _HEIGHT, _NAME_HEIGHT = 4.8, 3.2, 0.19  # inches
_FEW_SAMPLES = 300
# Distinct for most kinds of colour blindness (Okabe and Ito), then dashed.
_COLORS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#000000",
)
_DASHES = ("-", "--", ":")
# Text stays text, and the same numbers give the same file.
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "crossnet_tf",
    "pdf.fonttype": 42,
    "font.size": 9,
}

Curves = dict[str, list[tuple[float, float]]]


class Plot(NamedTuple):
    """One plot in two formats.

    Attributes:
        svg: an `<svg>` element, to stand in a file or in a page.
        pdf: a file's content.
    """

    svg: str
    pdf: bytes


def draw(records: Sequence[Record], title: str) -> Plot | None:
    """The plot of one data set and scale; None without two points.

    Args:
        records: of one data set and scale.
        title: stands above.
    """
    lines, label = curves(records)
    if not lines:
        return None
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # A label may be in a script that no font here has: a box in the PDF.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        drawn = figure(lines, label, f"{title}: PSNR [dB]")
        svg, pdf = io.BytesIO(), io.BytesIO()
        drawn.savefig(svg, format="svg", metadata={"Date": None})
        drawn.savefig(pdf, format="pdf", metadata={"CreationDate": None})
    text = svg.getvalue().decode()
    return Plot(text[text.index("<svg") :], pdf.getvalue())


def curves(records: Sequence[Record]) -> tuple[Curves, str]:
    """Lines to draw, by method, and what the horizontal axis is.

    Args:
        records: of one data set and scale.

    Returns:
        Points (x, PSNR) by method, those with less than two left out.
    """
    known = any(record.counts for record in records)
    points = _by_flow if known else _by_view
    lines = {
        method: points(group)
        for (method,), group in groups(records, "method").items()
    }
    lines = {name: line for name, line in lines.items() if len(line) > 1}
    label = "displacement of HR to REF [px]" if known else "view (i, i) of LR"
    return lines, label


def figure(lines: Curves, label: str, title: str) -> Figure:
    """The drawing, names below it so that a phone shows all of it.

    Args:
        lines: at least one.
        label: of the horizontal axis.
        title: stands above.
    """
    height = _HEIGHT + _NAME_HEIGHT * len(lines)
    drawn = Figure((_WIDTH, height), layout="constrained")
    axes = drawn.subplots()
    handles = [
        _draw_line(axes, number, line)
        for number, line in enumerate(lines.values())
    ]
    axes.set_title(title, fontweight="bold", loc="left")
    axes.set_xlabel(label)
    axes.grid(color="#dddddd")
    drawn.legend(handles, list(lines), loc="outside lower left", frameon=False)
    for text in drawn.findobj(Text):
        text.set_parse_math(False)  # A "$" in a name is one.
    return drawn


def _draw_line(
    axes: Axes, number: int, line: list[tuple[float, float]]
) -> Line2D:
    xs, ys = zip(*line, strict=True)
    (drawn,) = axes.plot(
        xs,
        ys,
        color=_COLORS[number % len(_COLORS)],
        linestyle=_DASHES[number // len(_COLORS) % len(_DASHES)],
        marker="o",
        markersize=3.5,
    )
    drawn.set_gid(f"curve_{number}")
    return drawn


def _by_flow(records: Sequence[Record]) -> list[tuple[float, float]]:
    line = []
    for i, low in enumerate(BIN_EDGES):
        binned = [record for record in records if record.counts]
        squared = sum(record.squared[i] for record in binned)
        count = sum(record.counts[i] for record in binned)
        last = i == len(BIN_EDGES) - 1
        middle = low if last else (low + BIN_EDGES[i + 1]) / 2
        if count >= _FEW_SAMPLES and squared > 0:
            line.append((middle, -10 * math.log10(squared / count)))
    return line


def _by_view(records: Sequence[Record]) -> list[tuple[float, float]]:
    line = []
    for (view,), group in groups(records, "view").items():
        number = view.strip("()").split(",")[0]
        if number.isdigit() and math.isfinite(mean(group, "psnr")):
            line.append((float(number), mean(group, "psnr")))
    return sorted(line)
