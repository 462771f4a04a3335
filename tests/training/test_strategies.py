"""The same weights under every strategy, however a batch is shared out."""

import dataclasses
import json
import os

import numpy as np
import pytest
import small_runs
import small_training
import tensorflow as tf
from small_runs import small_config

from crossnet_tf import cli, train
from crossnet_tf.storage import runs
from crossnet_tf.training import devices, loop, run

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")

STEPS = 10
EVERYTHING = {
    "clip_norm": 1.0,
    "weight_decay": 1e-3,
    "ema_decay": 0.9,
    "warp_loss_weight": 0.1,
    "flow_loss_weight": 0.1,
}
QUIET = {"eval_every": 100, "picture_every": 100, "checkpoint_every": 100}


@pytest.fixture
def _small(monkeypatch, op_by_op):
    """Small networks, run op by op."""
    small_runs.use_small(monkeypatch)
    monkeypatch.setattr(run.Run, "evaluate", lambda *_, **__: None)


def assert_close(one: dict, two: dict, most: float = 1e-5) -> None:
    """That two checkpoints have the same values."""
    assert set(one) == set(two)
    for name, value in one.items():
        if value.dtype == np.float32:
            np.testing.assert_allclose(
                value, two[name], rtol=most, atol=most, err_msg=name
            )
        else:
            np.testing.assert_array_equal(value, two[name], err_msg=name)


@pytest.fixture
def trained(tmp_path, _small):
    """What ten steps make of the small network, and how it is computed."""

    def call(name: str, devices=(), **settings) -> dict[str, np.ndarray]:
        settings = {**QUIET, **EVERYTHING, **settings, "num_steps": STEPS}
        loop.train(small_config(**settings), tmp_path / name, devices)
        return small_training.values_of(tmp_path / name, STEPS)

    return call


def test_strategies_agree(trained, monkeypatch):
    """With a TF_CONFIG that is none of their business."""
    monkeypatch.setenv("TF_CONFIG", json.dumps(small_training.tasks_of(2)[0]))
    one = trained("one", strategy="one_device")
    assert sum("optimizer" in name for name in one) > 10
    monkeypatch.setenv("TF_CONFIG", "{")
    assert_close(one, trained("two", strategy="mirrored"))
    parts = trained("parts", strategy="one_device", grad_accumulation=4)
    assert_close(one, parts)


@pytest.mark.slow
def test_parts_on_two_devices_agree(trained):
    one = trained("one", strategy="one_device")
    both = trained("both", ("/cpu:0", "/cpu:1"), grad_accumulation=2)
    assert_close(one, both)


@pytest.mark.slow
def test_accumulation_in_graphs_with_scaled_losses(trained):
    tf.config.run_functions_eagerly(False)
    more = {"precision": "mixed_float16"}
    one = trained("one", strategy="one_device", **more)
    parts = trained("parts", strategy="one_device", grad_accumulation=2, **more)
    assert_close(one, parts, 1e-3)


@pytest.mark.usefixtures("_small")
def test_parts_that_do_not_divide_reject(tmp_path):
    settings = small_config(grad_accumulation=3, strategy="one_device")
    with pytest.raises(ValueError, match=r"devices, 1, times.*, 3\. Received"):
        loop.train(settings, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def _error(capsys, tmp_path, *argv) -> str:
    """The one line that a command ends with."""
    flags = (f"--run_dir={tmp_path / 'run'}", "--preset=lite", *argv)
    with pytest.raises(SystemExit) as ended:
        cli.run(train.main, train.FLAGS, ["train", *flags])
    assert ended.value.code == 1
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert not list(tmp_path.iterdir())
    return line


@pytest.mark.parametrize("text", ["{}", "{", '{"cluster": {"worker": ["a"]}}'])
def test_malformed_cluster_ends_in_one_line(
    tmp_path, capsys, monkeypatch, text
):
    monkeypatch.setenv("TF_CONFIG", text)
    line = _error(capsys, tmp_path)
    assert line.startswith("Error: `TF_CONFIG` must ")
    assert line.endswith(f"Received: TF_CONFIG={text}")


def test_missing_cluster_ends_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    line = _error(capsys, tmp_path, "--strategy=multi_worker")
    assert "`TF_CONFIG` must be set for several workers" in line


def test_lone_worker_gives_up_in_one_line(tmp_path, capsys, monkeypatch):
    task = small_training.tasks_of(2)[1]
    monkeypatch.setenv("TF_CONFIG", json.dumps(task))
    line = _error(capsys, tmp_path, "--wait_for_workers=1")
    assert "wait_for_workers=1, and nothing from worker 0 (127.0.0" in line


@pytest.mark.parametrize("text", ["", "{", '{"cluster": {"worker": ["a:1"]}}'])
def test_devices_of_this_machine_ask_for_no_cluster(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    config = small_config(strategy="mirrored")
    assert devices.find_cluster(config.train) is None
    with devices.opened(config, None) as found:
        assert found.strategy.num_replicas_in_sync == 2  # as conftest splits
        assert (found.is_chief, found.num_workers) == (True, 1)
        assert found.turn(3, 5, 0) == (5, 0)
        assert found.turn(3, 5, 15) == (0, 15)
    assert os.environ["TF_CONFIG"] == text


def test_settings_of_a_run_hold_the_new_fields(tmp_path):
    settings = small_config(strategy="mirrored", grad_accumulation=2)
    runs.save_config(settings, tmp_path)
    assert runs.load_config(tmp_path) == settings
    with pytest.raises(ValueError, match="`strategy` must be one of"):
        dataclasses.replace(settings.train, strategy="tpu")
