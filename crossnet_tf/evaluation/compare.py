"""Measures several systems on the same pairs, for the paper's tables.

Evaluating one run is a comparison of it with bicubic upscaling. One method is
loaded at a time and sees one pair at a time, so that memory does not grow
with the number of either. Each result is kept in the report's folder at once:

    <report_dir>/records.jsonl       one line per method and image
    <report_dir>/pictures/...        outputs of the first pairs, for the page

A comparison that was cut off goes on where it stopped, and one with more
methods, views or images only measures what is new. A result counts again only
if pictures, protocol and weights are the same. A pair that cannot be used is
named, and the others go on.
"""

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from crossnet_tf.config import SCALES, Config
from crossnet_tf.evaluation import outputs, records
from crossnet_tf.evaluation import report as report_files
from crossnet_tf.evaluation.job import RECORDS_FILE, Job
from crossnet_tf.evaluation.methods import Method


class Report(NamedTuple):
    """What `report` wrote.

    Attributes:
        table: the tables as Markdown.
        markdown: where `report.md` is.
        page: where the page is.
        problems: a line for each pair that was left out.
    """

    table: str
    markdown: pathlib.Path
    page: pathlib.Path
    problems: list[str]


def compare(
    config: Config,
    methods: Sequence[Method],
    datasets: Sequence[str],
    scales: Sequence[int],
    report_dir: str | os.PathLike,
    num_pictures: int = 1,
    problems: list[str] | None = None,
) -> list[records.Record]:
    """Measures what has not been measured yet.

    Args:
        config: protocol (`eval`), where data are, precision.
        methods: what to compare, in the table's order.
        datasets: as `data.dataset`.
        scales: in the table's order; a run takes part at its own.
        report_dir: the folder; made if missing.
        num_pictures: keep the outputs of the first so many pairs per data
            set, scale and view.
        problems: gets one line for each pair that is left out.

    Returns:
        All records of this comparison, in the table's order.

    Raises:
        FileNotFoundError: no such data.
        ValueError: pairs without ground truth, or nothing to measure.
        OSError: the folder cannot be written.
    """
    if set(scales) - set(SCALES) or not scales:
        raise ValueError(
            f"`scales` must be of {list(SCALES)}. Received: scales={scales}."
        )
    problems = [] if problems is None else problems
    folder = pathlib.Path(report_dir)
    known = records.load(folder / RECORDS_FILE)
    found = []
    for dataset in datasets:
        settings = dataclasses.replace(config.eval, eval_dataset=dataset)
        own = dataclasses.replace(config, eval=settings)
        for scale in scales:
            for method in methods:
                if method.serves(scale):
                    job = Job(own, method, scale, folder, num_pictures)
                    found += job.run(known, problems)
    problems[:] = dict.fromkeys(problems)  # Methods find the same ones.
    if not found:
        raise ValueError(
            "`test_split` must hold images that can be measured, and a method "
            "must serve `scales`. Received: "
            f"test_split={config.eval.test_split!r}, scales={tuple(scales)}"
            + "".join(f"; {problem}" for problem in problems[:1])
        )
    return found


def report(
    config: Config,
    methods: Sequence[Method],
    datasets: Sequence[str],
    scales: Sequence[int],
    report_dir: str | os.PathLike,
    num_pictures: int = 1,
) -> Report:
    """Compares, as `compare`, and writes the report."""
    problems: list[str] = []
    arguments = (config, methods, datasets, scales, report_dir, num_pictures)
    found = compare(*arguments, problems)
    folder = pathlib.Path(report_dir)
    folders = {}
    for record in found:
        place = outputs.folder_of(folder, record.dataset, record.scale, record)
        if place.is_dir():
            folders[record.place] = place
    table = report_files.write(
        found, config, methods, folders, problems, folder
    )
    return Report(
        table,
        folder / report_files.REPORT_FILE,
        folder / report_files.PAGE_FILE,
        problems,
    )
