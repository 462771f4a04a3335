"""Weights for another system that shares parts."""

import numpy as np
import pytest

from crossnet_tf.baselines.registry import build_model
from crossnet_tf.config import model_config
from crossnet_tf.storage import fitting

SMALL = {"width": 8, "flow_width": 8, "upsampler": "bicubic"}


def _model(system: str):
    return build_model(model_config("paper", system=system, **SMALL))


@pytest.fixture(scope="module")
def crossnet():
    return _model("crossnet")


def test_image_warping_takes_all_of_crossnet(crossnet):
    other = _model("crossnet_iw")
    taken, missing = fitting.copy_fitting(crossnet, other)
    assert taken == len(crossnet.weights)
    assert not missing
    for ours, theirs in zip(other.weights, crossnet.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_flownet_s_takes_what_fits(crossnet):
    """Its coarsest step is wider, and it has none beyond 1/4."""
    other = _model("flownet_s")
    coarsest = other.flow_estimator.expanding[0].deconvolution.kernel.numpy()
    taken, missing = fitting.copy_fitting(crossnet, other)
    assert taken + len(missing) == len(other.weights)
    assert "flow_estimator/up5/deconvolution/kernel" in missing
    assert all(name.startswith("flow_estimator/") for name in missing)
    flow = other.flow_estimator
    kept = flow.expanding[0].deconvolution.kernel
    np.testing.assert_array_equal(kept, coarsest)
    np.testing.assert_array_equal(
        flow.contracting[5][1].kernel,
        crossnet.flow_estimator.contracting[5][1].kernel,
    )


def test_nothing_in_common_rejects(crossnet):
    with pytest.raises(ValueError, match="`init_fitting`.*none fits vdsr"):
        fitting.copy_fitting(crossnet, _model("vdsr"))
