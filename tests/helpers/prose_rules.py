"""No line of prose in a Markdown file has more than 100 characters.

    python tests/helpers/prose_rules.py FILE...

prints those that have, and ends with 1. Tables, code blocks and lines that a
URL or a picture's address makes long are left alone: they cannot be broken.
"""

import pathlib
import re
import sys

MAX_LETTERS = 100
_UNBROKEN = re.compile(r"\]\([^)]*\)|https?://\S+")


def long_lines(text: str) -> list[int]:
    """Numbers of the lines that are too long, from 1."""
    found, in_code = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            in_code = not in_code
        if in_code or line.lstrip().startswith("|"):
            continue
        if len(_UNBROKEN.sub("", line)) > MAX_LETTERS:
            found.append(number)
    return found


def main(paths: list[str]) -> int:
    """Checks files; returns the exit code."""
    problems = [
        f"{path}:{number} has more than {MAX_LETTERS} characters"
        for path in paths
        for number in long_lines(pathlib.Path(path).read_text("utf-8"))
    ]
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
