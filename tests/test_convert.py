"""Checkpoints of the released code become weights of preset `official`."""

import functools
import os
import pickle

import numpy as np
import pytest
import torch_checkpoint as files

from crossnet_tf import cli, convert
from crossnet_tf.baselines.registry import build_model
from crossnet_tf.config import model_config
from crossnet_tf.storage import official, runs, weight_files

SMALL = dict(width=8, flow_width=8)


@pytest.fixture
def small(monkeypatch):
    """Lets `convert` make a network of width 8."""
    _set_width(monkeypatch, 8)


def _set_width(monkeypatch, width):
    widths = {"width": width, "flow_width": width}
    monkeypatch.setattr(
        official,
        "model_config",
        lambda *args, **changes: model_config(*args, **changes, **widths),
    )


@functools.cache
def _expected():
    model = build_model(model_config("official", upsampler="bicubic", **SMALL))
    weights = weight_files.by_name(model)
    return {name: tuple(w.shape) for name, w in weights.items()}


def _state(rng, expected):
    """Arrays as a small released network would have them."""
    state = {}
    for theirs, ours in official.layer_names().items():
        height, width, inputs, outputs = expected[f"{ours}/kernel"]
        shape = (outputs, inputs, height, width)
        state[f"{theirs}.weight"] = rng.normal(size=shape).astype("f4")
        shape = expected[f"{ours}/bias"]
        state[f"{theirs}.bias"] = rng.normal(size=shape).astype("f4")
    unused = "UNet_decoder_2.post_fusion2.0"
    state[f"{unused}.weight"] = np.zeros((8, 8, 5, 5), "f4")
    state[f"{unused}.bias"] = np.zeros(8, "f4")
    return state


def _command(capsys, *arguments):
    """Exit code and stderr of the command."""

    with pytest.raises(SystemExit) as exit_info:
        cli.run(convert.main, convert.FLAGS, ["convert", *arguments])
    return exit_info.value.code, capsys.readouterr().err


def test_names_are_complete():
    layers = {name.rpartition("/")[0] for name in _expected()}
    assert sorted(official.layer_names().values()) == sorted(layers)


@pytest.mark.parametrize("legacy", [False, True])
def test_convert_roundtrip(tmp_path, rng, small, capsys, legacy):
    state = _state(rng, _expected())
    (tmp_path / "a.pth").write_bytes(files.checkpoint(state, legacy))
    code, error = _command(
        capsys,
        f"--from={tmp_path / 'a.pth'}",
        f"--output={tmp_path / 'new'}",
        "--scale=8",
    )
    assert code == 0, error
    model, config = runs.load_model(tmp_path / "new")
    assert (config.model.scale, config.model.upsampler) == (8, "bicubic")
    weights = weight_files.by_name(model)
    kernel = np.asarray(weights["flow_estimator/up0/deconvolution/kernel"])
    theirs = state["FlowNet.deconv0.0.weight"]  # in, out, height, width
    assert kernel[1, 3, 5, 7] == theirs[7, 5, 1, 3]
    np.testing.assert_array_equal(
        weights["post_fusion/picture/bias"],
        state["UNet_decoder_2.final.0.bias"],
    )


def test_renamed_rejects(rng):
    expected = _expected()
    state = _state(rng, expected)
    del state["Encoder.conv2.0.bias"]
    state["Encoder.conv9.0.bias"] = np.zeros(8, "f4")
    state["FlowNet.flow_12.0.bias"] = np.zeros(3, "f4")
    state["Encoder.conv1.0.bias"] = np.zeros(8, "i8")
    state["norm.num_batches_tracked"] = np.zeros((), "i8")
    with pytest.raises(ValueError, match="does not fit") as error:
        official.renamed(state, expected)
    for text in (
        "Encoder.conv2.0.bias is missing",
        "Encoder.conv9.0.bias is unknown",
        r"FlowNet.flow_12.0.bias gives (3,), not (2,)",
        "Encoder.conv1.0.bias is int64, not a float",
    ):
        assert text in str(error.value)
    assert "norm" not in str(error.value)
    with pytest.raises(ValueError, match="; and [0-9]+ more"):
        official.renamed({}, expected)


