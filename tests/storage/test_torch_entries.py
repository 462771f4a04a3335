"""Weights are found among what trainings save beside them."""

import pickle

import ml_dtypes
import numpy as np
import pytest
import torch_checkpoint as files

from crossnet_tf.storage.torch_files import read_state_dict

ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
STEP = np.int64([50])
KINDS = pytest.mark.parametrize("legacy", [False, True])


def _dict(values):
    """Opcodes of a plain dict."""
    parts = [files.text(name) + value for name, value in values.items()]
    return b"}(" + b"".join(parts) + b"u"


def _tensor():
    return files.tensor("0", ARRAY)


def _adam():
    """As `torch.optim.Adam.state_dict()`, two groups with the same betas."""
    state = b"}(" + b"".join(
        b"\x8a\x06" + (139900000000000 + 72 * number).to_bytes(6, "little")
        + _dict({"step": files.tensor("1", STEP), "exp_avg": _tensor()})
        for number in range(2)
    ) + b"u"  # fmt: skip
    betas = b"G" + bytes(8) + b"G" + bytes(8) + b"\x86q\x07"
    groups = b"](" + _dict({"betas": betas}) + _dict({"betas": b"h\x07"}) + b"e"
    return _dict({"state": state, "param_groups": groups})


def _read(tmp_path, program, legacy, entry=""):
    path, program = tmp_path / "a.pth", b"\x80\x02" + program + b"."
    used = {"1": STEP} if b"LongStorage" in program else {}
    used["0"] = ARRAY
    if legacy:
        data = files.as_legacy(program, used)
    else:
        content = {key: array.tobytes() for key, array in used.items()}
        data = files.as_zip(program, content)
    path.write_bytes(data)
    return read_state_dict(path, entry)


WEIGHTS = _dict({"module.a.weight": _tensor()})
FORMS = {
    "state_dict": _dict(
        {"epoch": b"K\x32", "state_dict": WEIGHTS, "optimizer": _adam()}
    ),
    "model_state_dict": _dict(
        {"model_state_dict": WEIGHTS, "optimizer_state_dict": _adam()}
    ),
    "params_ema": _dict({"params": WEIGHTS, "params_ema": WEIGHTS + b"q\x01"}),
    "model/net": _dict({"model": _dict({"net": WEIGHTS}), "epoch": b"K\x32"}),
    "0": WEIGHTS + b"K\x07\x86",
    "1": b"](" + _adam() + WEIGHTS + b"e",
    "weights": _dict(
        {
            "seen": files.tensor("1", STEP),
            "args": b"cargparse\nNamespace\n)\x81" + _dict({}) + b"b",
            "best": b"cnumpy.core.multiarray\nscalar\n(tR",
            "weights": WEIGHTS,
        }
    ),
    "": _dict({"a.weight": _tensor(), "epoch": b"K\x07"}),
}


@KINDS
@pytest.mark.parametrize("entry", FORMS)
def test_find_in_a_training(tmp_path, entry, legacy):
    found, arrays = _read(tmp_path, FORMS[entry], legacy)
    assert found == entry
    assert list(arrays) == ["a.weight"]
    np.testing.assert_array_equal(arrays["a.weight"], ARRAY)


@KINDS
def test_entry_is_taken_by_name(tmp_path, legacy):
    program = FORMS["params_ema"]
    assert _read(tmp_path, program, legacy, "params").entry == "params"


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("", r"`entry` must say which to take. There are: 'gen', 'dis'"),
        ("net", r"it has no entry 'net'. There are: 'gen', 'dis'"),
    ],
)
def test_several_reject(tmp_path, entry, text):
    program = _dict({"gen": WEIGHTS, "dis": _dict({"b": _tensor()})})
    with pytest.raises(ValueError, match=text):
        _read(tmp_path, program, False, entry)


def test_optimiser_alone_rejects(tmp_path):
    with pytest.raises(ValueError, match="does not hold a dict of tensors"):
        _read(tmp_path, _adam(), False)


def test_what_lies_outside_runs_nothing(tmp_path):
    made = tmp_path / "made"
    evil = b"cos\nmkdir\n" + files.text(str(made)) + b"\x85R"
    pickle.loads(b"\x80\x02" + evil + b".")
    made.rmdir()  # it works, and shall not here
    program = _dict({"state_dict": WEIGHTS, "args": evil})
    assert _read(tmp_path, program, False).entry == "state_dict"
    assert not made.exists()


def test_whole_networks_reject(tmp_path):
    """Of before 1.6: their class and its source are named, too."""
    network = (
        b"(X\x06\x00\x00\x00moduleca.b\nNet\nX\x01\x00\x00\x00fX\x01\x00\x00\x00stQ"
        b")\x81"
    )
    with pytest.raises(ValueError, match=r"but 'a.b.Net'. Save `network.state"):
        _read(tmp_path, network, True)


def test_protocol_4_is_read(tmp_path):
    """As `torch.save(..., pickle_protocol=4)` writes it."""
    tensor = _tensor().replace(
        b"ccollections\nOrderedDict\n",
        files.text("collections") + files.text("OrderedDict") + b"\x93\x94",
    )
    program = b"}(" + files.text("a") + tensor + files.text("s")
    program += b"\x8f(K\x01\x90u"
    found, arrays = _read(tmp_path, program, False)
    assert found == ""
    np.testing.assert_array_equal(arrays["a"], ARRAY)


def test_bfloat16_becomes_float32(tmp_path):
    array = ARRAY.astype(ml_dtypes.bfloat16)
    (tmp_path / "a.pth").write_bytes(files.checkpoint({"a": array}))
    found = read_state_dict(tmp_path / "a.pth").arrays["a"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, ARRAY)


def test_whole_numbers_are_read(tmp_path):
    (tmp_path / "a.pth").write_bytes(files.checkpoint({"a": STEP}))
    np.testing.assert_array_equal(
        read_state_dict(tmp_path / "a.pth").arrays["a"], STEP
    )


@KINDS
@pytest.mark.slow
def test_find_agrees_with_torch(tmp_path, legacy):
    torch = pytest.importorskip("torch")
    layer = torch.nn.Conv2d(2, 3, 5)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.zeros(1, 2, 8, 8)).sum().backward()
    optimizer.step()
    torch.save(
        {"model": layer.state_dict(), "optimizer": optimizer.state_dict()},
        tmp_path / "a.pth",
        _use_new_zipfile_serialization=not legacy,
    )
    found, arrays = read_state_dict(tmp_path / "a.pth")
    assert found == "model"
    for name, expected in layer.state_dict().items():
        np.testing.assert_array_equal(arrays[name], expected.numpy())
