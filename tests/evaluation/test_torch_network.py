"""The layers in PyTorch that speeds are compared with."""

import math

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
    pytest.importorskip("torch")
    size = {"preset": "official", "height": 64, "width": 64}
    peers.torch_call(form, **size, precision="float32", train=True)()
