"""Reads next items and writes the last one while one is worked on."""

import collections
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

# Items read ahead at most, where they are small. Some take long to be read
# (a REF whose features are looked for), and the network would wait for them.
_AHEAD = 4
Errors = tuple[type[Exception], ...]


def overlapped(
    items: Iterable[Any],
    read: Callable[[Any], Any],
    work: Callable[[Any], Any],
    write: Callable[[Any], None],
    errors: Errors,
    is_small: Callable[[Any], bool] = lambda found: False,
) -> Iterator[tuple[Any, Exception | None]]:
    """Does `write(work(read(item)))` for each item, three at a time.

    `read` and `write` run on a thread each, `work` on the caller's. One item
    waits to be written at most; one is read ahead, and up to four as long as
    they are small.

    Args:
        items: what to do, in order.
        read: item -> input of `work`.
        work: input -> result.
        write: takes the result.
        errors: what an item may fail with; the others go on.
        is_small: whether four inputs of `work` may be in memory.

    Yields:
        Each item once it is done, with its error or None.
    """
    with (
        _ReadAhead(items, read, is_small) as reading,
        ThreadPoolExecutor(1) as writers,
    ):
        writing: tuple[Any, Future] | None = None
        for item, future in reading:
            error, result = _error(future, errors), None
            if error is None:
                try:
                    result = work(future.result())
                except errors as failed:
                    error = failed
            del future
            if writing:
                yield writing[0], _error(writing[1], errors)
                writing = None
            if error:
                yield item, error
            else:
                writing = item, writers.submit(write, result)
            del result
        if writing:
            yield writing[0], _error(writing[1], errors)


class _ReadAhead:
    """Iterates over items and what is read of them, on a thread of its own."""

    def __init__(
        self,
        items: Iterable[Any],
        read: Callable[[Any], Any],
        is_small: Callable[[Any], bool],
    ):
        self._items, self._read, self._is_small = items, read, is_small
        self._found: collections.deque[tuple[Any, Future]] = collections.deque()
        self._change = threading.Condition()
        self._ended = False
        self._readers = ThreadPoolExecutor(1)

    def __enter__(self) -> "_ReadAhead":
        self._readers.submit(self._go_on)
        return self

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._ended = True
            self._change.notify_all()
        self._readers.shutdown()

    def __iter__(self) -> Iterator[tuple[Any, Future]]:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._found or self._ended)
                if not self._found:
                    return
                found = self._found.popleft()
                self._change.notify_all()
            yield found
            del found

    def _go_on(self) -> None:
        """Reads items in turn, as long as there is room for them."""
        for item in self._items:
            future: Future = Future()
            try:
                future.set_result(self._read(item))
            except BaseException as error:  # for the caller's thread
                future.set_exception(error)
            with self._change:
                self._found.append((item, future))
                del future
                self._change.notify_all()
                self._change.wait_for(lambda: self._ended or self._has_room())
                if self._ended:
                    return
        with self._change:
            self._ended = True
            self._change.notify_all()

    def _has_room(self) -> bool:
        if not self._found:
            return True
        return len(self._found) < _AHEAD and all(
            future.exception() or self._is_small(future.result())
            for _, future in self._found
        )


def _error(future: Future, errors: Errors) -> Exception | None:
    try:
        future.result()
    except errors as error:
        return error
    return None
