"""How the processes of a training find each other before they begin.

TensorFlow waits for its peers without a word, an hour long, and deaf to
signals. So they meet first: the chief listens at its own address, which
TensorFlow takes over later, and the others connect to it and say who they
are and with which settings they came. Once all are there they begin; the
connections stay, so that each notices when another one ends (`team`).
"""

import contextlib
import json
import selectors
import socket
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import crossnet_tf
from crossnet_tf.training.cluster import Cluster
from crossnet_tf.training.messages import Line

_PROGRAM = "crossnet_tf"
_LOOK_SECONDS, _AGAIN_SECONDS = 0.2, 60.0
_QUIET_SECONDS = 1.0
_MOST_STRANGERS = 64


class Meeting:
    """Waits until all processes are there.

    Args:
        cluster: the processes.
        settings: by name, ready for JSON; those of all must be the same.
        limit: how long to wait, in seconds.
        tell: says to the user whom the process waits for.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: Mapping[str, Any],
        limit: float,
        tell: Callable[[str], None],
    ) -> None:
        self._cluster, self._settings = (
            cluster,
            json.loads(json.dumps(settings)),
        )
        self._limit, self._tell = limit, tell
        self._began = time.monotonic()
        self._said: tuple[str, ...] = ()
        self._said_at = self._began + _QUIET_SECONDS - _AGAIN_SECONDS
        self._lines: dict[int, Line] = {}
        self._strangers: list[Line] = []

    def hold(self) -> dict[int, Line]:
        """Waits; signals work as ever.

        Returns:
            Connections by the number of the process at the other end: the
            chief's to all others, the others' to the chief.

        Raises:
            TimeoutError: not all came.
            ValueError: this process was sent away: other settings.
            OSError: the own address cannot be used.
        """
        try:
            with _listening(self._cluster) as listener:
                if self._cluster.worker == 0:
                    self._receive(listener)
                    return self._lines
            self._attend()
        except BaseException:
            self._close()
            raise
        return self._lines

    def _receive(self, listener: socket.socket) -> None:
        """The chief's part."""
        everyone = set(range(1, len(self._cluster.addresses)))
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            while missing := sorted(everyone - set(self._lines)):
                names = [self._cluster.name(worker) for worker in missing]
                for line in self._lines.values():
                    line.send(wait=names)
                self._wait_for(names)
                for key, _ in selector.select(_LOOK_SECONDS):
                    if key.fileobj is listener:
                        line = Line(listener.accept()[0])
                        selector.register(line, selectors.EVENT_READ)
                        self._strangers.append(line)
                    elif isinstance(key.fileobj, Line):
                        self._heed(key.fileobj, selector)
                for line in self._strangers[:-_MOST_STRANGERS]:
                    self._drop(line, selector)
        for line in self._strangers:
            line.close()
        for line in self._lines.values():
            line.send(go=True)

    def _heed(self, line: Line, selector: selectors.BaseSelector) -> None:
        """What a process says that is there, or wants to be."""
        try:
            messages = line.receive()
        except (ConnectionError, ValueError):
            self._drop(line, selector)
            return
        for message in messages:
            refusal = self._refusal(message)
            if refusal:
                line.send(error=refusal)
                self._tell(refusal)
                self._drop(line, selector)
                return
            worker = message["worker"]
            before = self._lines.get(worker)
            if before is not None:
                before.send(error=f"Another process came as worker {worker}.")
                self._drop(before, selector)
            self._strangers.remove(line)
            self._lines[worker] = line

    def _refusal(self, message: Mapping[str, Any]) -> str:
        """Why a process is sent away; empty: it is not."""
        size = len(self._cluster.addresses)
        worker, tasks = message.get("worker"), message.get("tasks")
        is_ours = message.get("program") == _PROGRAM
        if not is_ours or type(worker) is not int or not 0 < worker < size:
            return "`TF_CONFIG` must name the same tasks everywhere."
        name = self._cluster.name(worker)
        if tasks != list(self._cluster.addresses):
            return (
                "`TF_CONFIG` must name the same tasks everywhere. Differing: "
                f"{name}."
            )
        theirs, ours = message.get("settings"), self._greeting()["settings"]
        if not isinstance(theirs, dict):
            theirs = {}
        differing = [
            f"{ascii(key)[1:-1]} ({theirs.get(key)!a} there, "
            f"{ours.get(key)!a} here)"
            for key in sorted({*ours, *theirs})
            if theirs.get(key) != ours.get(key)
        ]
        if not differing:
            return ""
        return (
            f"{name.capitalize()} must have the same "
            f"settings as the chief. Differing: {'; '.join(differing[:8])}."
        )

    def _drop(self, line: Line, selector: selectors.BaseSelector) -> None:
        """Ends a connection."""
        selector.unregister(line)
        line.close()
        self._strangers = [o for o in self._strangers if o is not line]
        self._lines = {w: o for w, o in self._lines.items() if o is not line}

    def _attend(self) -> None:
        """The part of all others."""
        chief = [self._cluster.name(0)]
        while not self._lines:
            self._wait_for(chief)
            try:
                place = self._cluster.place(0)
                connection = socket.create_connection(place, timeout=1.0)
            except OSError:  # not there yet, or its name is not known yet
                time.sleep(_LOOK_SECONDS)
                continue
            line = Line(connection)
            with contextlib.ExitStack() as stack:
                stack.callback(line.close)
                if self._is_let_in(line):
                    stack.pop_all()
                    self._lines[0] = line

    def _is_let_in(self, line: Line) -> bool:
        """Waits until all are there; False: the chief has ended, or trains."""
        try:
            line.send(**self._greeting())
            self._await_go(line)
        except _SentAwayError:
            raise
        except (ConnectionError, ValueError):
            time.sleep(_LOOK_SECONDS)
            return False
        return True

    def _await_go(self, line: Line) -> None:
        """Until the chief says that all are there."""
        names = [self._cluster.name(0)]
        with selectors.DefaultSelector() as selector:
            selector.register(line, selectors.EVENT_READ)
            while True:
                self._wait_for(names)
                if not selector.select(_LOOK_SECONDS):
                    continue
                for message in line.receive():
                    if "go" in message:
                        return
                    if "error" in message:
                        raise _SentAwayError(str(message["error"]))
                    names = [str(name) for name in message.get("wait", names)]

    def _greeting(self) -> dict[str, Any]:
        """What a process says of itself."""
        version = {"version": crossnet_tf.__version__}
        return {
            "program": _PROGRAM,
            "worker": self._cluster.worker,
            "tasks": self._cluster.addresses,
            "settings": {**self._settings, **version},
        }

    def _wait_for(self, names: Collection[str]) -> None:
        """Says whom this process waits for, and ends when it is too long."""
        now = time.monotonic()
        if now - self._began > self._limit:
            raise TimeoutError(
                "`wait_for_workers` must be long enough for all tasks of "
                "TF_CONFIG to come; start each with the same flags. Received: "
                f"wait_for_workers={self._limit:g}, and nothing from "
                f"{', '.join(names)}."
            )
        again = now - self._said_at > _AGAIN_SECONDS
        changed = self._said and self._said != tuple(names)
        if again or changed:
            self._said, self._said_at = tuple(names), now
            self._tell(
                f"Waiting for {', '.join(names)}, {self._limit:g} s at most."
            )

    def _close(self) -> None:
        for line in (*self._lines.values(), *self._strangers):
            line.close()


class _SentAwayError(ValueError):
    """The chief does not want this process."""


@contextlib.contextmanager
def _listening(cluster: Cluster) -> Iterator[socket.socket]:
    """At the own address, which nobody else may have."""
    _, port = cluster.place(cluster.worker)
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        listener = socket.create_server(
            ("", port), family=family, dualstack_ipv6=both
        )
    except OSError as error:
        raise OSError(
            f"The address of {cluster.name(cluster.worker)} in TF_CONFIG must "
            f"be free. Received: {error.strerror or error}."
        ) from error
    with listener:
        yield listener