def test_names_within_another_network_identity(rng):
    expected = _expected()
    state = _state(rng, expected)
    inside = {f"generator.{name}": array for name, array in state.items()}
    found, plain = (official.renamed(s, expected) for s in (inside, state))
    assert found.keys() == plain.keys() == expected.keys()


def test_convert_takes_an_entry(tmp_path, small, capsys):
    """Of a training; without --entry it would be the averaged weights."""
    keys = iter(range(10**6))
    dicts, content = {}, {}
    for name, factor in (("params", 1), ("params_ema", 2)):
        state = _state(np.random.default_rng(0), _expected())
        items = {}
        for inner, array in state.items():
            key = str(next(keys))
            content[key] = (factor * array).tobytes()
            items[inner] = files.tensor(key, array)
        dicts[name] = files.pickled(items)[2:-1]
    path = tmp_path / "a.pth"
    path.write_bytes(files.as_zip(files.pickled(dicts), content))
    flags = [f"--from={path}", f"--output={tmp_path / 'new'}", "--scale=4"]
    flags += ["--entry=params"]
    with pytest.raises(SystemExit) as exit_info:
        cli.run(convert.main, convert.FLAGS, ["convert", *flags])
    assert exit_info.value.code == 0
    assert "of entry 'params'" in capsys.readouterr().out
    model, _ = runs.load_model(tmp_path / "new")
    bias = weight_files.by_name(model)["post_fusion/picture/bias"]
    expected = state["UNet_decoder_2.final.0.bias"]
    np.testing.assert_array_equal(bias, expected)


def test_convert_rejects(tmp_path, capsys):
    """One line, exit code 1, and nothing is made."""
    output = tmp_path / "new"
    evil = tmp_path / "evil.pth"
    evil.write_bytes(files.as_zip(pickle.dumps(os.system), {}))
    for source, text in (
        (tmp_path / "none.pth", "none.pth"),
        (evil, "read safely"),
        (tmp_path, "`from`"),
    ):
        code, error = _command(capsys, f"--from={source}", f"--output={output}")
        assert code == 1
        assert text in error
        assert error.count("\n") == 1
        assert not output.exists()
    code, error = _command(capsys, f"--from={evil}", f"--output={tmp_path}")
    assert code == 1
    assert "`output` must be new" in error


@pytest.mark.parametrize(
    ("width", "size"),
    [(8, (64, 128)), pytest.param(64, (320, 512), marks=pytest.mark.slow)],
)
def test_convert_agrees_with_torch(tmp_path, rng, monkeypatch, width, size):
    """Equal pictures from equal weights."""
    torch = pytest.importorskip("torch")
    from torch_crossnet import CrossNet

    _set_width(monkeypatch, width)
    torch.manual_seed(0)
    theirs = CrossNet(width).eval()
    torch.save(theirs.state_dict(), tmp_path / "a.pth")
    official.convert(tmp_path / "a.pth", tmp_path / "new", scale=4)
    ours, _ = runs.load_model(tmp_path / "new")
    ref = rng.random((1, *size, 3), "f4")
    lr = rng.random((1, size[0] // 4, size[1] // 4, 3), "f4")
    outputs = ours({"lr": lr, "ref": ref})
    with torch.no_grad():
        images = [
            torch.from_numpy(np.array(image).transpose(0, 3, 1, 2))
            for image in (outputs["lr_up"], ref)
        ]
        expected = theirs(*images).numpy().transpose(0, 2, 3, 1)
    assert np.std(expected) > 0.01
    np.testing.assert_allclose(outputs["sr"], expected, atol=1e-4)
