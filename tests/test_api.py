"""What `import crossnet_tf` gives, and what a loaded network does."""

import doctest
import subprocess
import sys

import numpy as np
import pytest
import skimage.data
import small_runs

import crossnet_tf
from crossnet_tf import api, config, images
from crossnet_tf.alignment import registration
from crossnet_tf.images import reading, writing
from crossnet_tf.model import crossnet
from crossnet_tf.upscaling.inputs import Inputs

REF = skimage.data.astronaut()[:64, 160:256]
LR = np.uint8(REF.reshape(16, 4, 24, 4, 3).mean((1, 3)))


@pytest.fixture
def up(tmp_path, monkeypatch):
    small_runs.use_small(monkeypatch)
    small_runs.make_run(tmp_path / "run")
    return crossnet_tf.load(tmp_path / "run", align="none", match="none")


def test_import_is_quick_and_without_tensorflow():
    program = (
        "import sys, time; begin = time.perf_counter(); import crossnet_tf; "
        "took = time.perf_counter() - begin; "
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules); "
        "print(took)"
    )
    took = min(
        float(
            subprocess.run(
                [sys.executable, "-c", program],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for _ in range(3)
    )
    assert took < 0.2


def test_every_name_is_there():
    for name in crossnet_tf.__all__:
        assert getattr(crossnet_tf, name) is not None
        assert name in dir(crossnet_tf)
    assert not hasattr(crossnet_tf, "no_such_name")


@pytest.mark.parametrize(
    ("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1),
                       (np.float64, 1)],
)  # fmt: skip
def test_the_same_kind_comes_back(up, dtype, top):
    lr, ref = ((image / 255 * top).astype(dtype) for image in (LR, REF))
    sr = up(lr, ref)
    assert sr.dtype == dtype
    assert sr.shape == (64, 96, 3)
    expected = up(LR / np.float32(255), REF / np.float32(255))
    np.testing.assert_allclose(sr / top, expected, atol=0.01)


def test_arrays_agree_with_files(up, tmp_path):
    images.write_image(tmp_path / "lr.png", LR)
    images.write_image(tmp_path / "ref.png", REF)
    from_files = up(tmp_path / "lr.png", str(tmp_path / "ref.png"))
    np.testing.assert_array_equal(from_files, up(LR, REF))
    deep = np.uint16(LR) * 257
    images.write_image(tmp_path / "deep.png", deep, bit_depth=16)
    assert up(tmp_path / "deep.png", REF).dtype == np.uint16


@pytest.mark.parametrize("shape", [(16, 24), (16, 24, 1)])
def test_grey_stays_grey(up, shape):
    sr = up(LR[..., :1].reshape(shape), REF)
    assert sr.shape == (64, 96, *shape[2:])


def test_results_are_clipped(up):
    white = np.full((16, 24, 3), 255, np.uint8)
    assert up(white, np.zeros((64, 96, 3), np.uint8)).max() <= 255
    assert up(white / 255.0, REF).max() <= 1


def test_without_a_reference_the_upsampler_works(up):
    result = up.explain(LR, REF)
    alone = up(LR / np.float32(255))
    np.testing.assert_allclose(alone, np.clip(result.lr_up, 0, 1), atol=1e-6)


def test_explain_says_what_came_from_where(up):
    result = up.explain(LR, REF)
    np.testing.assert_array_equal(result.sr, up(LR, REF))
    assert result.flow.shape == (64, 96, 2)
    assert result.warped_ref.shape == result.ref.shape == (64, 96, 3)
    assert result.trust.shape == (64, 96)
    assert 0 < result.trust.min() <= result.trust.max() <= 1


def test_explain_rejects_systems_without_flow():
    with pytest.raises(ValueError, match="system='bicubic'"):
        crossnet_tf.load("bicubic-x4").explain(LR, REF)


@pytest.mark.parametrize(
    ("lr", "message"),
    [
        (np.zeros((16, 24, 4), np.uint8), r"`lr` must be.*\(16, 24, 4\)"),
        (np.zeros((16, 0, 3), np.uint8), r"`lr` must be"),
        (np.zeros((16, 24, 3), np.int64), "`lr` must be uint8.*int64"),
        (np.full((16, 24, 3), np.nan), "`lr` must be finite"),
    ],
)
def test_lr_rejects(up, lr, message):
    with pytest.raises(ValueError, match=message):
        up(lr, REF)


def test_missing_weights_reject():
    with pytest.raises(FileNotFoundError, match="no-such"):
        crossnet_tf.load("no-such")


def test_from_preset_makes_new_weights():
    model = crossnet_tf.CrossNet.from_preset(
        "paper", upsampler="bicubic", flow_width=8, width=8
    )
    assert model.config.width == 8
    assert model.weights
    with pytest.raises(ValueError, match="`preset` must be one of"):
        crossnet_tf.CrossNet.from_preset("none")


@pytest.mark.parametrize(
    "module",
    [api, config, crossnet, crossnet_tf, reading, registration, writing],
)
def test_examples_run(module):
    results = doctest.testmod(module)
    assert results.attempted
    assert not results.failed


def test_values_of_the_files_come_back(up, monkeypatch):
    """What matching did to both pictures, such as linear light, is undone."""
    plain, look = up(LR, REF), up.explain(LR, REF)

    def squared(lr, ref, *_):
        return Inputs(lr, ref, finished=lambda sr: np.clip(sr, 0, 1) ** 2)

    monkeypatch.setattr(api, "network_pair", squared)
    level = 1.01 / 255  # both are rounded
    expected = np.square(plain / 255.0)
    np.testing.assert_allclose(up(LR, REF) / 255.0, expected, atol=2 * level)
    again = up.explain(LR, REF)
    np.testing.assert_allclose(again.sr / 255.0, expected, atol=2 * level)
    for name in ("lr_up", "warped_ref", "ref"):
        before, after = getattr(look, name), getattr(again, name)
        expected = np.clip(before, 0, 1) ** 2
        np.testing.assert_allclose(after, expected, atol=1e-6)
