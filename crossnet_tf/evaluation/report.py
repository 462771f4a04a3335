"""Writes a comparison's report: tables, numbers, plots, one page.

The files are

    report.md          tables and how they were made
    table_<data>.csv, table_<data>.tex
    per_image.csv      every number of every image
    psnr_<data>_x<scale>.svg
    index.html         all of it, with crops, error maps and flow

and `records.jsonl` and `pictures/`, from which they are made.
"""

import os
import pathlib
import platform
import re
from collections.abc import Sequence

from crossnet_tf import atomic
from crossnet_tf.config import Config
from crossnet_tf.evaluation import page, plot, published, tables
from crossnet_tf.evaluation.records import Record, groups, in_order

PAGE_FILE = "index.html"
_TITLE = "Comparison"


def write(
    records: Sequence[Record],
    config: Config,
    sources: dict[str, str],
    slugs: dict[str, str],
    folders: dict[tuple, pathlib.Path],
    report_dir: str | os.PathLike,
) -> str:
    """Writes all files; those of an earlier report are replaced.

    Args:
        records: what was measured, in the table's order.
        config: the protocol.
        sources: the runs that took part, by method and scale.
        slugs: how each method's files begin, by label.
        folders: where outputs are, by (data set, scale, name, view).
        report_dir: the folder.

    Returns:
        The tables as Markdown.

    Raises:
        OSError: a file cannot be written.
    """
    folder = pathlib.Path(report_dir)
    made = tables.make_tables(records)
    notes = _notes(records, config, sources)
    texts = {"per_image.csv": tables.csv_rows(records)}
    shown = []
    for table in made:
        name = re.sub(r"[^A-Za-z0-9+.-]+", "_", table.dataset)
        texts[f"table_{name}.csv"] = tables.csv_table(table)
        texts[f"table_{name}.tex"] = tables.latex(table)
        shown.append(f"## {table.dataset}\n\n{tables.markdown(table)}")
        own = [r for r in records if r.dataset == table.dataset]
        for (scale,), group in groups(own, "scale").items():
            drawing = plot.svg(group, f"{table.dataset}, x{scale}")
            file = f"psnr_{name}_x{scale}.svg"
            if drawing:
                texts[file] = drawing
                shown.append(f"![PSNR against disparity, x{scale}]({file})\n")
    listed = "\n".join(f"- {note}" for note in notes)
    body = "\n".join(shown)
    texts["report.md"] = f"# {_TITLE}\n\n{body}\n## How\n\n{listed}\n"
    texts[PAGE_FILE] = page.page(_TITLE, notes, made, records, folders, slugs)
    for file, text in texts.items():
        atomic.write(folder / file, text.encode())
    return "\n".join(tables.markdown(table) for table in made)


def _notes(
    records: Sequence[Record], config: Config, sources: dict[str, str]
) -> list[str]:
    settings = config.eval
    count = len(in_order((r.dataset, r.name) for r in records))
    channel = "all RGB samples" if settings.channel == "rgb" else "BT.601 luma"
    learned = "; ".join(f"{name}: {run}" for name, run in sources.items())
    notes = [
        "Cells are PSNR [dB] / SSIM / IFC, means of the values per image.",
        f"{count} images of split `{settings.test_split}`; REF is view "
        f"{settings.ref_view}, LR views (i, i) as the columns say; LR is HR "
        "made smaller by antialiased Keys cubic, rounded to 8 bits.",
        "Outputs are clipped and rounded to 8 bits. PSNR is over "
        f"{channel}, SSIM and IFC are on grey; {settings.border} pixels are "
        "left out at each border.",
        "IFC is ifc(sr, hr), the order of the published tables; the other "
        "order is in per_image.csv.",
        "EPE: end-point error of the full-size flow where the truth is known.",
        f"Seconds per image on {os.cpu_count()} {platform.machine()} "
        f"processors, precision {config.train.precision}, after a first call; "
        "peak MB is the most that the whole process has held while the method "
        f"ran, {max(r.peak_mb for r in records):.0f} MB over all.",
        f"Weights: {learned or 'none was learned'}.",
    ]
    names = in_order(r.dataset for r in records)
    if any(name not in published.DATASETS for name in names):
        notes.append(
            "Published values (CrossNet, ECCV 2018, table 1) are for Flower "
            "and LFVideo, not for the data measured here."
        )
    return notes
