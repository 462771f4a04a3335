"""Tables in the paper's layout, beside the published values.

One table per data set: a row per method and scale, a column per view of LR,
each cell PSNR / SSIM / IFC. Then end-point error, time and memory. Published
values stand to the right, for the same data if the paper has them.
"""

import csv
import dataclasses
import io
import math
from collections.abc import Sequence

from crossnet_tf.evaluation import published
from crossnet_tf.evaluation.records import Record, groups, in_order, mean

_NONE = "-"


@dataclasses.dataclass(frozen=True)
class Table:
    """A data set's table, as texts.

    Attributes:
        dataset: its name.
        header: of the columns.
        rows: as many texts each.
        measured: how many of the columns were measured here; the others are
            published.
    """

    dataset: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    measured: int


def make_tables(records: Sequence[Record]) -> list[Table]:
    """One table per data set, rows and columns in order of appearance."""
    return [
        _table(dataset, group)
        for (dataset,), group in groups(records, "dataset").items()
    ]


def _table(dataset: str, records: Sequence[Record]) -> Table:
    views = in_order(record.view for record in records)
    columns = published.columns(dataset)
    header = [
        "Algorithm",
        "Scale",
        *(view or "all" for view in views),
        "EPE [px]",
        "s / image",
        "peak MB",
    ]
    measured = len(header)
    header += [
        f"published, {published.DATASETS[name]} {view}"
        for name, view in columns
    ]
    rows = []
    for (scale, method, system), group in groups(
        records, "scale", "method", "system"
    ).items():
        by_view = groups(group, "view")
        row = [method, f"x{scale}"]
        row += [_cell(by_view.get((view,), ())) for view in views]
        row += [
            _number(mean(group, "epe"), 2),
            _number(mean(group, "seconds"), 2),
            _number(max(record.peak_mb for record in group), 0),
        ]
        row += [
            _triple(published.TABLE.get((system, scale, name, view)))
            for name, view in columns
        ]
        rows.append(tuple(row))
    return Table(dataset, tuple(header), tuple(rows), measured)


def _cell(records: Sequence[Record]) -> str:
    if not records:
        return _NONE
    return _triple([mean(records, name) for name in ("psnr", "ssim", "ifc")])


def _triple(values: Sequence[float] | None) -> str:
    if values is None:
        return _NONE
    psnr, ssim, ifc = values
    return f"{_number(psnr, 2)} / {_number(ssim, 2)} / {_number(ifc, 2)}"


def _number(value: float, digits: int) -> str:
    return _NONE if math.isnan(value) else f"{value:.{digits}f}"


def markdown(table: Table) -> str:
    """The table as Markdown."""
    lines = [table.header, ["---", "---"]]
    lines[1] += ["---:"] * (len(table.header) - 2)
    lines += table.rows
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def latex(table: Table) -> str:
    """The table as LaTeX (`booktabs`)."""
    published_columns = len(table.header) - table.measured
    layout = "ll" + "c" * (table.measured - 2) + "|" + "c" * published_columns
    lines = [f"\\begin{{tabular}}{{{layout}}}", "\\toprule"]
    lines += [_latex_row(table.header), "\\midrule"]
    scale = table.rows[0][1] if table.rows else ""
    for row in table.rows:
        if row[1] != scale:
            lines.append("\\midrule")
        scale = row[1]
        lines.append(_latex_row(row))
    lines += ["\\bottomrule", "\\end{tabular}"]
    return "\n".join(lines) + "\n"


def _latex_row(cells: Sequence[str]) -> str:
    special = {char: f"\\{char}" for char in "&%$#_{}"}
    special |= {
        "\\": "\\textbackslash{}",
        "~": "\\textasciitilde{}",
        "^": "\\textasciicircum{}",
    }
    escaped = (
        "".join(special.get(char, char) for char in cell) for cell in cells
    )
    return " & ".join(escaped) + r" \\"


def csv_rows(records: Sequence[Record]) -> str:
    """Every record as a line of CSV, without the sums for the plot."""
    names = [
        field.name
        for field in dataclasses.fields(Record)
        if field.name not in ("squared", "counts", "made_with")
    ]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    for record in records:
        values = (getattr(record, name) for name in names)
        writer.writerow(
            f"{value:.6f}" if isinstance(value, float) else value
            for value in values
        )
    return file.getvalue()


def csv_table(table: Table) -> str:
    """The table as CSV."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table.header)
    writer.writerows(table.rows)
    return file.getvalue()
