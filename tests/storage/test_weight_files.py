"""Folders of weights: what is written is read, what does not fit is refused."""

import hashlib
import os
import re

import numpy as np
import pytest
import safetensors.numpy
from small_network import build_small_model

from crossnet_tf import config
from crossnet_tf.baselines.registry import build_model
from crossnet_tf.storage import runs, weight_files


@pytest.fixture
def model():
    return build_small_model(config.ModelConfig())


@pytest.fixture
def folder(model, tmp_path):
    weight_files.save_weights(model, config.Config(), tmp_path / "weights")
    return tmp_path / "weights"


@pytest.fixture(params=["weights.safetensors", "weights.npz"])
def either(folder, request):
    """A folder of today's form, and one as it was before."""
    if request.param == "weights.npz":
        _rewrite(folder, _arrays(folder), "weights.npz")
    return folder


def _name(folder):
    return weight_files.weights_path(folder).name


def _rewrite(folder, arrays, name=None):
    """Changes the arrays, and the hashes to go with them."""
    name = name or _name(folder)
    (folder / "weights.safetensors").unlink(missing_ok=True)
    if name == "weights.npz":
        np.savez(folder / name, **arrays)
    else:
        (folder / name).write_bytes(safetensors.numpy.save(arrays))
    _hash_anew(folder)


def _hash_anew(folder):
    lines = [
        f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n"
        for n in (_name(folder), "config.json")
    ]
    (folder / "SHA256").write_text("".join(lines))


def _arrays(folder):
    path = weight_files.weights_path(folder)
    if path.suffix == ".npz":
        with np.load(path) as archive:
            return dict(archive)
    return safetensors.numpy.load_file(path)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_weights_roundtrip(model, tmp_path, dtype, rng):
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))
    folder = tmp_path / "weights"
    weight_files.save_weights(model, config.Config(), folder, dtype)
    other = build_small_model(config.ModelConfig())
    weight_files.load_weights(other, folder)
    for ours, theirs in zip(model.weights, other.weights, strict=True):
        expected = ours.numpy().astype(dtype).astype("float32")
        np.testing.assert_array_equal(theirs.numpy(), expected)
    assert sorted(os.listdir(tmp_path)) == ["weights"]
    assert runs.load_config(folder) == config.Config()


def test_hashes_are_those_of_sha256sum(folder):
    for line in (folder / "SHA256").read_text().splitlines():
        digest, name = line.split("  ")
        data = (folder / name).read_bytes()
        assert digest == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("name", ["weights.safetensors", "config.json"])
def test_changed_file_rejects(folder, model, name):
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ValueError, match=f"{name} is not the file"):
        weight_files.load_weights(model, folder)


@pytest.mark.parametrize(
    "name", ["weights.safetensors", "config.json", "SHA256"]
)
def test_missing_file_rejects(folder, model, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        weight_files.load_weights(model, folder)


@pytest.mark.parametrize(
    "text", ["", "caf\xe9\n", "0 weights.safetensors\n", "x" * 2**21]
)
def test_hash_file_rejects(folder, model, text):
    (folder / "SHA256").write_text(text, "latin-1")
    with pytest.raises(ValueError, match="SHA256"):
        weight_files.load_weights(model, folder)


def test_the_newer_format_wins(folder, model):
    arrays = {n: a + 1 for n, a in _arrays(folder).items()}
    np.savez(folder / "weights.npz", **arrays)
    before = [w.numpy() for w in model.weights]
    weight_files.load_weights(model, folder)
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)


def test_npz_roundtrip(model, folder, rng):
    arrays = {
        n: rng.normal(size=a.shape).astype("float16")
        for n, a in _arrays(folder).items()
    }
    _rewrite(folder, arrays, "weights.npz")
    weight_files.load_weights(model, folder)
    for name, weight in weight_files.by_name(model).items():
        np.testing.assert_array_equal(
            weight.numpy(), arrays[name].astype("float32")
        )


def test_mismatches_are_listed(either, model):
    arrays = _arrays(either)
    arrays["stranger"] = arrays.pop("fuse0/bias")
    arrays["fuse1/bias"] = np.zeros(4, np.float32)
    arrays["flow_head/bias"] = np.zeros(2, np.int64)
    _rewrite(either, arrays)
    with pytest.raises(ValueError, match="fuse0/bias is missing") as info:
        weight_files.load_weights(model, either)
    assert "stranger is unknown" in str(info.value)
    assert "fuse1/bias has (4,), not (3,)" in str(info.value)
    assert re.search("flow_head/bias is (int64|I64)", str(info.value))


def test_pickle_rejects(folder, model):
    arrays = _arrays(folder)
    arrays["fuse0/bias"] = np.array([print, 1, 2], object)
    _rewrite(folder, arrays, "weights.npz")
    with pytest.raises(ValueError, match="fuse0/bias is object"):
        weight_files.load_weights(model, folder)


def test_not_finite_rejects(either, model):
    arrays = _arrays(either)
    arrays["fuse0/bias"] = np.float32([0, np.nan, 0])
    _rewrite(either, arrays)
    with pytest.raises(ValueError, match="fuse0/bias is not finite"):
        weight_files.load_weights(model, either)


def test_refused_weights_leave_the_model_as_it_is(either, model):
    arrays = {n: a + 1 for n, a in _arrays(either).items()}
    arrays["fuse1/bias"] = np.float32([0, np.inf, 0])
    _rewrite(either, arrays)
    before = [w.numpy() for w in model.weights]
    with pytest.raises(ValueError, match="fuse1/bias"):
        weight_files.load_weights(model, either)
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)


def test_save_rejects_not_finite(model, tmp_path):
    model.weights[0].assign(model.weights[0] + 1e6)
    with pytest.raises(ValueError, match="finite in float16"):
        weight_files.save_weights(
            model, config.Config(), tmp_path / "weights", "float16"
        )
    assert not list(tmp_path.iterdir())


def test_save_rejects_dtype(model, tmp_path):
    with pytest.raises(ValueError, match="dtype='int8'"):
        weight_files.save_weights(model, config.Config(), tmp_path, "int8")


def test_save_rejects_existing_folder(model, folder):
    with pytest.raises(FileExistsError, match="must be new"):
        weight_files.save_weights(model, config.Config(), folder)


@pytest.mark.parametrize("preset", sorted(config.PRESETS))
def test_names_are_the_same_for_every_build(preset):
    settings = config.model_config(
        preset, flow_width=8, width=8, upsampler_width=4, upsampler_blocks=1
    )
    one, two = build_model(settings), build_model(settings)
    names = list(weight_files.by_name(one))
    assert names == list(weight_files.by_name(two))
    assert len(names) == len(one.weights)
