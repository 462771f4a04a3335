"""Run directories: settings, which weights count, what is refused."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_network import build_small_model

from crossnet_tf import config
from crossnet_tf.storage import checkpoints, runs, weight_files


@pytest.fixture(autouse=True)
def _small_networks(monkeypatch):
    monkeypatch.setattr(runs, "build_model", build_small_model)


def _model(value: float):
    """A network whose weights are all `value`."""
    model = build_small_model(config.ModelConfig())
    for weight in model.weights:
        weight.assign(tf.fill(weight.shape, value))
    return model


def _value(model) -> float:
    values = np.concatenate([w.numpy().ravel() for w in model.weights])
    assert (values == values[0]).all()
    return float(values[0])


def _keeper(run_dir, keep=3, **values):
    state = {name: _model(value) for name, value in values.items()}
    return checkpoints.Checkpoints(run_dir, keep, state)


@pytest.fixture
def run_dir(tmp_path, tiny_config):
    runs.save_config(tiny_config, tmp_path)
    return tmp_path


def test_config_roundtrip(run_dir, tiny_config):
    assert runs.load_config(run_dir) == tiny_config
    assert [path.name for path in run_dir.iterdir()] == ["config.json"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[]", "must be a JSON object"),
        ("null", "must be a JSON object"),
        ("[" * 100_000, "config.json"),
        ('{"model": []}', "must be a mapping"),
        ('{"modell": {}}', "modell"),
        ('{"model": {"depth": 3}}', "depth"),
        ('{"model": {"scale": "4"}}', "scale='4'"),
        ('{"model": {"scale": 3}}', "scale=3"),
        ('{"model": {"width": 1000000000}}', "width=1000000000"),
        ('{"train": {"learning_rate": NaN}}', "learning_rate=nan"),
        ('{"train": {"decay_steps": 5}}', "decay_steps=5"),
        (b"\xff\xfe\x00", "config.json"),
        (" " * 2_000_000, "too large"),
    ],
)
def test_config_rejects(tmp_path, text, expected):
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "config.json").write_bytes(data)
    with pytest.raises(ValueError, match=r"config\.json") as info:
        runs.load_config(tmp_path)
    assert expected in str(info.value)


def test_missing_config_rejects(tmp_path):
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        runs.load_config(tmp_path)


def test_another_network_lists_what_differs():
    saved = config.ModelConfig()
    given = dataclasses.replace(saved, scale=8, width=32)
    with pytest.raises(ValueError, match="another network") as info:
        runs.check_same_model(saved, given)
    assert "scale (saved 4, given 8); width (saved 64, given 32)." in str(
        info.value
    )
    runs.check_same_model(saved, config.ModelConfig())


@pytest.mark.parametrize("source", ["", "no_such_name", "/no/such/dir"])
def test_unknown_source_rejects(source):
    with pytest.raises(FileNotFoundError, match="shipped weights"):
        runs.load_model(source)


def test_run_without_checkpoint_rejects(run_dir):
    with pytest.raises(FileNotFoundError, match="no checkpoint yet"):
        runs.load_model(run_dir)


def test_best_weights_count(run_dir, tiny_config):
    _keeper(run_dir, model=1.0).save_best(1)
    _keeper(run_dir, model=2.0).save(2)
    model, settings = runs.load_model(run_dir)
    assert settings == tiny_config
    assert _value(model) == 1.0


def test_last_weights_count_without_best(run_dir):
    keeper = _keeper(run_dir, model=1.0)
    keeper.save(9)
    _keeper(run_dir, model=2.0).save(10)
    assert _value(runs.load_model(run_dir)[0]) == 2.0


@pytest.mark.parametrize("method", ["save", "save_best"])
def test_averaged_weights_count(run_dir, method):
    keeper = _keeper(run_dir, model=1.0, average=2.0)
    getattr(keeper, method)(1)
    assert _value(runs.load_model(run_dir)[0]) == 2.0


def test_folder_of_weights_is_loaded(tmp_path, monkeypatch, tiny_config):
    monkeypatch.setattr(runs, "_SHIPPED", tmp_path)
    folder = tmp_path / "mine"
    weight_files.save_weights(_model(3.0), tiny_config, folder)
    assert runs.shipped() == ["mine"]
    for source in (folder, "mine"):
        model, settings = runs.load_model(source)
        assert settings == tiny_config
        assert _value(model) == 3.0


def test_precision_is_that_asked_for(run_dir, monkeypatch):
    seen = []

    def build(settings):
        seen.append(keras.config.dtype_policy().name)
        return build_small_model(settings)

    monkeypatch.setattr(runs, "build_model", build)
    _keeper(run_dir, model=1.0).save(1)
    runs.load_model(run_dir, "mixed_bfloat16")
    assert seen == ["mixed_bfloat16"]
    assert keras.config.dtype_policy().name == "float32"


def test_copy_weights_lists_what_does_not_fit():
    source, target = _model(1.0), _model(0.0)
    runs.copy_weights(source, target)
    assert _value(target) == 1.0
    other = keras.Sequential(
        [
            keras.layers.Conv2D(4, 3, name="flow_head"),
            keras.layers.Dense(1, name="other"),
        ]
    )
    other.build((1, 8, 8, 6))
    with pytest.raises(ValueError, match="8 weights do not fit") as info:
        runs.copy_weights(source, other)
    assert "flow_head/bias ((2,), (4,) wanted)" in str(info.value)
    assert "fuse1/bias ((3,), none wanted)" in str(info.value)
    assert "other/bias (none, (1,) wanted)" in str(info.value)


def test_copy_weights_takes_parts_only():
    source, target = _model(1.0), _model(0.0)
    names = [weight.path for weight in target.weights]
    part = names[0].split("/")[-2]
    runs.copy_weights(source, target, (part,))
    for name, weight in zip(names, target.weights):
        taken = name.split("/")[-2] == part
        assert (weight.numpy() == float(taken)).all(), name
    with pytest.raises(ValueError, match="Received: .'nothing'"):
        runs.copy_weights(source, target, ("nothing",))


def test_saved_config_is_readable_json(run_dir, tiny_config):
    values = json.loads((run_dir / "config.json").read_text())
    assert values["data"]["crop_height"] == tiny_config.data.crop_height
