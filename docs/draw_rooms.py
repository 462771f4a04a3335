"""Draws the rooms of crossnet_tf, and who imports whom, from the imports.

    python docs/draw_rooms.py

writes `docs/rooms.svg`. Floors are those of import-linter's contract in
`pyproject.toml`, arrows are imports that grimp finds in the code. `config`,
`arrays`, `cubic` and `atomic`, which rooms of all floors use, have no arrows,
nor has an import that follows from others: with A -> B -> C, A -> C is not
drawn.
"""

import ast
import collections
import dataclasses
import html
import itertools
import pathlib
import re
import textwrap
import tomllib

import grimp

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "rooms.svg"
PACKAGE = "crossnet_tf"
FOUNDATION = frozenset({"config", "arrays", "cubic", "atomic"})

_WIDTH, _MARGIN, _GAP = 1120, 20, 44
_MAX_BOX, _BOX_HEIGHT, _FLOOR_HEIGHT = 250, 66, 116
_LETTER = 5.4  # mean width of the small letters
_MAX_LINES = 3
_STYLE = """
text { font-family: Helvetica, Arial, sans-serif; fill: #1b2733 }
.name { font-size: 14px; font-weight: bold }
.purpose { font-size: 11px; fill: #41505f }
rect { fill: #f4f7fa; stroke: #7a8b9b }
path { fill: none; stroke: #5b7fa6; stroke-width: 1.3 }
""".strip()

Edge = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Box:
    """A room's place in the picture, in pixels.

    Attributes:
        left, top: its upper left corner.
        width: its width; the height is the same for all.
        floor: 0 is the highest.
    """

    left: float
    top: float
    width: float
    floor: int

    @property
    def center(self) -> float:
        """Its middle, from left to right."""
        return self.left + self.width / 2


def floors() -> list[list[str]]:
    """Names of rooms and doors, from the top floor down."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    (layers,) = [
        c["layers"] for c in contracts
        if c["type"] == "layers" and c.get("containers") == [PACKAGE]
    ]  # fmt: skip
    return [re.split(r"\s*[|:]\s*", layer) for layer in layers]


def imports() -> set[Edge]:
    """Pairs of rooms of which the first imports the second directly."""
    graph = grimp.build_graph(
        PACKAGE, cache_dir=None, exclude_type_checking_imports=True
    )
    edges = set()
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            edges.add((_room(module), _room(other)))
    rooms = {room for floor in floors() for room in floor}
    return {(a, b) for a, b in edges if a != b and {a, b} <= rooms}


def without_shortcuts(edges: set[Edge]) -> set[Edge]:
    """The edges that do not follow from others."""
    below = {room: {b for a, b in edges if a == room} for room, _ in edges}

    def reached(room: str) -> set[str]:
        found = set(below.get(room, ()))
        return found.union(*(reached(b) for b in found))

    return {
        (a, b)
        for a, b in edges
        if not any(b in reached(c) for c in below[a] - {b})
    }


def draw() -> str:
    """The picture as SVG."""
    boxes = _places(floors())
    edges = {edge for edge in imports() if not FOUNDATION & set(edge)}
    arrow = _Arrows(boxes)
    edges = sorted(without_shortcuts(edges))
    lines = [arrow(boxes[a], boxes[b]) for a, b in edges]
    lines += itertools.chain.from_iterable(
        _room_lines(name, box) for name, box in boxes.items()
    )
    height = _FLOOR_HEIGHT * len(floors()) + _MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} '
        f'{height}" role="img" aria-label="Rooms of {PACKAGE}">'
    )
    marker = (
        '<marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" '
        'style="fill:#5b7fa6;stroke:none"/></marker>'
    )
    style = f"<style>\n{_STYLE}\n</style>\n<defs>{marker}</defs>"
    background = (
        '<rect width="100%" height="100%" style="fill:#fff;stroke:none"/>'
    )
    return "\n".join([head, style, background, *lines, "</svg>", ""])


def purpose(room: str) -> str:
    """The first sentence of a room's docstring."""
    path = ROOT / PACKAGE / room / "__init__.py"
    if not path.exists():
        path = ROOT / PACKAGE / f"{room}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    text = " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())
    return text.replace("`", "").rstrip(".")


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _places(rows: list[list[str]]) -> dict[str, Box]:
    boxes = {}
    for floor, names in enumerate(rows):
        room = _WIDTH - 2 * _MARGIN - _GAP * (len(names) - 1)
        width = min(room / len(names), _MAX_BOX)
        left = (_WIDTH - len(names) * (width + _GAP) + _GAP) / 2
        for name in names:
            boxes[name] = Box(left, _top(floor), width, floor)
            left += width + _GAP
    return boxes


class _Arrows:
    """Draws arrows from floor to floor, between the boxes in their way."""

    def __init__(self, boxes: dict[str, Box]):
        self._floors: dict[int, list[Box]] = {}
        for box in boxes.values():
            self._floors.setdefault(box.floor, []).append(box)
        self._taken: collections.Counter = collections.Counter()

    def __call__(self, start: Box, end: Box) -> str:
        """One arrow; those through the same gap run side by side."""
        x, y = start.center, start.top + _BOX_HEIGHT
        parts = [f"M{x:.0f} {y}"]
        for floor in range(start.floor + 1, end.floor):
            across = (floor - start.floor) / (end.floor - start.floor)
            aim = start.center + across * (end.center - start.center)
            to_x, to_y = self._gap(floor, aim), _top(floor)
            parts.append(_curve(x, y, to_x, to_y))
            x, y = to_x, to_y + _BOX_HEIGHT
            parts.append(f"L{x:.0f} {y}")
        parts.append(_curve(x, y, end.center, end.top - 1))
        return f'<path d="{" ".join(parts)}" marker-end="url(#end)"/>'

    def _gap(self, floor: int, aim: float) -> float:
        """Where to pass a floor, near `aim`."""
        row = self._floors[floor]
        edges = [box.left - _GAP / 2 for box in row]
        edges.append(row[-1].left + row[-1].width + _GAP / 2)
        best = min(edges, key=lambda edge: abs(edge - aim))
        self._taken[floor, best] += 1
        number = self._taken[floor, best]
        return best + number // 2 * (6 if number % 2 else -6)


def _top(floor: int) -> int:
    return _MARGIN + floor * _FLOOR_HEIGHT


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    bend = (to_y - y) * 0.6
    return (
        f"C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} "
        f"{to_x:.0f} {to_y}"
    )


def _room_lines(name: str, box: Box) -> list[str]:
    letters = int((box.width - 16) / _LETTER)
    text = textwrap.wrap(
        purpose(name), letters, max_lines=_MAX_LINES, placeholder=" ..."
    )
    lines = [
        f'<rect x="{box.left:.1f}" y="{box.top}" width="{box.width:.1f}" '
        f'height="{_BOX_HEIGHT}" rx="6"/>',
        f'<text class="name" x="{box.left + 8:.1f}" y="{box.top + 18}">'
        f"{html.escape(name)}</text>",
    ]
    lines += [
        f'<text class="purpose" x="{box.left + 8:.1f}" '
        f'y="{box.top + 33 + 13 * i}">{html.escape(line)}</text>'
        for i, line in enumerate(text)
    ]
    return lines


def main() -> None:
    """Writes the picture."""
    PICTURE.write_text(draw(), encoding="utf-8", newline="\n")
    print(f"Written: {PICTURE}")


if __name__ == "__main__":
    main()
