"""Scenes that cannot be read: named and left out, or the end of it all.

A folder of a thousand scenes has a bad one now and then. Whoever prepares it
wants the others, and to know which one is missing; with `strict` the first bad
one ends the preparation instead.
"""

import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

import tqdm

from crossnet_tf import terminal
from crossnet_tf.cli import outcome

UNREADABLE = (ValueError, OSError)
"""What readers raise for files that are bad; all else is a mistake here."""

_Item = TypeVar("_Item")
_Found = TypeVar("_Found")


def each(
    find: Callable[[_Item], _Found],
    items: Iterable[_Item],
    name_of: Callable[[_Item], str],
    strict: bool = False,
) -> list[_Found]:
    """What `find` gives for each item that it can read.

    Args:
        find: raises one of `UNREADABLE` for what cannot be read.
        items: such as folders of scenes.
        name_of: how a message names an item.
        strict: the first that cannot be read ends it.

    Raises:
        ValueError: as `find`, if `strict` or nothing is left.
        OSError: the same.
    """
    found: list[_Found] = []
    first: Exception | None = None
    for item in items:
        try:
            found.append(find(item))
        except UNREADABLE as error:
            if strict:
                raise
            say(name_of(item), error)
            first = first or error
    if first and not found:
        raise first
    return found


def say(name: str, error: Exception) -> None:
    """Names what is left out, and why, on stderr."""
    text = f"Left out `{terminal.printable(name)}`: {outcome.one_line(error)}"
    with tqdm.tqdm.external_write_mode(file=sys.stderr):
        print(text, file=sys.stderr, flush=True)
