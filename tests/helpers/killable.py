"""Processes that tests start, to be killed at any moment.

A server imports TensorFlow and the library once, without using them, and
every process is a fork of it: a hundred start in the time of ten.
"""

import functools
import importlib
import multiprocessing
import os
import pathlib
import signal
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from typing import Any

HELPERS = pathlib.Path(__file__).resolve().parent
# Imported once, before the processes part.
PRELOADED = [
    "pytest",
    "tensorflow",
    "keras",
    "small_runs",
    "crossnet_tf.cli",
    "crossnet_tf.upscale",
    "crossnet_tf.evaluate",
    "crossnet_tf.upscaling.files",
    "crossnet_tf.evaluation.compare",
    "crossnet_tf.training.loop",
]


@functools.cache
def processes() -> ForkServerContext:
    """Makes processes that have TensorFlow already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    more = {
        "PYTHONPATH": os.pathsep.join([str(HELPERS), str(HELPERS.parents[1])]),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        forkserver.ensure_running()
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
    return context


class Running:
    """A function that runs in a process of its own.

    Args:
        call: a function of a module that the helpers' folder has.
        arguments: of the function.
        output: file that gets what it prints.
    """

    def __init__(self, call: Any, arguments: tuple, output: pathlib.Path):
        output.parent.mkdir(parents=True, exist_ok=True)
        self.output_path = output
        self.process = processes().Process(
            target=_redirected, args=(str(output), call, arguments)
        )
        self.process.start()

    @property
    def code(self) -> int | None:
        """Exit code, -9 if killed by SIGKILL; None while it runs."""
        return self.process.exitcode

    def send(self, number: int) -> None:
        """Sends a signal, if it still runs."""
        if self.code is None:
            os.kill(self.process.pid, number)

    def wait(self, timeout: float = 600) -> str:
        """Waits for the end; returns what it printed."""
        self.process.join(timeout)
        if self.code is None:
            self.send(signal.SIGKILL)
            raise AssertionError(f"still runs: {self.text()}")
        return self.text()

    def text(self) -> str:
        """What it printed so far; nothing if it was killed before it could."""
        path = self.output_path
        return path.read_text() if path.exists() else ""


def _redirected(output: str, call: Any, arguments: tuple) -> None:
    """In the new process: prints to a file, dies of signals as usual."""
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(file, stream)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    call(*arguments)


def command(module: str, *argv: str) -> None:
    """Runs a command of the library, and ends as it does."""
    from crossnet_tf import cli

    found = importlib.import_module(module)
    cli.run(found.main, found.FLAGS, [module, *argv])
