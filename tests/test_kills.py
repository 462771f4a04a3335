"""Fifty kills of a training, ten each of what else takes long: nothing lost.

At random moments, half of a training's by SIGTERM. What was finished stays,
the same command goes on, and the end is that of a run that nobody disturbed:
weights to the bit, files to the byte.
"""

import csv
import pathlib
import shutil
import signal
import time
from collections.abc import Callable

import numpy as np
import PIL.Image
import pytest
import small_training
import tiny_light_fields as tiny
from killable import Running, command
from small_training import KINDS

LIMIT = 300.0


def _pictures(folder: pathlib.Path, count: int, sizes: dict) -> None:
    """Folders of noise, by their names and the pictures' sizes."""
    generator = np.random.default_rng(0)
    for kind, size in sizes.items():
        (folder / kind).mkdir(parents=True)
        for number in range(count):
            pixels = generator.integers(256, size=[*size, 3], dtype=np.uint8)
            path = folder / kind / f"{number:02}.png"
            PIL.Image.fromarray(pixels).save(path)


def _kill(
    process: Running,
    done: Callable[[], int],
    rng: np.random.Generator,
    number: int = signal.SIGKILL,
) -> bool:
    """Ends a process at a random moment; False: it was done before.

    The moment is up to two things after those that are done, and a little
    later; or before anything new, while it starts.
    """
    more, begun = int(rng.integers(3)), time.monotonic()
    goal = done() + max(more, 1)
    limit = begun + (LIMIT if more else 2.0 * rng.random())
    while process.code is None and done() < goal:
        if time.monotonic() > limit:
            assert not more, process.text()
            break
        time.sleep(0.002)
    time.sleep(rng.random() * 0.02)
    process.send(number)
    process.wait(60)
    assert process.code is not None
    return process.code != 0


def _count_files(folder: pathlib.Path, pattern: str) -> Callable[[], int]:
    def count() -> int:
        try:
            return len(list(folder.glob(pattern)))
        except FileNotFoundError:  # gone in between
            return 0

    return count


def _assert_same_values(one: dict, two: dict) -> None:
    assert set(one) == set(two)
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], name)


def _train_with_kills(folder, rng, kills: int, steps: int, **settings) -> dict:
    """Kills a training; returns how often what happened."""
    settings = {
        "num_steps": steps,
        "checkpoint_every": 2,
        "keep_checkpoints": 1000,
        "eval_every": 1000,
        "picture_every": 1000,
        "ema_decay": 0.9,
        **settings,
    }
    whole = small_training.start(folder / "whole", **settings)
    assert (whole.wait(), whole.code)[1] == 0, whole.text()
    run_dir, counts = folder / "run", dict.fromkeys(("kills", "terms"), 0)
    saved = _count_files(run_dir, "checkpoints/*.index")
    newest = 0
    for kill in range(kills):
        number = (signal.SIGKILL, signal.SIGTERM)[kill % 2]
        process = small_training.start(run_dir, **settings)
        _kill(process, saved, rng, number)
        text = process.text()
        assert "Traceback" not in text
        assert process.code in (-number, 128 + number, 0), text
        before, newest = newest, small_training.newest(run_dir)
        assert newest >= before  # nothing that was saved is lost
        counts["terms" if kill % 2 else "kills"] += process.code != 0
    counts["at step"] = newest
    last = small_training.start(run_dir, **settings)
    assert (last.wait(), last.code)[1] == 0, last.text()
    _assert_same_values(
        small_training.values_of(folder / "whole", steps),
        small_training.values_of(run_dir, steps),
    )
    return counts


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_fifty_kills_of_trainings(tmp_path, rng, kind):
    """Ten for each kind of data."""
    _pictures(tmp_path / "data", 6, {"hr": (48, 64), "ref": (48, 64)})
    data = {
        "crop_height": 16,
        "crop_width": 24,
        "random_crop": True,
        "batch_size": 2,
        **KINDS[kind],
    }
    data["dataset"] = data["dataset"].format(folder=tmp_path / "data")
    if "synthetic_lf" in data["dataset"]:
        tiny.prepare(tmp_path / "prepared")
        data["data_dir"] = str(tmp_path / "prepared")
    counts = _train_with_kills(tmp_path, rng, 10, 40, eager=True, data=data)
    print(kind, counts)
    assert counts["kills"] + counts["terms"] >= 8


@pytest.mark.slow
def test_kills_of_a_training_in_graphs(tmp_path, rng):
    counts = _train_with_kills(tmp_path, rng, 6, 60)
    print(counts)


def _command_with_kills(
    module: str,
    argv: list[str],
    folder: pathlib.Path,
    done: Callable[[], int],
    rng: np.random.Generator,
    kills: int,
) -> list[int]:
    """Kills a command so often, then lets it end; what was done each time."""
    found = []
    for kill in range(kills + 1):
        output = folder / f"output-{kill}.txt"
        process = Running(command, (module, *argv), output)
        before = done()
        if kill < kills:
            assert _kill(process, done, rng), "it was done too early"
        else:
            assert (process.wait(), process.code)[1] == 0, process.text()
        assert done() >= before
        found.append(done())
    return found


