"""Which files of a data set cannot be used, and are trained without.

With `--skip_bad_examples` a few are named and left out; without it, and when
there are too many of them, the first one ends the training.
"""

import logging
import threading

from crossnet_tf import terminal

_ONE_IN = 100
_LOG = logging.getLogger(__name__)


class LeftOut:
    """Counts what is left out; pictures are read on several threads.

    Args:
        allowed: whether anything may be left out.
        count: how many things there are; of these at most 1 %, or one.
        what: they are called so in messages.
    """

    def __init__(self, allowed: bool, count: int, what: str) -> None:
        self._allowed, self._count, self._what = allowed, count, what
        self._names: set[str] = set()
        self._lock = threading.Lock()

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def add(self, name: str, error: Exception) -> None:
        """Notes that one cannot be used.

        Args:
            name: of it.
            error: why.

        Raises:
            Exception: `error` itself, if nothing may be left out.
            ValueError: there are too many.
        """
        if not self._allowed:
            raise error
        most = min(max(1, self._count // _ONE_IN), self._count - 1)
        with self._lock:
            is_new = name not in self._names
            self._names.add(name)
            found = len(self._names)
        if found > most:
            raise ValueError(
                f"`skip_bad_examples` must leave out at most {most} of "
                f"{self._count} {self._what}s. Received: {found}, the last "
                f"one because: {error}"
            )
        if is_new:
            _LOG.warning(
                "Warning: %s %s is left out, number %d of at most %d: %s",
                self._what,
                terminal.printable(name),
                found,
                most,
                terminal.printable(str(error)),
            )
