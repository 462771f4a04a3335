"""What a command says of an error is one harmless line."""

import pytest

from crossnet_tf.cli import outcome


@pytest.mark.parametrize(
    "error",
    [
        ValueError("Image `\x1b[31mred\x07\n.png` must be whole."),
        FileNotFoundError(2, "No such file", "\x1b]0;title\x07\u202e.png"),
        ValueError("name \udcff.png"),
    ],
)
def test_escape_codes_stay_away_from_the_terminal(error):
    line = outcome.one_line(error)
    assert line.isprintable()
    assert ".png" in line


def test_letters_of_all_languages_stay():
    assert outcome.one_line(ValueError("ü 写真.png")) == "ü 写真.png"