def _bytes(folder: pathlib.Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


@pytest.mark.slow
def test_ten_kills_of_a_folder(tmp_path, rng):
    _pictures(tmp_path, 30, {"lr": (20, 24), "ref": (80, 96)})
    argv = ["--weights=crossnet-lite-x4", "--match=none"]
    argv += [f"--{kind}={tmp_path / kind}" for kind in ("lr", "ref")]
    argv += ["--skip_existing", "--align=none"]
    whole = Running(
        command,
        ("crossnet_tf.upscale", *argv, f"--output={tmp_path / 'whole'}"),
        tmp_path / "whole.txt",
    )
    assert (whole.wait(), whole.code)[1] == 0, whole.text()
    large = tmp_path / "large"
    done = _command_with_kills(
        "crossnet_tf.upscale",
        [*argv, f"--output={large}"],
        tmp_path,
        _count_files(large, "*.png"),
        rng,
        10,
    )
    print(done)
    assert _bytes(large) == _bytes(tmp_path / "whole")
    assert len(_bytes(large)) == 30


def _measured(report_dir: pathlib.Path) -> list[list[str]]:
    """All of the table but times and memory."""
    with (report_dir / "per_image.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    return [
        [v for name, v in row.items() if name not in ("seconds", "peak_mb")]
        for row in rows
    ]


@pytest.mark.slow
def test_ten_kills_of_a_comparison(tmp_path, rng):
    _pictures(tmp_path / "data", 20, {"hr": (80, 96), "ref": (80, 96)})
    argv = ["--weights=bicubic-x4,patchmatch-x4"]
    argv += [f"--dataset=folder:{tmp_path / 'data'}"]
    whole = Running(
        command,
        ("crossnet_tf.evaluate", *argv, f"--report_dir={tmp_path / 'whole'}"),
        tmp_path / "whole.txt",
    )
    assert (whole.wait(), whole.code)[1] == 0, whole.text()
    report_dir = tmp_path / "report"

    def done() -> int:
        path = report_dir / "records.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    found = _command_with_kills(
        "crossnet_tf.evaluate",
        [*argv, f"--report_dir={report_dir}"],
        tmp_path,
        done,
        rng,
        10,
    )
    print(found)
    assert _measured(report_dir) == _measured(tmp_path / "whole")


def _prepare(source: str, target: str) -> None:
    """As `tfds build data/stereo_folder` does it."""
    import tensorflow_datasets as tfds

    from crossnet_tf.data.stereo_folder import (
        stereo_folder_dataset_builder as stereo,
    )

    config = tfds.download.DownloadConfig(manual_dir=source)
    builder = stereo.Builder(data_dir=target)
    builder.download_and_prepare(download_config=config)


@pytest.mark.slow
def test_ten_kills_of_a_preparation(tmp_path, rng):
    for number in range(12):
        _pictures(tmp_path / "in", 1, {f"scene{number}": (60, 80)})
        folder = tmp_path / "in" / f"scene{number}"
        shutil.copy(folder / "00.png", folder / "L.png")
        (folder / "00.png").rename(folder / "R.png")

    def start(name: str) -> Running:
        arguments = (str(tmp_path / "in"), str(tmp_path / name))
        return Running(_prepare, arguments, tmp_path / f"{name}.txt")

    began = time.monotonic()
    whole = start("whole")
    assert (whole.wait(), whole.code)[1] == 0, whole.text()
    duration = time.monotonic() - began
    ready, killed = tmp_path / "out" / "stereo_folder" / "1.0.0", 0
    left = _count_files(ready.parent, "incomplete.*")
    most = 0
    while killed < 10:
        shutil.rmtree(ready, ignore_errors=True)
        began = time.monotonic()
        process = start("out")
        process.process.join(rng.random() * duration)
        process.send(signal.SIGKILL)
        process.wait(60)
        killed += process.code == -signal.SIGKILL
        if process.code == 0:  # the machine was quicker than before
            duration = time.monotonic() - began
        assert left() <= 1  # each takes away what the one before left
        most = max(most, left())
    print(killed)
    assert most == 1
    shutil.rmtree(ready, ignore_errors=True)
    last = start("out")
    assert (last.wait(), last.code)[1] == 0, last.text()
    assert not left()
    same = tmp_path / "whole" / "stereo_folder" / "1.0.0"
    one, two = _bytes(ready), _bytes(same)
    assert set(one) == set(two)
    records = [name for name in one if "tfrecord" in name]
    assert len(records) == 2
    assert all(one[name] == two[name] for name in records)


@pytest.mark.slow
def test_kills_of_cutting_pairs(tmp_path, rng):
    scene = tmp_path / "scenes" / "one"
    scene.mkdir(parents=True)
    wide = np.kron(rng.integers(256, size=[24, 40, 3]), np.ones([8, 8, 1]))
    for number in range(3):
        pixels = np.uint8(wide[:, 24 * number : 24 * number + 256])
        PIL.Image.fromarray(pixels).save(scene / f"{number}.png")
    argv = [f"--scenes={scene.parent}", "--size=64", "--count=40"]

    def cut(name: str) -> Running:
        more = (*argv, f"--output={tmp_path / name}")
        arguments = ("crossnet_tf.data.cut_pairs", *more)
        return Running(command, arguments, tmp_path / f"{name}.txt")

    whole = cut("whole")
    assert (whole.wait(), whole.code)[1] == 0, whole.text()
    unfinished = _count_files(tmp_path / ".out.incomplete" / "hr", "*.png")
    killed = 0
    while killed < 5:
        if _kill(cut("out"), unfinished, rng):
            killed += 1
            assert not (tmp_path / "out").exists()
        else:  # the machine was quicker than the kill
            shutil.rmtree(tmp_path / "out")
    last = cut("out")
    assert (last.wait(), last.code)[1] == 0, last.text()
    for kind in ("hr", "ref"):
        one, two = (_bytes(tmp_path / n / kind) for n in ("out", "whole"))
        assert one == two
        assert len(one) == 40
    assert not (tmp_path / ".out.incomplete").exists()
