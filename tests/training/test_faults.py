"""What a training keeps when something goes wrong, on every kind of data."""

import dataclasses
import logging
import pathlib
import signal

import numpy as np
import PIL.Image
import pytest
import small_runs
import tensorflow as tf
import tiny_light_fields as tiny
from small_network import build_small_model
from small_training import KINDS, newest, values_of

from crossnet_tf.config import Config
from crossnet_tf.storage import runs
from crossnet_tf.training import loop
from crossnet_tf.training.run import Run

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")

QUIET = {"eval_every": 1000, "picture_every": 1000, "log_every": 1}


BOTH = pytest.mark.parametrize(
    "kind", ["folder", pytest.param("photographs", marks=pytest.mark.slow)]
)


@pytest.fixture(autouse=True)
def _small(monkeypatch, op_by_op):
    """The small network, op by op, one step a call; no measuring."""
    monkeypatch.setattr(runs, "build_model", build_small_model)
    monkeypatch.setattr(loop, "_SECONDS_PER_CALL", 1e-9)
    monkeypatch.setattr(Run, "evaluate", lambda *_, **__: None)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    tiny.prepare(folder)
    return folder


def _folder(path: pathlib.Path, count: int = 5) -> pathlib.Path:
    generator = np.random.default_rng(0)
    for kind in ("hr", "ref"):
        (path / kind).mkdir(parents=True)
        for number in range(count):
            pixels = generator.integers(256, size=[48, 64, 3], dtype=np.uint8)
            image = PIL.Image.fromarray(pixels)
            image.save(path / kind / f"{number}.png")
    return path


def _config(folder, prepared=None, data=None, **train) -> Config:
    """Of crops of 16 x 24 from one kind of data."""
    config = small_runs.small_config(**{**QUIET, **train})
    values = {
        "data_dir": str(prepared or ""),
        "batch_size": 2,
        "crop_height": 16,
        "crop_width": 24,
        "random_crop": True,
        **(data or KINDS["folder"]),
    }
    values["dataset"] = values["dataset"].format(folder=folder)
    eval = {"eval_dataset": "motorcycle", "num_eval_images": 1}
    return dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, **values),
        eval=dataclasses.replace(config.eval, **eval),
    )


def _train(config, run_dir) -> loop.Result:
    return loop.train(config, run_dir, ("/cpu:0",))


def _assert_same(one: dict, two: dict) -> None:
    assert set(one) == set(two)
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], name)


def _stop_after_each_step(monkeypatch) -> None:
    add = loop._Window.add

    def stop(self, count, means):
        add(self, count, means)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(loop._Window, "add", stop)


