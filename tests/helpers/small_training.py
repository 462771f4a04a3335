"""Trains the small network in processes of its own, to be killed or joined."""

import dataclasses
import json
import os
import pathlib
import socket
import sys
import time
from typing import Any

import numpy as np
from killable import Running

# Of `DataConfig`; {folder} has hr/ and ref/.
KINDS = {
    "stereo pair": {"dataset": "motorcycle", "pairs_per_scene": 2},
    "folder": {"dataset": "folder:{folder}"},
    "views": {"dataset": "synthetic_lf/tiny", "pairs_per_scene": 2},
    "photographs": {"dataset": "warps:{folder}/hr", "motion": 2.0},
    "mix": {"dataset": "synthetic_lf/tiny,motorcycle,folder:{folder}"},
}


def start(run_dir: pathlib.Path, task: Any = None, **settings) -> Running:
    """Starts a training.

    Args:
        run_dir: of the run; what is printed goes to a file beside it.
        task: what TF_CONFIG says, if anything.
        **settings: fields of `TrainConfig`; or `devices` (how many parts the
            CPU is split into), `pause` (seconds that each step waits, so that
            something can happen in it), `eager` (no graphs, which take longer
            to build than some steps take), `data` (fields of `DataConfig`;
            with a data set in it, crops are cut from that).
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
    import small_runs
    import tensorflow as tf

    from crossnet_tf.cli import outcome
    from crossnet_tf.training import loop

    if task:
        os.environ["TF_CONFIG"] = json.dumps(task)
    devices = settings.pop("devices", 1)
    pause = settings.pop("pause", 0.0)
    data = settings.pop("data", {})
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * devices,
    )
    tf.config.run_functions_eagerly(settings.pop("eager", False))
    _use_small(pause, made_up="dataset" not in data)
    config = small_runs.small_config(**settings)
    config = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, **data),
        eval=dataclasses.replace(
            config.eval, eval_dataset="motorcycle", num_eval_images=1
        ),
    )
    names = tuple(f"/cpu:{i}" for i in range(devices)) * (devices > 1)
    results = []
    code = outcome.exit_code(
        lambda: results.append(loop.train(config, run_dir, names)),
        debug=lambda: False,
    )
    if results and results[0].signal:
        code = 128 + results[0].signal
    sys.exit(code)


def _use_small(pause: float, made_up: bool) -> None:
    """The small network, a step at a time; maybe on made-up pictures."""
    import pytest
    import small_runs
    from small_network import build_small_model

    from crossnet_tf.storage import runs
    from crossnet_tf.training import loop

    patch = pytest.MonkeyPatch()
    if made_up:
        small_runs.use_small(patch)
    patch.setattr(runs, "build_model", build_small_model)
    patch.setattr(loop, "_SECONDS_PER_CALL", 1e-9)
    due = loop._do_what_is_due

    def slowly(*arguments):
        time.sleep(pause)
        due(*arguments)

    patch.setattr(loop, "_do_what_is_due", slowly)
