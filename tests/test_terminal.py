"""Escape codes in names stay away from the terminal."""

import pytest

from crossnet_tf import terminal

RED = "\x1b[31mred\x07\u202e.png"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("caf\u00e9 \u5199\u771f.png", "caf\u00e9 \u5199\u771f.png"),
        (RED, r"\x1b[31mred\x07\u202e.png"),
        ("bytes \udcff", r"bytes \udcff"),
        ("two\nlines", r"two\nlines"),
    ],
)
def test_printable_golden(text, shown):
    assert terminal.printable(text) == shown


def test_lines_stay_lines(capsys):
    terminal.tell(f"1 written ({RED}).\nDone.")
    terminal.complain(f"{RED}\nis none")
    captured = capsys.readouterr()
    assert captured.out == "1 written (\\x1b[31mred\\x07\\u202e.png).\nDone.\n"
    assert captured.err == "Error: \\x1b[31mred\\x07\\u202e.png\\nis none\n"
