"""The layers in PyTorch that speeds are compared with."""

import json
import math
import subprocess
import sys

import pytest

from crossnet_tf.baselines.registry import build_model
from crossnet_tf.config import model_config
from crossnet_tf.evaluation import peers, torch_network


@pytest.mark.parametrize("preset", peers.PRESETS)
def test_as_many_weights_as_ours(preset):
    config = model_config(preset, upsampler="bicubic", width=8, flow_width=8)
    ours = build_model(config).count_params()
    theirs = sum(
        math.prod(shape) + shape[1 if shape[2] == 4 else 0]
        for shape in torch_network.shapes(config).values()
    )
    assert theirs == ours


def test_released_network_agrees():
    torch = pytest.importorskip("torch")
    from torch_crossnet import CrossNet

    theirs = CrossNet(8).eval()
    config = model_config("official", width=8, flow_width=8)
    images = torch.rand(2, 1, 3, 64, 128)
    ours = torch_network.super_resolve(config, theirs.state_dict(), *images)
    assert torch.allclose(theirs(*images), ours, atol=1e-5)


@pytest.mark.parametrize("form", ["plain", "channels_last"])
def test_step_runs(form):
    _run_in_torch(form, 64, 64, train=True)


@pytest.mark.parametrize("train", [False, True])
def test_sizes_that_are_no_multiple_of_64(train):
    """They are padded, as ours are: `crossnet benchmark` takes them."""
    _run_in_torch("plain", 72, 40, train)


def _run_in_torch(form, height, width, train):
    """In a process of its own: beside TensorFlow a step may crash."""
    pytest.importorskip("torch")
    job = {
        "form": form,
        "preset": "official",
        "height": height,
        "width": width,
        "precision": "float32",
        "train": train,
    }
    done = subprocess.run(
        [sys.executable, "-m", peers.__name__, json.dumps(job)],
        input="\n",
        capture_output=True,
        text=True,
    )
    ready, seconds = done.stdout.splitlines()
    assert ready == "> ready"
    passed, processor = seconds.removeprefix("> ").split()
    assert float(passed) > 0
    assert float(processor) > 0


def test_padding_changes_nothing_at_multiples_of_64():
    torch = pytest.importorskip("torch")
    picture = torch.rand(1, 3, 64, 128)
    assert torch_network._padded(picture).equal(picture)
    padded = torch_network._padded(picture[..., :60, :100])
    assert padded.shape == (1, 3, 64, 128)
    assert padded[..., 60:, 99].equal(picture[..., 59:60, 99].expand(1, 3, 4))
