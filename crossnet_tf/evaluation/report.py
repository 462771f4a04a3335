"""Writes a comparison's report: tables, numbers, plots, one page.

The files are

    report.md          tables and how they were made
    table_<data>.csv, table_<data>.tex
    per_image.csv      every number of every image
    psnr_<data>_x<scale>.svg, .pdf
    index.html         all of it, with crops, error maps and flow

and `records.jsonl` and `pictures/`, from which they are made.
"""

import os
import pathlib
import platform
from collections.abc import Sequence

from crossnet_tf import atomic
from crossnet_tf.config import Config
from crossnet_tf.evaluation import page, plot, published, tables
from crossnet_tf.evaluation.averages import groups, in_order
from crossnet_tf.evaluation.file_names import file_name
from crossnet_tf.evaluation.methods import Method
from crossnet_tf.evaluation.records import Record

CSV_FILE = "per_image.csv"
PAGE_FILE = "index.html"
REPORT_FILE = "report.md"
_TITLE = "Evaluation"
_SSIM = {
    "usual": "the usual one, `structural_similarity(sr, hr, data_range=255, "
    "gaussian_weights=True, sigma=1.5, use_sample_covariance=False)` of "
    "scikit-image, on grey",
    "paper": "the paper's, on grey: pictures of 384 pixels and more are "
    "averaged and thinned out before, so that it reads higher than the usual "
    "one",
}


def write(
    records: Sequence[Record],
    config: Config,
    methods: Sequence[Method],
    folders: dict[tuple, pathlib.Path],
    problems: Sequence[str],
    report_dir: str | os.PathLike,
) -> str:
    """Writes all files; those of an earlier report are replaced.

    Args:
        records: what was measured, in the table's order.
        config: the protocol.
        methods: what took part.
        folders: where outputs are, by `Record.place`.
        problems: a line for each pair that was left out.
        report_dir: the folder.

    Returns:
        The tables as Markdown.

    Raises:
        OSError: a file cannot be written.
    """
    folder = pathlib.Path(report_dir)
    made, gains = tables.make_tables(records), tables.make_gains(records)
    files = {CSV_FILE: tables.csv_rows(records).encode()}
    plots = {}
    for table in made:
        name = file_name(table.dataset)
        files[f"table_{name}.csv"] = tables.csv_table(table).encode()
        files[f"table_{name}.tex"] = tables.latex(table).encode()
        own = [r for r in records if r.dataset == table.dataset]
        for (scale,), group in groups(own, "scale").items():
            drawn = plot.draw(group, f"{table.dataset}, x{scale}")
            if drawn is not None:
                file = f"psnr_{name}_x{scale}"
                plots[table.dataset, scale] = f"{file}.svg", drawn.svg
                files[f"{file}.svg"] = drawn.svg.encode()
                files[f"{file}.pdf"] = drawn.pdf
    notes = _notes(records, config, methods)
    files[REPORT_FILE] = _markdown(made, gains, plots, notes, problems).encode()
    files[PAGE_FILE] = page.page(
        page.Content(
            title=_TITLE,
            notes=notes,
            problems=problems,
            tables=[*made, *gains],
            plots={key: svg for key, (_, svg) in plots.items()},
            records=records,
            folders=folders,
            slugs={method.label: method.slug for method in methods},
        )
    ).encode()
    for file, content in files.items():
        atomic.write(folder / file, content)
    return "\n".join(tables.markdown(table) for table in [*made, *gains])


def _markdown(
    made: Sequence[tables.Table],
    gains: Sequence[tables.Table],
    plots: dict[tuple[str, int], tuple[str, str]],
    notes: Sequence[str],
    problems: Sequence[str],
) -> str:
    parts = [f"# {_TITLE}"]
    for table in made:
        parts += [f"## {table.dataset}", tables.markdown(table).strip()]
        own = [gain for gain in gains if gain.dataset == table.dataset]
        parts += [tables.markdown(gain).strip() for gain in own]
        parts += [
            f"![PSNR against disparity, x{scale}]({file})"
            for (dataset, scale), (file, _) in plots.items()
            if dataset == table.dataset
        ]
    if problems:
        parts += ["## Left out", "\n".join(f"- {line}" for line in problems)]
    parts += ["## How", "\n".join(f"- {note}" for note in notes)]
    return "\n\n".join(parts) + "\n"


def _notes(
    records: Sequence[Record], config: Config, methods: Sequence[Method]
) -> list[str]:
    settings = config.eval
    names = in_order(record.dataset for record in records)
    count = len(in_order((r.dataset, r.name) for r in records))
    channel = "all RGB samples" if settings.channel == "rgb" else "BT.601 luma"
    notes = [
        "Cells are PSNR [dB] / SSIM / IFC, means of the values per image; "
        f"one by one they are in `{CSV_FILE}`. What does not exist is `-`: "
        "SSIM below 11 pixels, IFC below 65, flow that is not known.",
        *tables.exact_notes(records),
        f"{count} images of {', '.join(f'`{name}`' for name in names)}, split "
        f"`{settings.test_split}`; of light fields, REF is view "
        f"{settings.ref_view}, LR views (i, i) as the columns say. LR is HR "
        "made smaller by antialiased Keys cubic, rounded to 8 bits, unless "
        "the data have their own.",
        f"Outputs are clipped and rounded to 8 bits. PSNR is over {channel}; "
        f"SSIM is {_SSIM[settings.protocol]}; IFC is on grey; "
        f"{settings.border} pixels are left out at each border.",
        "IFC is ifc(sr, hr), the order of the published tables; the other "
        f"order is in `{CSV_FILE}`.",
        "EPE: end-point error of the full-size flow where the truth is known.",
        f"Seconds per image on {os.cpu_count()} {platform.machine()} "
        f"processors, precision {config.train.precision}, after a first call; "
        "peak MB is the most that the whole process has held while the method "
        f"ran, {max(r.peak_mb for r in records):.0f} MB over all.",
        f"Weights: {_sources(methods) or 'none was learned'}.",
    ]
    if any(name not in published.DATASETS for name in names):
        notes.append(
            "Published values (CrossNet, ECCV 2018, table 1) are for Flower "
            "and LFVideo, not for the data measured here, and of the paper's "
            "protocol."
        )
    return notes


def _sources(methods: Sequence[Method]) -> str:
    return "; ".join(
        f"{m.label}: `{m.source}`, preset `{m.model.preset}`, x{m.model.scale}"
        for m in methods
        if m.entry.learns
    )
