"""The same weights with and without the hold on LR."""

import numpy as np
import pytest
from small_network import build_small_model

from crossnet_tf import config
from crossnet_tf.baselines.registry import build_model
from crossnet_tf.upscaling import networks


def test_without_hold_all_else_is_the_same(rng):
    settings = config.model_config("quick", scale=4)
    assert settings.back_projection
    model = build_model(settings)
    pair = {
        "lr": rng.random((1, 16, 16, 3), np.float32),
        "ref": rng.random((1, 64, 64, 3), np.float32),
    }
    held = model(pair)["sr"].numpy()
    free = networks.without_hold(model)(pair)["sr"].numpy()
    assert np.abs(held - free).max() > 1e-3
    model.fusion.holding = None
    np.testing.assert_allclose(free, model(pair)["sr"], atol=1e-6)


@pytest.mark.parametrize("system", ["lite", "small"])
def test_network_that_holds_nothing_is_left_identity(system):
    settings = config.model_config("lite", scale=4)
    if system == "small":
        model = build_small_model(settings)
    else:
        model = build_model(settings)
    assert networks.without_hold(model) is model
