"""Tables of pairs: every row is a job or is told what is wrong with it."""

import os
import pathlib
import re

import pytest

from crossnet_tf.upscaling.jobs import Job
from crossnet_tf.upscaling.manifest import read_manifest


def _rows(path: pathlib.Path, text: str | bytes):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_manifest(path))


def _job(folder, lr, ref, output):
    return Job(folder / lr, ref and folder / ref, folder / output)


def test_csv(tmp_path):
    text = (
        '\ufefflr, ref ,output,camera\r\na.png,r/ä.jpg,out/a.png,"x,y"\r\n'
        "b.png,,out/b.png\r\n"
    )
    rows = _rows(tmp_path / "pairs.csv", text)
    assert [row.job for row in rows] == [
        _job(tmp_path, "a.png", "r/ä.jpg", "out/a.png"),
        _job(tmp_path, "b.png", None, "out/b.png"),
    ]
    assert [row.line for row in rows] == [2, 3]


def test_json_lines(tmp_path):
    text = (
        '{"lr": "a.png", "ref": "/r/a.png", "output": "o.png", "n": 1}\n\n'
        '{"lr": "b.png", "ref": null, "output": "p.png"}'
    )
    rows = _rows(tmp_path / "pairs.jsonl", text)
    assert [row.job for row in rows] == [
        _job(tmp_path, "a.png", "/r/a.png", "o.png"),
        _job(tmp_path, "b.png", None, "p.png"),
    ]
    assert [row.line for row in rows] == [1, 3]


@pytest.mark.parametrize(
    ("suffix", "text", "problem"),
    [
        ("csv", "lr,ref,output\n,r.png,o.png", "`lr` is missing."),
        ("csv", "lr,ref,output\na.png,r.png", "`output` is missing."),
        ("csv", "lr,output\na,b,c", "more fields than the header"),
        ("csv", "lr,output\ngs://a/b.png,o", "every worker.*gs://a/b.png"),
        ("csv", "lr,output\na\0,o", "every worker"),
        ("jsonl", "[1]", "is no JSON object"),
        ("jsonl", '{"lr": ', "is no JSON object"),
        ("jsonl", "[" * 9999, "is no JSON object"),
        ("jsonl", '{"lr": 3, "output": "o"}', "`lr` must be a text"),
        ("jsonl", '{"lr": "a"}', "`output` is missing"),
    ],
)
def test_a_wrong_row_is_told(tmp_path, suffix, text, problem):
    good = "z,y" if suffix == "csv" else '{"lr": "z", "output": "y"}'
    rows = _rows(tmp_path / f"t.{suffix}", f"{text}\n{good}\n")
    assert rows[0].job is None
    assert rows[-1].line == rows[0].line + 1
    assert re.search(problem, rows[0].problem)
    if "ref" not in text:
        assert rows[-1].job == _job(tmp_path, "z", None, "y")


def test_one_output_is_made_once(tmp_path):
    text = "lr,output\na.png,o/x.png\nb.png,o/../o/x.png\n"
    first, second = _rows(tmp_path / "t.csv", text)
    assert first.job
    assert second.problem == "line 2 has the same output."


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.txt", "lr,output\n", r"`manifest` must end in \.csv.*t\.txt"),
        ("t.csv", "small,large\na,b\n", "names its columns.*'small,large'"),
        ("t.csv", "", "names its columns"),
        ("t.csv", b"lr,output\n\xff\xfe,b\n", "in UTF-8.*t.csv"),
        ("t.jsonl", b'{"lr": "\xff"}', "in UTF-8"),
        ("t.csv", 'lr,output\n"a" b,c\n', "must be a table"),
    ],
)
def test_no_table_rejects(tmp_path, name, text, message):
    with pytest.raises(ValueError, match=message):
        _rows(tmp_path / name, text)


def test_a_pipe_rejects_instead_of_waiting(tmp_path):
    os.mkfifo(tmp_path / "pairs.csv")
    with pytest.raises(ValueError, match="pairs.csv` must be a regular file"):
        next(read_manifest(tmp_path / "pairs.csv"))
