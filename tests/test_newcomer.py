"""A newcomer finds each of these from names and room docstrings alone."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("room", "file", "word", "code"),
    [
        ("crossnet_tf/images", "decoding", "JPEG", "jpegload_buffer"),
        ("crossnet_tf/pairs", "geometry", "flips", "def flip("),
        ("crossnet_tf/training", "step", "clipping", "clip_by_global_norm"),
        ("crossnet_tf/model", "trust", "REF is believed", "def trust_in_ref("),
        ("export/remote", "transport", "asks again", "retries"),
        ("crossnet_tf/evaluation", "tables", "`tables`", "def "),
    ],
)
def test_room_leads_to_the_file(room, file, word, code):
    tree = ast.parse((ROOT / room / "__init__.py").read_text())
    text = ast.get_docstring(tree)
    assert f"`{file}`" in text
    assert word in " ".join(text.split())
    assert code in (ROOT / room / f"{file}.py").read_text()
