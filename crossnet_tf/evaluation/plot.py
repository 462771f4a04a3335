"""PSNR against disparity, as SVG.

Where the true flow is known, errors are summed up by its length, so that the
line says how well pixels of that displacement come out. Otherwise the views
stand for it: the further from REF, the larger the displacement.
"""

import html
import math
from collections.abc import Sequence

from crossnet_tf.evaluation.records import BIN_EDGES, Record, groups, mean

# Narrow, with the names below, so that a phone shows all of it.
_WIDTH, _HEIGHT = 480, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 24, 48
_NAME_HEIGHT = 18
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
_DASHES = ("", "6 3", "2 2")

Curves = dict[str, list[tuple[float, float]]]


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


def svg(records: Sequence[Record], title: str) -> str:
    """The plot of one data set and scale; empty without two points.

    Args:
        records: of one data set and scale.
        title: stands above.
    """
    lines, label = curves(records)
    if not lines:
        return ""
    xs = [x for line in lines.values() for x, _ in line]
    ys = [y for line in lines.values() for _, y in line]
    low, high = math.floor(min(ys)) - 1, math.ceil(max(ys)) + 1
    axes = _Axes(min(0.0, *xs), max(xs), low, high)
    height = _HEIGHT + _NAME_HEIGHT * len(lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} '
        f'{height}" width="{_WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        _text(_LEFT, 14, f"{title}: PSNR [dB]", weight="bold"),
        *axes.drawn(label),
    ]
    for i, (name, line) in enumerate(lines.items()):
        parts += _line(axes, i, name, line)
    return "\n".join([*parts, "</svg>"]) + "\n"


class _Axes:
    """Where a point lies in the picture."""

    def __init__(self, left: float, right: float, low: float, high: float):
        self._x, self._y = (left, right), (low, high)

    def place(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self._x[0]) / (self._x[1] - self._x[0])
        up = (y - self._y[0]) / (self._y[1] - self._y[0])
        return (
            _LEFT + across * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM),
        )

    def drawn(self, label: str) -> list[str]:
        parts = []
        for y in _ticks(*self._y):
            begin, end = self.place(self._x[0], y), self.place(self._x[1], y)
            parts.append(_stroke(begin, end))
            parts.append(_text(_LEFT - 6, begin[1] + 4, f"{y:g}", "end"))
        for x in _ticks(*self._x):
            begin, end = self.place(x, self._y[0]), self.place(x, self._y[1])
            parts.append(_stroke(begin, end))
            parts.append(_text(begin[0], begin[1] + 16, f"{x:g}", "middle"))
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        parts.append(_text(middle, _HEIGHT - 10, label, "middle"))
        return parts


def _ticks(low: float, high: float) -> list[float]:
    rough = max(high - low, 1e-6) / 6
    power = 10 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [number * step for number in range(first, last + 1)]


def _line(
    axes: _Axes, number: int, name: str, line: list[tuple[float, float]]
) -> list[str]:
    color = _COLORS[number % len(_COLORS)]
    dash = _DASHES[number // len(_COLORS) % len(_DASHES)]
    style = f'stroke="{color}" stroke-width="2" stroke-dasharray="{dash}"'
    places = [axes.place(*point) for point in line]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [f'<polyline points="{path}" fill="none" {style}/>']
    parts += [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}">'
        f"<title>{html.escape(name)}: {point[1]:.2f} dB at {point[0]:g}"
        "</title></circle>"
        for (x, y), point in zip(places, line)
    ]
    left, top = _LEFT, _HEIGHT + _NAME_HEIGHT * number
    parts.append(
        f'<line x1="{left}" y1="{top}" x2="{left + 24}" y2="{top}" {style}/>'
    )
    return [*parts, _text(left + 30, top + 4, name)]


def _stroke(begin: tuple[float, float], end: tuple[float, float]) -> str:
    return (
        f'<line x1="{begin[0]:.1f}" y1="{begin[1]:.1f}" x2="{end[0]:.1f}" '
        f'y2="{end[1]:.1f}" stroke="#ddd"/>'
    )


def _text(
    x: float, y: float, text: str, anchor: str = "start", weight: str = "normal"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{html.escape(text)}</text>'
    )
