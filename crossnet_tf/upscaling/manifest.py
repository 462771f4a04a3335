"""Pairs as a table names them: CSV with a header, or JSON lines.

    lr,ref,output
    small/1.png,sharp/1.jpg,large/1.png
    small/2.png,,large/2.png

    {"lr": "small/1.png", "ref": "sharp/1.jpg", "output": "large/1.png"}

Paths count from the table's folder. No `ref`: the upsampler alone. Other
columns are passed over, so that a list of failures is a table, too. What is
wrong with one row is told of that row; the others stay.
"""

import csv
import dataclasses
import json
import os
import pathlib
from collections.abc import Iterator
from typing import TextIO

from crossnet_tf import regular
from crossnet_tf.upscaling.jobs import Job

_NEEDED = ("lr", "output")
_NAMES = ("lr", "ref", "output")
_MAX_LINE = 65536


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        line: where it ends, counted from 1.
        given: `lr`, `ref` and `output` as they stand there.
        job: what to do; None: it cannot be done.
        problem: why not.
    """

    line: int
    given: dict[str, str]
    job: Job | None = None
    problem: str = ""


def read_manifest(path: str | os.PathLike) -> Iterator[Row]:
    """All rows, each with its job or what is wrong with it.

    Args:
        path: ends in .csv, .jsonl or .ndjson.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no table of pairs as a whole, or no regular file.
    """
    path = pathlib.Path(path).expanduser()
    kind = path.suffix.lower()
    if kind not in (".csv", ".jsonl", ".ndjson"):
        raise ValueError(
            "`manifest` must end in .csv, .jsonl or .ndjson. Received: "
            f"manifest={path}"
        )
    regular.size(path)  # of any size, as it is read line by line
    folder = path.resolve().parent
    taken: dict[str, int] = {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = _csv_rows(file, path) if kind == ".csv" else _json_rows(file)
        try:
            for row in rows:
                yield _with_job(row, folder, taken)
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(
                f"`manifest` must be a table in UTF-8. Received: {path}: "
                f"{error}"
            ) from error


def _csv_rows(file: TextIO, path: pathlib.Path) -> Iterator[Row]:
    reader = csv.DictReader(file, strict=True)
    header = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = header
    if not set(_NEEDED) <= set(header):
        raise ValueError(
            "`manifest` must begin with a line that names its columns, lr, "
            f"ref and output. Received: {path}, with {','.join(header)!r}"
        )
    for values in reader:
        given = {name: (values.get(name) or "").strip() for name in _NAMES}
        problem = "has more fields than the header." if None in values else ""
        yield Row(reader.line_num, given, problem=problem)


def _json_rows(file: TextIO) -> Iterator[Row]:
    for line, text in enumerate(iter(lambda: file.readline(_MAX_LINE), ""), 1):
        if not text.strip():
            continue
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            yield Row(line, {}, problem="is no JSON object.")
            continue
        found = {name: values.get(name) or "" for name in _NAMES}
        given = {n: v for n, v in found.items() if isinstance(v, str)}
        wrong = sorted(set(found) - set(given))
        problem = f"`{wrong[0]}` must be a text." if wrong else ""
        yield Row(line, given, problem=problem)


def _with_job(row: Row, folder: pathlib.Path, taken: dict[str, int]) -> Row:
    """The row with its job, or with what speaks against it."""
    problem = row.problem or _problem(row.given)
    if problem:
        return dataclasses.replace(row, problem=problem)
    paths = {
        name: folder / pathlib.Path(value).expanduser()
        for name, value in row.given.items()
        if value
    }
    folded = os.path.normcase(os.path.normpath(paths["output"]))
    first = taken.setdefault(folded, row.line)
    if first != row.line:
        problem = f"line {first} has the same output."
        return dataclasses.replace(row, problem=problem)
    job = Job(paths["lr"], paths.get("ref"), paths["output"])
    return dataclasses.replace(row, job=job)


def _problem(given: dict[str, str]) -> str:
    for name in _NEEDED:
        if not given.get(name):
            return f"`{name}` is missing."
    for name, value in given.items():
        if "://" in value or "\0" in value:
            return (
                f"`{name}` must be a path that every worker can open. "
                f"Received: {value!r}"
            )
    return ""
