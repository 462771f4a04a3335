"""Optical flow of OpenCV as a system."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.baselines import registry
from crossnet_tf.config import ModelConfig
from crossnet_tf.ops import resizing

pytest.importorskip("cv2", reason="extra `opencv` is not installed")


def _pair() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """HR, and inputs: LR and a REF that is HR moved by (3, -2) pixels."""
    rng = np.random.default_rng(1)
    noise = rng.random((1, 136, 136, 3)).astype(np.float32)
    coarse = tf.image.resize(noise[:, ::8, ::8], (136, 136), "bicubic")
    picture = 0.7 * coarse + 0.3 * tf.nn.avg_pool2d(noise, 3, 1, "SAME")
    picture = np.clip(picture, 0, 1)
    hr, ref = picture[:, 4:132, 4:132], picture[:, 6:134, 1:129]
    lr = resizing.make_lr(hr, 4).numpy()
    return hr, {"lr": lr, "ref": ref}


def _model(scale: int = 4):
    return registry.build_model(ModelConfig(system="dis", scale=scale))


def _error(image, hr) -> float:
    middle = np.s_[:, 16:-16, 16:-16]
    return float(np.mean(np.square(np.asarray(image)[middle] - hr[middle])))


def test_it_finds_a_shift():
    hr, inputs = _pair()
    outputs = _model()(inputs)
    flow = np.asarray(outputs["flows"][0])[:, 16:-16, 16:-16]
    np.testing.assert_allclose(np.median(flow, (0, 1, 2)), [3, -2], atol=0.1)
    assert _error(outputs["sr"], hr) < 0.2 * _error(outputs["lr_up"], hr)


def test_another_picture_counts_for_little():
    hr, inputs = _pair()
    other = np.random.default_rng(2).random(hr.shape).astype(np.float32)
    outputs = _model()({"lr": inputs["lr"], "ref": other})
    detail = np.square(np.asarray(outputs["sr"] - outputs["lr_up"]))
    assert np.mean(detail) < 0.5 * np.var(other)


def test_as_a_graph_agrees():
    _, inputs = _pair()
    model = _model()
    inputs = {name: np.tile(x, (2, 1, 1, 1)) for name, x in inputs.items()}
    outputs = tf.function(model)(inputs)
    for name in ("sr", "lr_up"):
        np.testing.assert_allclose(
            outputs[name], model(inputs)[name], atol=1e-5
        )


def test_without_opencv_rejects(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ValueError, match=r"OpenCV.*crossnet_tf\[opencv\]"):
        _model()
