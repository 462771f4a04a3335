"""One HTML page of a comparison, with all that it shows inside it.

Tables, plots, and for the pairs whose outputs were kept: every method's crop
side by side at the places where bicubic misses most and where the last method
errs most, error maps of the same crops, flow at all levels. The crops of a
row zoom and move together. No script or style comes from elsewhere.

`template/` has the page's HTML, style and script; here is what fills them.
What users name (data, labels, pictures) is text to the template: it escapes.
"""

import dataclasses
import functools
import pathlib
import re
from collections.abc import Sequence

import jinja2
import markupsafe

from crossnet_tf.evaluation import page_crops
from crossnet_tf.evaluation.averages import groups
from crossnet_tf.evaluation.records import Record
from crossnet_tf.evaluation.tables import Table

_TEMPLATE = pathlib.Path(__file__).parent / "template"
_CODE = re.compile("`([^`]*)`")


@dataclasses.dataclass(frozen=True)
class Content:
    """What a page shows.

    Attributes:
        title: of the page.
        notes: how things were measured, one paragraph each.
        problems: a line for each pair that was left out.
        tables: one or more per data set.
        plots: SVG by (data set, scale).
        records: all of them.
        folders: where outputs were kept, by `Record.place`.
        slugs: how each method's files begin, by label.
    """

    title: str
    notes: Sequence[str]
    problems: Sequence[str]
    tables: Sequence[Table]
    plots: dict[tuple[str, int], str]
    records: Sequence[Record]
    folders: dict[tuple, pathlib.Path]
    slugs: dict[str, str]


def page(content: Content) -> str:
    """The page as text."""
    read = functools.partial(pathlib.Path.read_text, encoding="utf-8")
    return (
        _environment()
        .get_template("page.html")
        .render(
            title=content.title,
            notes=content.notes,
            problems=content.problems,
            parts=[
                _part(content, dataset)
                for dataset in dict.fromkeys(t.dataset for t in content.tables)
            ],
            style=markupsafe.Markup(read(_TEMPLATE / "page.css")),
            script=markupsafe.Markup(read(_TEMPLATE / "page.js")),
        )
    )


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = _code
    return environment


def _code(text: str) -> markupsafe.Markup:
    """Escapes a text; what stands between backticks is code."""
    escaped = str(markupsafe.escape(text))
    return markupsafe.Markup(_CODE.sub(r"<code>\1</code>", escaped))


def _part(content: Content, dataset: str) -> dict:
    """What the page shows of one data set."""
    own = [record for record in content.records if record.dataset == dataset]
    pairs = [
        page_crops.pair(
            f"x{key[1]}, {key[2]} {key[3]}".strip(),
            key[1],
            group,
            content.folders[key],
            content.slugs,
        )
        for key, group in groups(
            own, "dataset", "scale", "name", "view"
        ).items()
        if key in content.folders
    ]
    return {
        "dataset": dataset,
        "tables": [t for t in content.tables if t.dataset == dataset],
        "plots": [
            markupsafe.Markup(svg)
            for (name, _), svg in content.plots.items()
            if name == dataset
        ],
        "pairs": [pair for pair in pairs if pair is not None],
    }
