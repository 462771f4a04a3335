"""Text that a terminal shows and does not obey.

Names of files, and what servers say, may hold escape codes that recolour a
terminal, retitle it or worse, and bytes that are no text at all.
"""

import sys


def printable(text: str) -> str:
    """The text with everything escaped that would not be seen."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def tell(text: object) -> None:
    """Prints lines on stdout, their names printable."""
    print("\n".join(map(printable, str(text).split("\n"))))


def complain(problem: str) -> None:
    """Prints a problem as one line on stderr."""
    print(f"Error: {printable(problem)}", file=sys.stderr)
