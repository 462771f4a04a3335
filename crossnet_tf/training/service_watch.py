"""Ends a training whose data service is gone.

TensorFlow asks for its next batch again and again, for an hour and without a
word, when the service that makes it has ended; and signals wait as long.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator, Sequence

import tensorflow as tf

from crossnet_tf import terminal
from crossnet_tf.pairs import service

_LOOK_SECONDS, _MISSES = 5.0, 4
# From the loss until the process ends by itself, or a loss is known.
_PATIENCE_SECONDS = 20.0
_MISTAKE = 1


@contextlib.contextmanager
def watched(services: Sequence[str]) -> Iterator[None]:
    """Looks after data services as long as the context is open.

    Args:
        services: their addresses; empty: there is nothing to look after.

    Raises:
        ConnectionError: TensorFlow noticed that one has ended.
    """
    if not services:
        yield
        return
    watch = _Watch(services)
    try:
        yield
    except tf.errors.OpError as error:
        if watch.is_lost():
            raise ConnectionError(watch.lost) from error
        raise
    finally:
        watch.left.set()
        watch.join()


class _Watch(threading.Thread):
    """Tries again and again whether the services answer."""

    def __init__(self, services: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self._services = services
        self.lost, self.left = "", threading.Event()
        self._is_lost = threading.Event()
        self.start()

    def is_lost(self) -> bool:
        """Whether a service is gone, after an error that may come of it."""
        return self._is_lost.wait(_LOOK_SECONDS * (_MISSES + 1))

    def run(self) -> None:
        """Until the training has ended, or must."""
        misses = dict.fromkeys(self._services, 0)
        while not self.left.wait(_LOOK_SECONDS):
            for address in self._services:
                try:
                    service.reach(address)
                    misses[address] = 0
                except OSError:
                    misses[address] += 1
                if misses[address] >= _MISSES:
                    self._end(address)
                    return

    def _end(self, address: str) -> None:
        self.lost = (
            f"The data service {address} has ended or cannot be reached. "
            "Start it again: the same command goes on from the last "
            "checkpoint."
        )
        self._is_lost.set()
        if not self.left.wait(_PATIENCE_SECONDS):
            terminal.complain(self.lost)
            sys.stderr.flush()
            os._exit(_MISTAKE)
