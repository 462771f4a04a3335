"""Tables in the paper's layout, beside the published values.

One table per data set: a row per method and scale, a column per view of LR,
each cell PSNR / SSIM / IFC. Then end-point error, time and memory. Published
values stand to the right, for the same data if the paper has them. A second
table per data set says what each method gains over bicubic upscaling.
"""

import csv
import dataclasses
import io
import math
from collections.abc import Sequence

from crossnet_tf.evaluation import published
from crossnet_tf.evaluation.averages import (
    beside,
    count_exact,
    groups,
    in_order,
    mean,
    mean_of,
)
from crossnet_tf.evaluation.records import Record

_NONE = "-"
_GAINS = (
    "Algorithm",
    "Scale",
    "LR view",
    "images",
    "PSNR",
    "bicubic",
    "gain",
    "SSIM",
    "bicubic",
)


@dataclasses.dataclass(frozen=True)
class Table:
    """A data set's table, as texts.

    Attributes:
        dataset: its name.
        header: of the columns.
        rows: as many texts each.
        measured: how many of the columns were measured here; the others are
            published.
        left: how many of the columns are set to the left.
    """

    dataset: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    measured: int
    left: int = 2


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


def make_gains(records: Sequence[Record]) -> list[Table]:
    """Per data set, what methods gain over bicubic upscaling, by view.

    Only pictures count that both have; those that came out exactly in either
    are counted, but have no PSNR to take a mean of. Data sets without bicubic
    upscaling, or with nothing else, have no table.
    """
    tables = []
    for (dataset,), group in groups(records, "dataset").items():
        rows = tuple(
            row
            for (_, method), own in groups(group, "scale", "method").items()
            if own[0].system != "bicubic"
            for row in _gain_rows(method, own, group)
        )
        if rows:
            tables.append(Table(dataset, _GAINS, rows, len(_GAINS), left=3))
    return tables


def _gain_rows(
    method: str, records: Sequence[Record], others: Sequence[Record]
) -> list[tuple[str, ...]]:
    """One row for each view, and one for all if there are several."""
    bicubic = [record for record in others if record.system == "bicubic"]
    pairs = beside(records, bicubic)
    views = sorted({record.view for record, _ in pairs})
    parts = [(v, [p for p in pairs if p[0].view == v]) for v in views]
    if len(parts) > 1:
        parts.append(("all", pairs))
    scale = f"x{records[0].scale}"
    return [
        (method, scale, view or "all", *_gain_cells(part))
        for view, part in parts
    ]


def _gain_cells(pairs: Sequence[tuple[Record, Record]]) -> list[str]:
    exact = sum(one.is_exact or other.is_exact for one, other in pairs)
    finite = [p for p in pairs if not (p[0].is_exact or p[1].is_exact)]
    ours, theirs = ([pair[i].psnr for pair in finite] for i in (0, 1))
    gain = mean_of(ours) - mean_of(theirs)
    return [
        f"{len(pairs)} ({exact} exact)" if exact else f"{len(pairs)}",
        _number(mean_of(ours), 2),
        _number(mean_of(theirs), 2),
        _NONE if math.isnan(gain) else f"{gain:+.2f}",
        *(_number(mean([p[i] for p in pairs], "ssim"), 4) for i in (0, 1)),
    ]


def exact_notes(records: Sequence[Record]) -> list[str]:
    """One sentence for each row with pictures that came out exactly."""
    return [
        f"{count_exact(group)} of {len(group)} images of `{dataset}` came out "
        f"exactly with {method} x{scale}: their PSNR is infinite and they are "
        "in no mean of PSNR or IFC. Gains are over what both have."
        for (dataset, scale, method), group in groups(
            records, "dataset", "scale", "method"
        ).items()
        if count_exact(group)
    ]


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
    return f"{value:.{digits}f}" if math.isfinite(value) else _NONE


def markdown(table: Table) -> str:
    """The table as Markdown."""
    rules = ["---"] * table.left
    rules += ["---:"] * (len(table.header) - table.left)
    lines = [_escaped(line) for line in (table.header, *table.rows)]
    lines.insert(1, rules)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _escaped(cells: Sequence[str]) -> list[str]:
    """What would end a cell or a line of Markdown."""
    return [" ".join(cell.replace("|", "\\|").split()) for cell in cells]


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
        writer.writerow(map(_csv_value, values))
    return file.getvalue()


def _csv_value(value: object) -> object:
    """Six digits; nothing for what is unknown."""
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else f"{value:.6f}"


def csv_table(table: Table) -> str:
    """The table as CSV."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table.header)
    writer.writerows(table.rows)
    return file.getvalue()
