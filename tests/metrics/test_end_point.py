"""End-point error against distances by hand."""

import numpy as np
import pytest

from crossnet_tf import metrics


def test_end_point_error_by_hand():
    flow = np.zeros((2, 3, 2), np.float32)
    truth = np.zeros((2, 3, 3), np.float32)
    truth[0, 0] = 3, 4, 1  # 5 px off
    truth[0, 1] = 0, 0, 1
    truth[1, 1] = 100, 100, 0  # unknown
    assert metrics.end_point_error(flow, truth) == pytest.approx(2.5)


def test_end_point_error_of_nothing_known():
    flow, truth = np.zeros((2, 3, 2)), np.zeros((2, 3, 3))
    assert np.isnan(metrics.end_point_error(flow, truth))


@pytest.mark.parametrize("shape", [(2, 3, 2), (3, 2, 3), (2, 3)])
def test_end_point_error_rejects(shape):
    with pytest.raises(ValueError, match=r"`flow`.*truth.shape"):
        metrics.end_point_error(np.zeros((2, 3, 2)), np.zeros(shape))
