"""Processes that train as one over loopback, and what ends them."""

import json
import signal
import time

import numpy as np
import pytest
import small_training as small
from test_strategies import EVERYTHING, QUIET, STEPS, assert_close

pytestmark = pytest.mark.slow

KEPT = {"keep_checkpoints": 100, "eval_every": 1000, "picture_every": 1000}


def _ended(processes, seconds: float = 60) -> list[str]:
    """What each printed; all must end within a minute."""
    return [process.wait(seconds) for process in processes]


def _errors(text: str) -> list[str]:
    """Lines on a process's stderr and stdout that are no progress bar."""
    lines = [line for line in text.splitlines() if line.strip()]
    assert not any("Traceback" in line for line in lines), text
    return [line for line in lines if line.startswith("Error: ")]


def test_every_strategy_gives_the_same_weights(tmp_path):
    """1, 2 and 4 logical devices, two and four workers, parts of a batch."""
    settings = {"num_steps": STEPS, **QUIET, **EVERYTHING}
    for name, workers, more in (
        ("one", 1, {}),
        ("two", 1, {"devices": 2}),
        ("four", 1, {"devices": 4}),
        ("parts", 1, {"grad_accumulation": 2}),
        ("workers", 2, {}),
        ("workers of parts", 2, {"grad_accumulation": 2}),
        ("four workers", 4, {}),
    ):
        run_dir, both = tmp_path / name, {**settings, **more}
        if workers == 1:
            group = [small.start(run_dir, **both)]
        else:
            group = small.start_workers(workers, run_dir, **both)
        for process in group:
            assert (process.wait(), process.code)[1] == 0, process.text()
        found = small.values_of(run_dir, STEPS)
        assert_close(small.values_of(tmp_path / "one", STEPS), found)


def test_chief_alone_measures_and_writes(tmp_path):
    workers = small.start_workers(2, tmp_path / "run", num_steps=4)
    chief, other = _ended(workers, 600)
    assert [w.code for w in workers] == [0, 0], chief + other
    assert "Step 4: held-out PSNR" in chief
    assert "PSNR" not in other
    assert len(list((tmp_path / "run").glob("events*"))) == 1
    assert small.newest(tmp_path / "run") == 4


@pytest.mark.parametrize("gone", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_lost_worker_ends_the_others_and_all_go_on(tmp_path, gone, number):
    settings = {"num_steps": 30, "checkpoint_every": 5, **KEPT}
    whole = small.start(tmp_path / "whole", **settings)
    run_dir = tmp_path / "run"
    workers = small.start_workers(2, run_dir, pause=0.1, **settings)
    small.wait_for_step(run_dir, 5, workers[0])
    began = time.monotonic()
    workers[gone].send(number)
    rest = workers[1 - gone]
    (line,) = _errors(rest.wait(60))
    assert time.monotonic() - began < 60
    assert rest.code == 1
    assert line.startswith(f"Error: Worker {gone} (127.0.0.1:")
    workers[gone].send(signal.SIGKILL)
    workers[gone].process.join()
    again = small.start_workers(2, run_dir, **settings)
    texts = _ended(again, 600)
    assert [w.code for w in again] == [0, 0], texts
    assert "Going on from step" in texts[0]
    whole.wait()
    one, two = (
        small.values_of(tmp_path / name, 30) for name in ("whole", "run")
    )
    assert_close(one, two, 1e-4)


def test_chain_of_losses_is_one_unbroken_run(tmp_path, rng):
    """To the bit, against two workers that nobody killed."""
    settings = {"num_steps": 30, "checkpoint_every": 3, **KEPT}
    whole = small.start_workers(2, tmp_path / "whole", **settings)
    _ended(whole, 600)
    run_dir = tmp_path / "run"
    for kill in range(5):
        before = small.newest(run_dir)
        workers = small.start_workers(2, run_dir, pause=0.05, **settings)
        small.wait_for_step(run_dir, min(before + 3, 30), workers[0])
        time.sleep(rng.random() / 4)
        workers[kill % 2].send(signal.SIGKILL)
        _ended(workers)
    last = small.start_workers(2, run_dir, **settings)
    assert [(w.wait(), w.code)[1] for w in last] == [0, 0]
    one, two = (
        small.values_of(tmp_path / name, 30) for name in ("whole", "run")
    )
    assert set(one) == set(two)
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], name)


@pytest.mark.parametrize("asked", [0, 1])
def test_signal_of_one_stops_all_with_a_checkpoint(tmp_path, asked):
    settings = {"num_steps": 500, "checkpoint_every": 100, **KEPT}
    workers = small.start_workers(2, tmp_path / "run", pause=0.05, **settings)
    deadline = time.monotonic() + 300
    while not list((tmp_path / "run").glob("events*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(3)
    workers[asked].send(signal.SIGTERM)
    texts = _ended(workers)
    assert [w.code for w in workers] == [143, 143], texts
    assert 0 < small.newest(tmp_path / "run") < 500


def test_error_of_one_worker_is_named_by_the_other(tmp_path):
    tasks = small.tasks_of(2)
    chief = small.start(tmp_path / "run", tasks[0], num_steps=4)
    other = small.start(tmp_path / "run", tasks[1], num_steps=5)
    (line,) = _errors(other.wait(300))
    assert "train.num_steps (5 there, 4 here)" in line
    assert chief.code is None  # it waits for one with its settings
    again = small.start(tmp_path / "run", tasks[1], num_steps=4)
    assert (again.wait(), again.code)[1] == 0
    assert "train.num_steps (5 there, 4 here)" in chief.wait()
    assert chief.code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_a_worker_that_waits(tmp_path, number):
    task = small.tasks_of(2)[0]
    alone = small.start(tmp_path / "run", task)
    deadline = time.monotonic() + 300
    while "Waiting for worker 1" not in alone.text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    alone.send(number)
    text = alone.wait(20)
    assert alone.code == (130 if number == signal.SIGINT else -15), text
    assert not (tmp_path / "run").exists()
    assert json.dumps(task["cluster"]["worker"][1]).strip('"') in text
