"""Windows has neither `fcntl` nor `resource`: every command works without."""

import os
import subprocess
import sys

import numpy as np
import pytest

from crossnet_tf import images
from crossnet_tf.cli import program

HIDDEN = (
    "import sys, filelock, psutil  # these know other ways on Windows\n"
    "for name in ('fcntl', 'resource'):\n"
    "    sys.modules[name] = None\n"
)


def _run(root, tmp_path, code: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", HIDDEN + code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )


def test_every_command_and_what_it_loads(root, tmp_path):
    """Help of each, then each module behind the commands."""
    done = _run(
        root,
        tmp_path,
        "import importlib, pathlib\n"
        "from crossnet_tf.cli import program\n"
        "for name in program.COMMANDS:\n"
        "    try: program.main(['crossnet', *name.split(), '--help'])\n"
        "    except SystemExit as ended: assert ended.code == 0, name\n"
        "import crossnet_tf.training.loop, crossnet_tf.evaluation.compare\n"
        "import crossnet_tf.evaluation.timing, crossnet_tf.upscaling.clips\n"
        "import crossnet_tf.export.graph.saving\n",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("Flags of this command") == len(program.COMMANDS)


@pytest.mark.parametrize("name", ["upscale", "train"])
def test_a_real_one(root, tmp_path, rng, name):
    images.write_image(tmp_path / "lr.png", rng.random((16, 24, 3)))
    images.write_image(tmp_path / "ref.png", rng.random((64, 96, 3)))
    flags = {
        "upscale": "--weights=bicubic-x4 --lr=lr.png --ref=ref.png "
        "--output=out.png --align=none --match=none",
        "train": "--run_dir=run --dataset=motorcycle --preset=paper "
        "--upsampler=bicubic --flow_width=8 --width=8 --batch_size=1 "
        "--crop_height=32 --crop_width=48 --num_steps=1 --eval_every=9 "
        "--schedule=cosine",
    }[name]
    done = _run(
        root,
        tmp_path,
        "from crossnet_tf.cli import program\n"
        f"program.main(['crossnet', {name!r}, *{flags.split()!r}])\n",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    if name == "upscale":
        assert np.isfinite(images.read_image(tmp_path / "out.png")).all()
    else:
        assert (tmp_path / "run" / "checkpoints").is_dir()
