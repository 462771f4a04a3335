"""Systems by name through the library's own ways: train, load, upscale."""

import dataclasses

import numpy as np
import pytest
import small_runs

from crossnet_tf import images
from crossnet_tf.baselines import registry
from crossnet_tf.config import ModelConfig
from crossnet_tf.model.base import System
from crossnet_tf.ops import quantization, resizing
from crossnet_tf.pairs import crops, datasets
from crossnet_tf.storage import runs
from crossnet_tf.training import loop
from crossnet_tf.upscaling.files import upscale


def _use_small_data(monkeypatch):
    monkeypatch.setattr(crops, "train_dataset", small_runs.train_dataset)
    monkeypatch.setattr(datasets, "test_pairs", small_runs.test_pairs)


@pytest.fixture
def data(monkeypatch):
    """The made-up pictures, with the real systems."""
    _use_small_data(monkeypatch)


def _config(system: str, **train):
    settings = small_runs.small_config(**train)
    model = ModelConfig(system=system, width=8)
    return dataclasses.replace(settings, model=model)


def test_a_system_trains_and_comes_back(data, tmp_path):
    run_dir = tmp_path / "run"
    result = loop.train(_config("srcnn"), run_dir)
    assert result.step == 4
    assert np.isfinite(result.best_psnr)
    model, saved = runs.load_model(run_dir)
    assert saved.model.system == "srcnn"
    assert type(model) is registry.REGISTRY["srcnn"].build


def test_nothing_to_learn_rejects(data, tmp_path):
    with pytest.raises(ValueError, match="`system` must be one .*'bicubic'"):
        loop.train(_config("bicubic"), tmp_path / "run")


def test_training_minimises_the_systems_objective(data, tmp_path, monkeypatch):
    """A negative objective makes the picture worse, step by step."""
    objective = System.objective
    seen = []

    def negated(model, inputs, outputs, hr, progress):
        seen.append(progress)
        return -objective(model, inputs, outputs, hr, progress)

    monkeypatch.setattr(System, "objective", negated)
    good = loop.train(_config("srcnn"), tmp_path / "bad").best_psnr
    monkeypatch.undo()
    assert seen
    _use_small_data(monkeypatch)
    assert loop.train(_config("srcnn"), tmp_path / "good").best_psnr > good


def test_upscale_by_name(tmp_path, rng):
    files = {}
    for name, size in (("lr", 16), ("ref", 64)):
        files[name] = tmp_path / f"{name}.png"
        picture = rng.random((size, size, 3)).astype(np.float32)
        images.write_image(files[name], picture)
    output = tmp_path / "sr.png"
    upscale("bicubic-x4", files["lr"], files["ref"], output)
    lr = images.read_image(files["lr"])
    expected = quantization.quantize(np.asarray(resizing.upscale_cubic(lr, 4)))
    actual = images.read_image(output)
    np.testing.assert_allclose(actual, expected, atol=1.01 / 255)
    assert np.mean(actual != expected) < 0.01
