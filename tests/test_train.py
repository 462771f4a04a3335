"""The command: one line for each mistake, and a whole journey."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import small_runs
import tensorflow as tf

from crossnet_tf import cli, evaluate, images, train, upscale
from crossnet_tf.ops import resizing
from crossnet_tf.pairs import crops, motorcycle
from crossnet_tf.storage import runs
from crossnet_tf.training import loop

HELPERS = pathlib.Path(__file__).resolve().parent / "helpers"
FLAGS = (
    "--preset=paper", "--upsampler=bicubic", "--flow_width=8", "--width=8",
    "--batch_size=4", "--crop_height=32", "--crop_width=48", "--num_steps=4",
    "--schedule=cosine", "--log_every=2", "--eval_every=2",
    "--checkpoint_every=2",
)  # fmt: skip


def _command(command, *argv) -> int:
    with pytest.raises(SystemExit) as exit_info:
        cli.run(command.main, command.FLAGS, [command.__name__, *argv])
    return exit_info.value.code


def _train(run_dir, *more) -> int:
    # A batch that two devices can share: the tests have two.
    return _command(train, f"--run_dir={run_dir}", *FLAGS, *more)


def _error(capsys) -> str:
    lines = capsys.readouterr().err.splitlines()
    errors = [line for line in lines if line.startswith("Error: ")]
    assert len(errors) == 1, lines
    assert not any("Traceback" in line for line in lines)
    return errors[0]


@pytest.fixture
def small(monkeypatch):
    small_runs.use_small(monkeypatch)


def test_command_trains_and_goes_on(small, tmp_path, capsys):
    assert _train(tmp_path / "run") == 0
    settings = runs.load_config(tmp_path / "run")
    assert settings.train.num_steps == 4
    assert settings.model.width == 8
    assert _train(tmp_path / "run") == 0
    assert "is finished: 4 steps" in capsys.readouterr().out


def test_stopped_command_says_how_to_go_on(
    small, tmp_path, capsys, monkeypatch
):
    result = loop.Result(3, 20.0, signal.SIGTERM)
    monkeypatch.setattr(loop, "train", lambda *_: result)
    assert _train(tmp_path) == 143
    assert "Stopped at step 3; the same command" in capsys.readouterr().out


def test_another_network_ends_in_one_line(small, tmp_path, capsys):
    runs.save_config(small_runs.small_config(), tmp_path)
    assert _train(tmp_path, "--width=16") == 1
    assert "width (saved 8, given 16)" in _error(capsys)


def test_damaged_config_ends_in_one_line(small, tmp_path, capsys):
    (tmp_path / "config.json").write_text("{")
    assert _train(tmp_path) == 1
    assert str(tmp_path / "config.json") in _error(capsys)


def test_loss_that_is_not_finite_ends_in_one_line(
    small, tmp_path, capsys, monkeypatch
):
    def spoil(*arguments):
        good = small_runs.train_dataset(*arguments)
        return good.map(lambda inputs, hr: (inputs, hr / 0.0))

    monkeypatch.setattr(crops, "train_dataset", lambda *a, **_: spoil(*a))
    assert _train(tmp_path) == 1
    line = _error(capsys)
    assert "not finite at step 1" in line
    assert "--learning_rate" in line


def test_directory_that_cannot_be_made_ends_in_one_line(
    small, tmp_path, capsys
):
    (tmp_path / "file").touch()
    assert _train(tmp_path / "file" / "run") == 1
    assert "file" in _error(capsys)


def test_crops_larger_than_the_pictures_end_in_one_line(
    small, tmp_path, capsys, monkeypatch
):
    monkeypatch.undo()
    code = _train(
        tmp_path / "run", "--dataset=motorcycle", "--crop_height=2048"
    )
    assert code == 1
    assert "2048" in _error(capsys)
    assert not list(tmp_path.iterdir())


def test_journey_with_the_real_network(tmp_path, capsys):
    """Trains, evaluates and upscales the real pair."""
    run_dir = tmp_path / "run"
    real = (
        "--dataset=motorcycle", "--random_crop", "--num_steps=2",
        "--strategy=one_device",
    )  # fmt: skip
    assert _train(run_dir, *real, "--picture_every=2") == 0
    assert "Step 2: held-out PSNR" in capsys.readouterr().out

    left, right, _ = motorcycle.motorcycle()
    hr, ref = (np.float32(image[:64, :96]) / 255 for image in (left, right))
    images.write_image(tmp_path / "lr.png", np.asarray(resizing.make_lr(hr, 4)))
    images.write_image(tmp_path / "ref.png", ref)
    files = {name: tmp_path / f"{name}.png" for name in ("lr", "ref", "output")}
    code = _command(
        upscale,
        f"--run_dir={run_dir}",
        *(f"--{name}={path}" for name, path in files.items()),
        *("--align=none", "--match=none"),  # The network alone.
    )
    assert code == 0
    model, settings = runs.load_model(run_dir)
    inputs = {n: images.read_image(files[n])[None] for n in ("lr", "ref")}
    sr = np.clip(model(inputs)["sr"][0], 0, 1)
    written = images.read_image(files["output"])
    np.testing.assert_allclose(written, sr, atol=0.51 / 255)

    assert settings.data.dataset == "motorcycle"
    code = _command(
        evaluate, f"--run_dir={run_dir}", f"--report_dir={tmp_path / 'report'}"
    )
    assert code == 0
    assert "`motorcycle`" in (tmp_path / "report" / "report.md").read_text()


def _start(script: str, *argv, **environment) -> subprocess.Popen:
    """A process of its own that trains the small network."""
    code = (
        f"import sys; sys.path.insert(0, {str(HELPERS)!r})\n"
        "import pytest, small_runs\n"
        "small_runs.use_small(pytest.MonkeyPatch())\n"
        "from crossnet_tf import training\n"
        f"{script}"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, argv)],
        cwd=HELPERS.parents[1],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


_TRAIN = (
    "settings = small_runs.small_config(\n"
    "    num_steps=int(sys.argv[2]), eval_every=1000, picture_every=1000,\n"
    "    checkpoint_every=1, ema_decay=0.9)\n"
    "training.train(settings, sys.argv[1])\n"
)


def _values(run_dir, step):
    reader = tf.train.load_checkpoint(str(run_dir / f"checkpoints/ckpt-{step}"))
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if not name.startswith("_")
    }


@pytest.mark.slow
def test_kill_at_any_moment_does_no_harm(tmp_path, rng):
    whole = _start(_TRAIN, tmp_path / "whole", 60)
    assert whole.wait(600) == 0
    killed = tmp_path / "killed"
    for delay in rng.random(4):
        process = _start(_TRAIN, killed, 60)
        before = {path.name for path in killed.glob("checkpoints/*.index")}
        while process.poll() is None:
            now = {path.name for path in killed.glob("checkpoints/*.index")}
            if now != before:
                time.sleep(delay)
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.01)
        process.communicate()
    last = _start(_TRAIN, killed, 60)
    output, _ = last.communicate(timeout=600)
    assert last.returncode == 0, output
    assert "Going on from step" in output or "is finished" in output
    one, two = _values(tmp_path / "whole", 60), _values(killed, 60)
    assert set(one) == set(two)
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], name)


@pytest.mark.slow
def test_two_workers_agree_with_one(tmp_path):
    sockets = [socket.socket() for _ in range(2)]
    for item in sockets:
        item.bind(("127.0.0.1", 0))
    workers = [f"127.0.0.1:{item.getsockname()[1]}" for item in sockets]
    for item in sockets:
        item.close()
    for steps in (2, 4):
        processes = [
            _start(
                _TRAIN,
                tmp_path / "run",
                steps,
                TF_CONFIG=json.dumps(
                    {
                        "cluster": {"worker": workers},
                        "task": {"type": "worker", "index": index},
                    }
                ),
            )
            for index in range(2)
        ]
        outputs = [process.communicate(timeout=600)[0] for process in processes]
        assert [p.returncode for p in processes] == [0, 0], outputs
    assert "Going on from step 2" in outputs[0]
    assert "Going on" not in outputs[1]
    values = _values(tmp_path / "run", 4)
    assert values["step/.ATTRIBUTES/VARIABLE_VALUE"] == 4
    assert all(np.isfinite(value).all() for value in values.values())
