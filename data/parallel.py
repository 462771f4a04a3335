"""Makes examples in parallel: on threads of one machine, or on Beam.

Threads are the default: decoding and encoding run outside Python's lock, one
process holds everything, and only a few scenes are in memory at a time. Beam
comes into play when TFDS is given options for it, and then also runs on many
machines.
"""

import collections
import concurrent.futures
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import apache_beam as beam

_Item = TypeVar("_Item")
Example = tuple[str, dict[str, Any]]
Make = Callable[[_Item], Sequence[Example]]
"""Makes an item's example, or none if the item is to be left out."""


def on_threads(make: Make[_Item], items: Sequence[_Item]) -> Iterator[Example]:
    """Yields examples in order; as many are made at once as processors."""
    workers = num_processors()
    pending: collections.deque[concurrent.futures.Future] = collections.deque()
    left = iter(items)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        try:
            for item in itertools.islice(left, workers):
                pending.append(pool.submit(make, item))
            while pending:
                examples = pending.popleft().result()
                for item in itertools.islice(left, 1):
                    pending.append(pool.submit(make, item))
                yield from examples
        finally:
            for future in pending:
                future.cancel()


def num_processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def on_beam(make: Make[_Item], items: Sequence[_Item]) -> "beam.PTransform":
    """A pipeline that makes the same examples, in any order."""
    import apache_beam as beam  # takes seconds to load

    return beam.Create(items) | beam.Reshuffle() | beam.FlatMap(make)
