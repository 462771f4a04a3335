"""Tries the rules of structure_rules.py on all files, and on wrong ones."""

import ast
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import structure_rules as rules

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = ("crossnet_tf", "data", "export")


def _python_files(*folders: str) -> list[str]:
    return sorted(
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if not path.name.endswith("_pb2.py")  # protoc writes these
    )


ALL = _python_files(*PACKAGES)
CONFIGS = sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("flags/*.cfg"))


@pytest.mark.parametrize("file", ALL)
def test_file_keeps_the_rules(file):
    assert not rules.boundaries(ROOT, file)
    assert not rules.docstrings(ROOT, file)
    assert not rules.lengths(ROOT, file)


@pytest.mark.parametrize("file", CONFIGS)
def test_flag_file_gives_reasons(file):
    assert not rules.reasons(ROOT, file)


def _checkout(folder: pathlib.Path, **files: str) -> pathlib.Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".py").write_text(text)
    return folder


ROOMS = sorted(p.name for p in (ROOT / "crossnet_tf").iterdir() if p.is_dir())


def _lint(folder: pathlib.Path) -> subprocess.CompletedProcess:
    """import-linter with this checkout's rules, on the package in `folder`."""
    program = (
        "import sys; from importlinter.cli import lint_imports; "
        f"sys.exit(lint_imports({str(ROOT / 'pyproject.toml')!r}, "
        "cache_dir=None))"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def copied(tmp_path) -> pathlib.Path:
    """A copy of the library's files."""
    shutil.copytree(
        ROOT / "crossnet_tf",
        tmp_path / "crossnet_tf",
        ignore=shutil.ignore_patterns("weights", "__pycache__"),
    )
    return tmp_path


def test_rooms_import_only_from_below():
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "code", "expected"),
    [
        ("ops/warp", "from crossnet_tf.model import encoder", "model"),
        ("model/base", "import crossnet_tf.storage.runs as r", "storage.runs"),
        ("pairs/crops", "def f():\n  from crossnet_tf.storage import runs", ""),
        ("drawing/panels", "from crossnet_tf.images import reading", "images"),
        ("upscaling/files", "from crossnet_tf import upscale", "upscale"),
        ("evaluation/page", "from absl import flags", "absl"),
        ("cli/help", "from crossnet_tf import atomic", "atomic"),
        ("metrics/psnr", "import tensorflow as tf", "tensorflow"),
        ("attic/trunk", "", "attic"),
    ],
)
def test_rooms_reject(copied, file, code, expected):
    path = copied / "crossnet_tf" / f"{file}.py"
    path.parent.mkdir(exist_ok=True)
    path.with_name("__init__.py").touch()
    with open(path, "a") as text:
        text.write(f"\n{code}\n")
    done = _lint(copied)
    assert done.returncode == 1
    assert expected in done.stdout


def test_each_room_says_what_it_is_for():
    for room in set(ROOMS) - {"weights", "__pycache__"}:
        text = (ROOT / "crossnet_tf" / room / "__init__.py").read_text()
        doc = " ".join(ast.get_docstring(ast.parse(text)).split())
        assert re.search(r"\b[Mm]ay import ", doc), room


@pytest.mark.parametrize(
    ("rule", "code", "expected"),
    [
        (rules.boundaries, "from . import b", ":1 has a relative import: ."),
        (rules.boundaries, "from .b import c", "relative import: .b"),
        (rules.boundaries, "import data.synthetic_lf", "imports data.syn"),
        (rules.boundaries, "from export import b", "imports export"),
        (rules.docstrings, "x = 1", ":1 the module"),
        (rules.docstrings, "'''M.'''\ndef f(): pass", ":2 f"),
        (rules.docstrings, "'''M.'''\nclass C:\n  '''C.'''\n"
         "  def call(self): pass\n  def f(self): pass", ":5 f"),
        (rules.lengths, "def f():\n" + "  x = 1\n" * 45, ":1 f: 46"),
    ],
)  # fmt: skip
def test_rule_rejects(tmp_path, rule, code, expected):
    _checkout(tmp_path, crossnet_tf__config=code)
    (problem,) = rule(tmp_path, "crossnet_tf/config.py")
    assert expected in problem


@pytest.mark.parametrize(
    ("file", "code", "is_right"),
    [
        ("data/lf/builder.py", "from . import a\nfrom .a import b", True),
        ("data/lf/builder.py", "from crossnet_tf.data import scenes", True),
        ("data/lf/builder.py", "from .. import scenes", False),
        ("data/lf/builder.py", "from data import scenes", False),
        ("data/survey.py", "from . import scenes", True),
        ("data/survey.py", "from crossnet_tf.data import scenes", False),
        ("data/survey.py", "from crossnet_tf.ops import warp", True),
        ("export/graph/lint.py", "from ..remote import tiles", True),
        ("export/graph/lint.py", "from ... import crossnet_tf", False),
        ("export/graph/lint.py", "from export.remote import tiles", False),
        ("export/client.py", "import crossnet_tf.export.remote", False),
        ("crossnet_tf/train.py", "from crossnet_tf.data import a", False),
    ],
)
def test_boundary_knows_both_names(tmp_path, file, code, is_right):
    for scenes in ("data", "crossnet_tf/data", "export/remote"):
        (tmp_path / scenes).mkdir(parents=True)
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    assert (not rules.boundaries(tmp_path, file)) == is_right


def test_comments_reject_a_flag_without_reason(tmp_path):
    text = "# Why this.\n--scale=4\n--width=8\n\n# Why.\n\n--seed=1\n"
    (tmp_path / "a.cfg").write_text(text)
    problems = rules.reasons(tmp_path, "a.cfg")
    assert problems == ["a.cfg:3 --width=8", "a.cfg:7 --seed=1"]
