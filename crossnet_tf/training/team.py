"""The processes that train together: whether they live, and their turns.

Every process has a connection to the chief, or the chief to all (`meeting`).
Over it each says that it lives, and one that ends, is killed or falls silent
is noticed by all others, which then end as well, with one line that says
which it was: TensorFlow alone would let them wait for it.

Before each call of the training step the chief says how many steps come
next. So all train the same number at once, wait here and not inside
TensorFlow while the chief measures or writes, and stop at the same step when
one of them is asked to.
"""

import os
import selectors
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from crossnet_tf import terminal
from crossnet_tf.training.cluster import Cluster
from crossnet_tf.training.messages import Line

_BEAT_SECONDS, _SILENT_SECONDS = 3.0, 30.0
_LOOK_SECONDS = 0.2
# After a loss: until the process ends by itself, and until a loss is known.
_PATIENCE_SECONDS, _NOTICE_SECONDS = 20.0, 8.0
_MISTAKE = 1


class Team:
    """The other processes.

    Attributes:
        lost: why the training cannot go on; empty: it can.

    Args:
        cluster: the processes.
        lines: connections, as `meeting.Meeting.hold` returns them.
    """

    def __init__(self, cluster: Cluster, lines: Mapping[int, Line]) -> None:
        self._cluster, self._lines = cluster, dict(lines)
        self._changed = threading.Condition()
        self.lost = ""
        self._at: dict[int, dict[str, Any]] = {}
        self._turn: dict[str, Any] = {}
        self._done: set[int] = set()
        self._number = 0
        self._on_loss: Callable[[str], None] = lambda text: None
        self._own_signal: Callable[[], int] = lambda: 0
        self._stop = False
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    @property
    def asked_to_stop(self) -> bool:
        """Whether another process was asked to stop, or is lost."""
        return self._stop or bool(self.lost)

    def tell_of(self, own_signal: Callable[[], int]) -> None:
        """Tells the chief at once when this process is asked to stop.

        Args:
            own_signal: the signal's number, or 0.
        """
        self._own_signal = own_signal

    def when_lost(self, call: Callable[[str], None]) -> None:
        """What to do as soon as a process is lost, on another thread."""
        self._on_loss = call

    def turn(self, step: int, most: int, signal: int) -> tuple[int, int]:
        """Agrees on what comes next.

        Args:
            step: steps done, the same in all processes.
            most: how many steps the chief wants to do next.
            signal: number of the signal that this process received, or 0.

        Returns:
            How many steps come next, 0: none, and then the number of the
            signal that one of the processes received.

        Raises:
            ConnectionError: a process is lost.
            ValueError: another process stands at another step.
        """
        self._number += 1
        if self._cluster.worker:
            self._send(at=step, turn=self._number, signal=signal)
            self._await(lambda: self._turn.get("turn") == self._number)
            return self._turn["count"], self._turn["signal"]
        self._await(lambda: set(self._at) >= set(self._lines))
        heard, self._at = self._at, {}
        for worker, message in sorted(heard.items()):
            if (message["at"], message["turn"]) != (step, self._number):
                raise ValueError(
                    "`run_dir` must be one folder that all workers share. "
                    f"Received: {self._cluster.name(worker)} is at step "
                    f"{message['at']}, the chief at {step}."
                )
        stop = max([signal, *(m["signal"] for m in heard.values())])
        count = 0 if stop else most
        self._send(turn=self._number, count=count, signal=stop)
        return count, stop

    def reason(self) -> str:
        """Why the training cannot go on, if another process is why.

        After an error, which may be known before its cause.
        """
        deadline = time.monotonic() + _NOTICE_SECONDS
        with self._changed:
            while not self.lost and time.monotonic() < deadline:
                self._changed.wait(_LOOK_SECONDS)
        return self.lost

    def finish(self) -> None:
        """Waits until all are done.

        Raises:
            ConnectionError: a process is lost.
        """
        if self._cluster.worker:
            self._send(done=True)
            self._await(lambda: bool(self._done))
        else:
            self._await(lambda: self._done >= set(self._lines))
            self._send(done=True)
        self._leave()

    def fail(self, text: str) -> None:
        """Tells all others that this process ends, and why."""
        name = self._cluster.name(self._cluster.worker)
        short = " ".join(text.split())[:1000]
        self._send(lost=self.lost or f"{name} has ended: {short}")
        self._leave()

    def _leave(self) -> None:
        self._left.set()
        self._thread.join()
        for line in self._lines.values():
            line.close()

    def _send(self, **message: Any) -> None:
        for line in self._lines.values():
            line.send(**message)

    def _await(self, holds: Callable[[], bool]) -> None:
        """Until something holds; signals are handled meanwhile."""
        with self._changed:
            while not holds():
                if self.lost:
                    raise ConnectionError(self.lost)
                self._changed.wait(_LOOK_SECONDS)

    def _watch(self) -> None:
        """Hears the others, and tells them that this process lives."""
        told, said = time.monotonic(), False
        with selectors.DefaultSelector() as selector:
            for worker, line in self._lines.items():
                selector.register(line, selectors.EVENT_READ, worker)
            while not self._left.is_set() and not self.lost:
                for key, _ in selector.select(_LOOK_SECONDS):
                    if not self._hear(key.data):
                        selector.unregister(key.fileobj)
                now = time.monotonic()
                if now - told > _BEAT_SECONDS:
                    self._send(alive=True)
                    told = now
                if self._own_signal() and not said:
                    self._send(stop=True)
                    said = True
                self._miss(now)
        if self.lost:
            self._end()

    def _hear(self, worker: int) -> bool:
        """Takes what has come from a process; False: it says no more."""
        try:
            for message in self._lines[worker].receive():
                self._take(worker, message)
        except ConnectionError:
            if worker not in self._done:
                self._lose(worker, "has ended or was killed")
            return False
        except (ValueError, TypeError, KeyError) as error:
            self._lose(worker, f"sent what it should not ({error!r})")
            return False
        return True

    def _take(self, worker: int, message: Mapping[str, Any]) -> None:
        numbers = {
            name: int(message[name])
            for name in ("at", "turn", "signal", "count")
            if name in message
        }
        with self._changed:
            if "lost" in message:
                self.lost = self.lost or str(message["lost"])
            elif "done" in message:
                self._done.add(worker)
            elif "stop" in message:
                self._stop = True
            elif "at" in message:
                self._at[worker] = numbers
            elif "count" in message:
                self._turn = numbers
            self._changed.notify_all()

    def _miss(self, now: float) -> None:
        for worker, line in self._lines.items():
            silent = now - line.heard > _SILENT_SECONDS
            if silent and worker not in self._done:
                self._lose(worker, "does not answer any more")

    def _lose(self, worker: int, what: str) -> None:
        with self._changed:
            if not self.lost:
                name = self._cluster.name(worker).capitalize()
                self.lost = (
                    f"{name} {what}. Start all workers again: they go on "
                    "from the last checkpoint."
                )
            self._changed.notify_all()

    def _end(self) -> None:
        """Frees this process from waiting for one that will not come."""
        self._send(lost=self.lost)
        self._on_loss(self.lost)
        if not self._left.wait(_PATIENCE_SECONDS):
            terminal.complain(self.lost)
            sys.stderr.flush()
            os._exit(_MISTAKE)
