"""Trains the small network in processes of its own, to be killed or joined.

A server imports TensorFlow once, without using it, and every process is a
fork of it: so a hundred of them are started in the time of ten.
"""

import dataclasses
import functools
import json
import multiprocessing
import os
import pathlib
import signal
import socket
import sys
import time
from multiprocessing.context import ForkServerContext
from typing import Any

import numpy as np

HELPERS = pathlib.Path(__file__).resolve().parent
# Imported once, before the processes part.
PRELOADED = [
    "pytest",
    "tensorflow",
    "keras",
    "small_runs",
    "crossnet_tf.cli.outcome",
    "crossnet_tf.training.loop",
]


@functools.cache
def processes() -> ForkServerContext:
    """Makes processes that have TensorFlow already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
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
        """Exit code, -9 if killed; None while it runs."""
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
        """What it printed so far."""
        return self.output_path.read_text()


def _redirected(output: str, call: Any, arguments: tuple) -> None:
    """In the new process: prints to a file, dies of signals as usual."""
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(file, stream)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    call(*arguments)


def start(run_dir: pathlib.Path, task: Any = None, **settings) -> Running:
    """Starts a training.

    Args:
        run_dir: of the run; what is printed goes to a file beside it.
        task: what TF_CONFIG says, if anything.
        **settings: fields of `TrainConfig`; or `devices` (how many parts the
            CPU is split into), `batch_size`, `pause` (seconds that each step
            waits, so that something can happen in it).
    """
    worker = task["task"]["index"] if task else 0
    output = run_dir.parent / f"{run_dir.name}-{worker}-{time.time_ns()}.txt"
    return Running(train, (str(run_dir), task, settings), output)


def tasks_of(count: int) -> list[dict]:
    """TF_CONFIG of processes on loopback, with free ports."""
    sockets = [socket.socket() for _ in range(count)]
    for item in sockets:
        item.bind(("127.0.0.1", 0))
    workers = [f"127.0.0.1:{item.getsockname()[1]}" for item in sockets]
    for item in sockets:
        item.close()
    return [
        {
            "cluster": {"worker": workers},
            "task": {"type": "worker", "index": index},
        }
        for index in range(count)
    ]


def start_workers(
    count: int, run_dir: pathlib.Path, **settings
) -> list[Running]:
    """Starts trainings that belong together."""
    return [start(run_dir, task, **settings) for task in tasks_of(count)]


def wait_for_step(run_dir: pathlib.Path, step: int, process: Running) -> None:
    """Until a checkpoint of that step, or a later one, is there."""
    while newest(run_dir) < step:
        if process.code is not None:
            raise AssertionError(process.text())
        time.sleep(0.01)


def newest(run_dir: pathlib.Path) -> int:
    """Number of the newest checkpoint, 0 if there is none."""
    found = (run_dir / "checkpoints").glob("ckpt-*.index")
    numbers = [int(path.stem.partition("-")[2]) for path in found]
    return max(numbers, default=0)


def values_of(run_dir: pathlib.Path, step: int) -> dict[str, np.ndarray]:
    """All that a checkpoint holds, by name."""
    import tensorflow as tf

    prefix = str(run_dir / "checkpoints" / f"ckpt-{step}")
    reader = tf.train.load_checkpoint(prefix)
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if not name.startswith("_")
    }


def train(run_dir: str, task: Any, settings: dict) -> None:
    """Trains the small network, and ends as the command does."""
    import pytest
    import small_runs
    import tensorflow as tf

    from crossnet_tf.cli import outcome
    from crossnet_tf.training import loop

    if task:
        os.environ["TF_CONFIG"] = json.dumps(task)
    devices = settings.pop("devices", 1)
    batch_size = settings.pop("batch_size", 4)
    pause = settings.pop("pause", 0.0)
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * devices,
    )
    patch = pytest.MonkeyPatch()
    small_runs.use_small(patch)
    patch.setattr(loop, "_SECONDS_PER_CALL", 1e-9)  # a step a call
    due = loop._do_what_is_due

    def slowly(*arguments):
        time.sleep(pause)
        due(*arguments)

    patch.setattr(loop, "_do_what_is_due", slowly)
    config = small_runs.small_config(**settings)
    data = dataclasses.replace(config.data, batch_size=batch_size)
    config = dataclasses.replace(config, data=data)
    names = tuple(f"/cpu:{i}" for i in range(devices)) * (devices > 1)
    results = []
    code = outcome.exit_code(
        lambda: results.append(loop.train(config, run_dir, names)),
        debug=lambda: False,
    )
    if results and results[0].signal:
        code = 128 + results[0].signal
    sys.exit(code)