@pytest.mark.parametrize(
    ("kind", "restores"),
    [
        ("folder", 1),
        *(
            pytest.param(kind, 10, marks=pytest.mark.slow)
            for kind in KINDS
        ),
    ],
)  # fmt: skip
def test_chain_of_restores_ends_with_the_same_weights(
    tmp_path, monkeypatch, prepared, kind, restores
):
    folder = _folder(tmp_path / "data")
    steps = restores + 1
    config = _config(
        folder, prepared, KINDS[kind], num_steps=steps, ema_decay=0.9
    )
    _train(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        _stop_after_each_step(patch)
        for step in range(1, steps):
            result = _train(config, tmp_path / "run")
            assert (result.step, result.signal) == (step, signal.SIGTERM)
    assert _train(config, tmp_path / "run").step == steps
    whole, run = (values_of(tmp_path / n, steps) for n in ("whole", "run"))
    _assert_same(whole, run)
    assert whole["samples/.ATTRIBUTES/VARIABLE_VALUE"] == 2 * steps


def test_change_of_data_and_a_kill_bricks_nothing(tmp_path, monkeypatch):
    """Killed after the settings are written, before the first checkpoint."""
    run_dir, first = tmp_path / "run", _folder(tmp_path / "first")
    _train(_config(first, num_steps=2), run_dir)
    other = _config(_folder(tmp_path / "other", 3), num_steps=4)

    def die(*arguments):
        raise KeyboardInterrupt  # no checkpoint is made, as by SIGKILL

    for config in (other, _config(first, num_steps=4)):
        with monkeypatch.context() as patch:
            patch.setattr(loop._Window, "add", die)
            with pytest.raises(KeyboardInterrupt):
                _train(config, run_dir)
        assert runs.load_config(run_dir) == config
        assert newest(run_dir) == 2
    assert _train(other, run_dir).step == 4
    straight = tmp_path / "straight"
    _train(_config(first, num_steps=2), straight)
    _train(other, straight)
    _assert_same(values_of(run_dir, 4), values_of(straight, 4))


def _spoil(folder: pathlib.Path, *numbers: int) -> None:
    """Cuts off files behind their headers, which stay right."""
    for number in numbers:
        path = folder / "hr" / f"{number}.png"
        path.write_bytes(path.read_bytes()[:-3000])


@BOTH
def test_bad_picture_ends_with_a_checkpoint_and_its_name(tmp_path, kind):
    folder = _folder(tmp_path / "data")
    config = _config(folder, data=KINDS[kind], num_steps=20)
    _spoil(folder, 3)
    with pytest.raises(Exception, match=r"hr/3\.png"):
        _train(config, tmp_path / "run")
    step = newest(tmp_path / "run")
    assert step < 20
    _folder(tmp_path / "again")
    (tmp_path / "again/hr/3.png").rename(folder / "hr/3.png")
    assert _train(config, tmp_path / "run").step == 20


@BOTH
def test_bad_picture_can_be_left_out_and_is_named_once(tmp_path, caplog, kind):
    folder = _folder(tmp_path / "data")
    _spoil(folder, 3)
    data = {**KINDS[kind], "skip_bad_examples": True}
    config = _config(folder, data=data, num_steps=8)
    with caplog.at_level(logging.WARNING):
        assert _train(config, tmp_path / "run").step == 8
    lines = [r.getMessage() for r in caplog.records if "left out" in r.message]
    assert len(lines) == 1
    assert "hr/3.png" in lines[0]


@BOTH
def test_what_is_no_picture_is_left_out_and_named(tmp_path, caplog, kind):
    folder = _folder(tmp_path / "data")
    (folder / "hr/2.png").write_bytes(b"")
    config = _config(folder, data=KINDS[kind], num_steps=2)
    with pytest.raises(ValueError, match=r"hr/2\.png"):
        _train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    data = {**KINDS[kind], "skip_bad_examples": True}
    config = _config(folder, data=data, num_steps=2)
    with caplog.at_level(logging.WARNING):
        assert _train(config, tmp_path / "run").step == 2
    assert "number 1 of at most 1" in caplog.text


def test_the_only_picture_is_not_left_out(tmp_path):
    folder = _folder(tmp_path / "data", 1)
    _spoil(folder, 0)
    data = {**KINDS["photographs"], "skip_bad_examples": True}
    with pytest.raises(Exception, match="at most 0 of 1"):
        _train(_config(folder, data=data), tmp_path / "run")


@BOTH
def test_more_than_one_in_a_hundred_ends(tmp_path, kind):
    folder = _folder(tmp_path / "data")
    _spoil(folder, 1, 3)
    data = {**KINDS[kind], "skip_bad_examples": True}
    config = _config(folder, data=data, num_steps=40)
    with pytest.raises(
        Exception, match="`skip_bad_examples` must leave out at most 1 of 5"
    ):
        _train(config, tmp_path / "run")


@pytest.mark.slow
def test_left_out_pictures_leave_resuming_exact(tmp_path, monkeypatch):
    folder = _folder(tmp_path / "data")
    _spoil(folder, 3)
    data = {**KINDS["folder"], "skip_bad_examples": True}
    config = _config(folder, data=data, num_steps=6)
    _train(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        _stop_after_each_step(patch)
        for _ in range(5):
            _train(config, tmp_path / "run")
    _train(config, tmp_path / "run")
    _assert_same(*(values_of(tmp_path / n, 6) for n in ("whole", "run")))


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a library's"),
        *(
            pytest.param(error, marks=pytest.mark.slow)
            for error in (
                MemoryError(),
                OSError(28, "No space left on device"),
                tf.errors.ResourceExhaustedError(None, None, "OOM"),
            )
        ),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_error_writes_a_checkpoint_first(
    tmp_path, monkeypatch, capsys, error
):
    config = _config(_folder(tmp_path / "data"), num_steps=6)
    _train(config, tmp_path / "whole")
    add = loop._Window.add

    def fail(self, count, means):
        add(self, count, means)
        taken.append(count)
        if len(taken) == 3:
            raise error

    taken: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(loop._Window, "add", fail)
        with pytest.raises(type(error)):
            _train(config, tmp_path / "run")
    assert newest(tmp_path / "run") == 3
    assert "Wrote a checkpoint of step 3" in capsys.readouterr().out
    assert _train(config, tmp_path / "run").step == 6
    _assert_same(*(values_of(tmp_path / n, 6) for n in ("whole", "run")))


def test_weights_that_are_not_finite_are_not_kept(tmp_path, monkeypatch):
    config = _config(_folder(tmp_path / "data"), num_steps=6)

    def spoil(run, *arguments):
        weight = run.parts.model.weights[0]
        weight.assign(weight * np.nan)
        raise RuntimeError("a library's")

    monkeypatch.setattr(loop, "_do_what_is_due", spoil)
    with pytest.raises(RuntimeError, match="a library's"):
        _train(config, tmp_path / "run")
    assert newest(tmp_path / "run") == 0
