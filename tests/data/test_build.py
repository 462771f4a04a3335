"""`crossnet data build` prepares what `tfds build` does."""

import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds

from crossnet_tf import cli
from crossnet_tf.data import build
from crossnet_tf.pairs import prepared


def _run(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_info:
        cli.run(build.main, build.FLAGS, ["build", *arguments])
    captured = capsys.readouterr()
    return exit_info.value.code, captured.out, captured.err


@pytest.fixture
def pairs(tmp_path, rng):
    """Three scenes of two pictures; one picture is none."""
    for scene in "abc":
        folder = tmp_path / "in" / scene
        folder.mkdir(parents=True)
        for name in "LR":
            pixels = rng.integers(0, 256, (6, 10, 3), np.uint8)
            PIL.Image.fromarray(pixels).save(folder / f"{name}.png")
    (tmp_path / "in" / "b" / "R.png").write_bytes(b"<html>Sign in</html>")
    return tmp_path


def _flags(folder):
    return [
        "--dataset=stereo_folder",
        f"--manual_dir={folder / 'in'}",
        f"--data_dir={folder / 'out'}",
    ]


def test_one_bad_scene_is_left_out(pairs, capsys):
    code, out, err = _run(capsys, *_flags(pairs))
    assert code == 0
    assert "train: 1 scenes" in out
    assert "Left out `b`: Image `" in err
    found = prepared.find_prepared("stereo_folder", str(pairs / "out"))
    splits = tfds.builder_from_directory(str(found)).info.splits
    assert {name: s.num_examples for name, s in splits.items()} == {
        "train": 1,
        "test": 1,
    }


def test_strict_ends_at_a_bad_scene(pairs, capsys):
    code, _, err = _run(capsys, *_flags(pairs), "--strict")
    assert code == 1
    assert "R.png` must be a picture" in err.splitlines()[-1]
    with pytest.raises(FileNotFoundError, match="is not prepared"):
        prepared.find_prepared("stereo_folder", str(pairs / "out"))


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--dataset=flowers"], 2, "`--dataset` must be one of flower, "),
        (["--dataset=flower", "--config={"], 2, "`--config` must be JSON"),
        (["--dataset=flower", '--config={"x": 1}'], 2, "must be JSON"),
        (["--dataset=flower", "--manual_dir=none"], 1, "must be a folder"),
        ([], 2, "`--dataset` is required"),
    ],
)
def test_build_rejects(capsys, arguments, code, text):
    found, _, err = _run(capsys, *arguments)
    assert found == code
    assert text in err
