"""Test pairs: their flow says where REF shows what HR shows, and which data."""

import numpy as np
import pytest

from crossnet_tf import config
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.pairs import datasets


def test_motorcycle_pair_has_its_flow():
    data = config.DataConfig(dataset="motorcycle")
    (pair,) = datasets.test_pairs(data, config.EvalConfig(), 8)
    assert pair.flow.shape == pair.hr.shape == (496, 736, 3)
    warped = backward_warp(pair.ref[None], pair.flow[None, ..., :2])[0]
    known = pair.flow[..., 2] > 0
    error = [
        np.abs(image - pair.hr)[known].mean() for image in (warped, pair.ref)
    ]
    assert error[0] < error[1] / 3


def test_a_mixture_needs_data_to_measure_on():
    data = config.DataConfig(dataset="synthetic_lf,motorcycle")
    with pytest.raises(ValueError, match="`eval_dataset` must name one"):
        datasets.test_pairs(data, config.EvalConfig(), 4)
    with pytest.raises(ValueError, match="`eval_dataset` must name one"):
        datasets.count_pairs(data, config.EvalConfig())
    own = config.EvalConfig(eval_dataset="motorcycle")
    assert datasets.count_pairs(data, own) == 1
