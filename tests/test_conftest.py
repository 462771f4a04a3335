"""Tests of what every other test relies on."""

import os
import pathlib
import subprocess
import sys
import warnings

import numpy as np
import pytest


def test_two_logical_devices():
    import tensorflow as tf

    assert len(tf.config.list_logical_devices("CPU")) == 2
    assert tf.distribute.MirroredStrategy().num_replicas_in_sync == 2


def test_conftest_does_not_load_tensorflow(root):
    code = "import sys, tests.conftest; sys.exit('tensorflow' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
    )


_drawn = []


@pytest.mark.parametrize("time", [1, 2])
def test_same_seed_in_each_test(time):
    import keras

    drawn = (np.random.rand(), float(keras.random.uniform(())))  # noqa: NPY002
    _drawn.append(drawn)
    assert _drawn[0] == drawn


def test_warnings_are_errors():
    with pytest.raises(UserWarning, match="beware"):
        warnings.warn("beware", stacklevel=1)


def test_prepared_data_are_hidden():
    assert not list(pathlib.Path(os.environ["TFDS_DATA_DIR"]).iterdir())


def test_tiny_pair_flow_identity(tiny_pair):
    dx, dy = tiny_pair.flow[0, 0, 0].astype(int)
    np.testing.assert_allclose(
        tiny_pair.hr[:, 2:, :-3], tiny_pair.ref[:, 2 + dy : 32 + dy, dx:]
    )
    assert tiny_pair.hr.std() > 0.1


def test_tiny_config_fits_tiny_pair(tiny_config, tiny_pair):
    data, scale = tiny_config.data, tiny_config.model.scale
    assert tiny_pair.hr.shape == (1, data.crop_height, data.crop_width, 3)
    assert data.crop_height != data.crop_width
    assert tiny_pair.lr.shape[1] * scale == data.crop_height
    assert tiny_pair.lr.shape[2] * scale == data.crop_width
