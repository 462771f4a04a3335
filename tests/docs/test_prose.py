"""Markdown that people read in an editor: short lines, links that lead on."""

import pathlib
import re
import subprocess
import sys

import prose_rules
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = [
    path
    for path in sorted(ROOT.rglob("*.md"))
    if not {".venv", ".venv-tfa", "build", "runs", "node_modules"}
    & set(path.relative_to(ROOT).parts)
]
NAMES = [str(path.relative_to(ROOT)) for path in FILES]


def test_there_is_something_to_read():
    assert {"README.md", "BUILD.md", "CONTRIBUTING.md"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_prose_is_short(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not prose_rules.long_lines(text)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if re.match(r"\w+:", file):
            continue
        other = path.parent / file if file else path
        assert other.exists(), target
        if anchor:
            headings = re.findall(r"(?m)^#+ (.*)$", other.read_text("utf-8"))
            anchors = [
                re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-")
                for h in headings
            ]
            assert anchor in anchors, target


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x" * 100, []),
        ("x" * 101, [1]),
        ("a\n" + "b " * 60, [2]),
        ("| " + "x" * 200 + " |", []),
        ("```\n" + "x" * 200 + "\n```", []),
        ("see https://example.com/" + "x" * 200, []),
        ("[text](" + "x" * 200 + ")", []),
        ("[text](x) " + "x" * 100, [1]),
    ],
)
def test_rule_golden(text, expected):
    assert prose_rules.long_lines(text) == expected


def test_command_names_file_and_line(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("short\n" + "long " * 30)
    program = ROOT / "tests" / "helpers" / "prose_rules.py"
    done = subprocess.run(
        [sys.executable, program, path], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stdout.startswith(f"{path}:2 has more than 100 characters")
