"""Layered pairs: their flow must tell the truth."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.pairs import layers

MARGIN = 10


def _pair(number: int, motion: float = 6.0) -> dict:
    y, x = np.mgrid[:68, :68].astype(np.float32)[..., None] / 9.0
    phase = np.arange(3, dtype=np.float32)
    textures = np.stack(
        [0.5 + 0.4 * np.sin(k * x + y + phase + k) for k in range(3)]
    )
    return layers.layered_pair(
        tf.constant(textures), MARGIN, tf.constant(motion), (number, 5)
    )


@pytest.mark.parametrize("number", range(4))
def test_flow_leads_from_hr_to_ref(number):
    pair = _pair(number)
    hr, ref, flow = (pair[name].numpy() for name in ("hr", "ref", "flow"))
    assert hr.shape == ref.shape == flow.shape == (48, 48, 3)
    warped = backward_warp(ref[None], flow[None, ..., :2])[0].numpy()
    rows, cols = np.mgrid[:48, :48]
    x, y = cols + flow[..., 0], rows + flow[..., 1]
    inside = (x >= 0) & (x <= 47) & (y >= 0) & (y <= 47)
    seen = inside & (flow[..., 2] == 1)
    assert seen.mean() > 0.5
    error = np.abs(warped - hr)[seen].mean()
    # Edges between layers are mixed twice: a few pixels differ.
    assert error < 0.02
    assert error < 0.5 * np.abs(ref - hr)[seen].mean()


def test_motion_bounds_the_flow():
    longest = [np.abs(_pair(i, 4.0)["flow"][..., :2]).max() for i in range(8)]
    assert max(longest) < 4.0 * (1 + 4 * layers.BENDING)
    assert max(longest) > 1.0
    still = np.abs(_pair(0, 0.0)["flow"][..., :2]).max()
    assert still < 0.1


def test_seed_makes_the_pair():
    np.testing.assert_array_equal(_pair(3)["hr"], _pair(3)["hr"])
    assert np.abs(_pair(3)["flow"] - _pair(4)["flow"]).max() > 0.01


def test_hidden_counts_layers_above():
    mattes = tf.constant([[[1.0, 0.0, 0.9], [1.0, 0.8, 0.1]]])
    hidden = [layers._hidden(mattes, i)[0, :, 0].numpy() for i in range(3)]
    assert np.array_equal(hidden, [[1, 1], [1, 0], [0, 0]])
