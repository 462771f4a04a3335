"""Reads the next item and writes the last one while one is worked on."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


def overlapped(
    items: Iterable[Any],
    read: Callable[[Any], Any],
    work: Callable[[Any], Any],
    write: Callable[[Any], None],
    errors: tuple[type[Exception], ...],
) -> Iterator[tuple[Any, Exception | None]]:
    """Does `write(work(read(item)))` for each item, three at a time.

    `read` and `write` run on a thread each, `work` on the caller's. At most
    one item is read ahead and one waits to be written.

    Args:
        items: what to do, in order.
        read: item -> input of `work`.
        work: input -> result.
        write: takes the result.
        errors: what an item may fail with; the others go on.

    Yields:
        Each item once it is done, with its error or None.
    """
    rest = iter(items)
    with ThreadPoolExecutor(1) as readers, ThreadPoolExecutor(1) as writers:

        def begin() -> tuple[Any, Future] | None:
            for item in rest:
                return item, readers.submit(read, item)
            return None

        reading, writing = begin(), None
        while reading:
            item, future = reading
            error, result = _error(future, errors), None
            reading = begin()
            if error is None:
                try:
                    result = work(future.result())
                except errors as failed:
                    error = failed
            if writing:
                yield writing[0], _error(writing[1], errors)
                writing = None
            if error:
                yield item, error
            else:
                writing = item, writers.submit(write, result)
        if writing:
            yield writing[0], _error(writing[1], errors)


def _error(
    future: Future, errors: tuple[type[Exception], ...]
) -> Exception | None:
    try:
        future.result()
    except errors as error:
        return error
    return None
