"""A preparation that is killed, as by the kernel when memory runs out."""

import signal
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds

from crossnet_tf.data import unfinished
from crossnet_tf.data.stereo_folder import (
    stereo_folder_dataset_builder as stereo,
)
from crossnet_tf.pairs import prepared

SCENES = 10
COMMAND = """
import os, signal, sys
import tensorflow_datasets as tfds
from crossnet_tf.data import light_field
from crossnet_tf.data.stereo_folder import (
    stereo_folder_dataset_builder as stereo,
)

folder, owner, name, calls = sys.argv[1:]
owner = {"light_field": light_field, "info": tfds.core.DatasetInfo}[owner]
function, left = getattr(owner, name), int(calls)

def then_die(*args, **kwargs):
    global left
    result, left = function(*args, **kwargs), left - 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(owner, name, then_die)
stereo.Builder(data_dir=f"{folder}/out").download_and_prepare(
    download_config=tfds.download.DownloadConfig(manual_dir=f"{folder}/in")
)
"""


@pytest.mark.parametrize(
    "moment",
    [
        # After half of the scenes; after all is written, before TFDS gives
        # the temporary directory its name.
        ("light_field", "make_example", "5"),
        ("info", "write_to_directory", "1"),
    ],
)
def test_killed_preparation_leaves_nothing_complete(
    root, tmp_path, rng, moment
):
    for number in range(SCENES):
        folder = tmp_path / "in" / f"scene{number}"
        folder.mkdir(parents=True)
        for name in "LR":
            pixels = rng.integers(0, 256, (6, 10, 3), np.uint8)
            PIL.Image.fromarray(pixels).save(folder / f"{name}.png")
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMMAND, tmp_path, *moment],
        cwd=root,
        capture_output=True,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    out = tmp_path / "out"
    assert list(out.glob("stereo_folder/incomplete*"))
    with pytest.raises(FileNotFoundError, match="is not prepared"):
        prepared.find_prepared("stereo_folder", str(out))
    builder = stereo.Builder(data_dir=str(out))
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=str(tmp_path / "in")
        )
    )
    source = prepared.PreparedLightFields("stereo_folder", str(out))
    found = [len(list(source.examples(s))) for s in ("train", "test")]
    assert found == [SCENES - 1, 1]
    # What the killed one left is gone.
    assert not list(out.glob("stereo_folder/incomplete*"))


def test_only_what_is_unfinished_is_removed(tmp_path):
    left = tmp_path / "lf" / "incomplete.AB12CD_1.0.0"
    kept = [
        tmp_path / "lf" / name
        for name in ("1.0.0", "incomplete", "incomplete.mine", "other")
    ]
    for path in (left, *kept):
        path.mkdir(parents=True)
        (path / "file").touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / "lf" / "incomplete.AB12CE_1.0.0"
    link.symlink_to(elsewhere)
    with unfinished.alone(str(tmp_path / "lf" / "1.0.0")):
        assert not left.exists()
    assert all((path / "file").exists() for path in kept)
    assert link.exists()


def test_what_another_process_writes_stays(tmp_path):
    theirs = tmp_path / "lf" / "incomplete.AB12CD_1.0.0"
    data_dir = str(tmp_path / "lf" / "1.0.0")
    with unfinished.alone(data_dir):
        theirs.mkdir()
        with unfinished.alone(data_dir):
            assert theirs.exists()
    with unfinished.alone(data_dir):
        assert not theirs.exists()
