"""PyTorch checkpoints are read, and nothing in them is run."""

import contextlib
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch_checkpoint as files

from crossnet_tf.storage.torch_files import read_state_dict

ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def _read(tmp_path, data):
    path = tmp_path / "a.pth"
    path.write_bytes(data)
    return read_state_dict(path)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_read_roundtrip(tmp_path, legacy, dtype):
    arrays = {"a.weight": ARRAY.astype(dtype), "module.b": np.ones(1, dtype)}
    found = _read(tmp_path, files.checkpoint(arrays, legacy))
    assert list(found) == ["a.weight", "b"]
    np.testing.assert_array_equal(found["a.weight"], ARRAY)
    assert found["a.weight"].dtype == dtype


def test_read_views_of_one_storage(tmp_path):
    """A transposed view, and one that begins later."""
    turned, later = ARRAY.transpose(2, 0, 1), ARRAY[1]
    program = files.pickled(
        {
            "turned": files.tensor("0", turned),
            "later": files.tensor("0", later, count=24, offset=12),
        }
    )
    found = _read(tmp_path, files.as_zip(program, {"0": ARRAY.tobytes()}))
    np.testing.assert_array_equal(found["turned"], turned)
    np.testing.assert_array_equal(found["later"], later)


def test_read_within_a_dict(tmp_path):
    inner = files.pickled({"a": files.tensor("0", ARRAY)})[2:-1]
    program = files.pickled({"epoch": b"K\x07", "state_dict": inner})
    found = _read(tmp_path, files.as_zip(program, {"0": ARRAY.tobytes()}))
    np.testing.assert_array_equal(found["a"], ARRAY)


class _Evil:
    """Unpickling it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("form", ["zip", "legacy", "first"])
def test_read_runs_nothing(tmp_path, protocol, form):
    made = tmp_path / "made"
    program = pickle.dumps({"a": _Evil(made)}, protocol=protocol)
    pickle.loads(program)
    made.rmdir()  # it works, and shall not here
    data = {
        "zip": files.as_zip(program, {}),
        "legacy": files.as_legacy(program, {}),
        "first": b"\x80\x02" + program.removeprefix(b"\x80\x02"),
    }[form]
    with pytest.raises(ValueError, match="read safely"):
        _read(tmp_path, data)
    assert not made.exists()


def _doubled(levels):
    """Tuples of the same tuple twice, and so on; takes 2^levels to hash."""
    parts = [b")q\x00"]
    parts += [b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(levels)]
    return b"".join(parts)


def _zip(values):
    return files.as_zip(files.pickled(values), {"0": ARRAY.tobytes()})


HOSTILE = {
    "asks for builtins.eval": _zip({"a": b"cbuiltins\neval\n"}),
    "asks for torch.load": _zip({"a": b"ctorch\nload\n"}),
    "asks for collections.OrderedDict.a": _zip(
        {"a": b"ccollections\nOrderedDict.a\n"}
    ),
    "uses STACK_GLOBAL": _zip(
        {"a": files.text("os") + files.text("system") + b"\x93"}
    ),
    "uses EXT1": _zip({"a": b"\x82\x01"}),
    "numbers its parts wrongly": _zip({"a": b"K\x00r\xff\xff\xff\x7f"}),
    "repeats what": files.as_zip(b"\x80\x02}" + _doubled(60) + b"K\x00s.", {}),
    "where a text": _zip({"a": b"(K\x00ctorch\nFloatStorage\nK\x00NNtQ"}),
    "where a tensor": _zip(
        {"a": b"ctorch._utils\n_rebuild_parameter\nK\x00\x85R"}
    ),
    "too long": _zip({"a": b"K\x00" * (1 << 20)}),
    "'a' is no tensor": _zip({"a": b"K\x00"}),
    "does not hold a dict": files.as_zip(b"\x80\x02K\x00.", {}),
    "dict of tensors": files.as_zip(files.pickled({}), {}),
    "beyond its storage": _zip({"a": files.tensor("0", ARRAY, count=23)}),
    "a reaches beyond": _zip({"a": files.tensor("0", ARRAY, offset=1)}),
    "odd form": _zip({"a": files.tensor("0", ARRAY, offset=-1)}),
    "cut short": _zip({"a": files.tensor("0", ARRAY, count=25)}),
    "no item named": _zip({"a": files.tensor("9", ARRAY)}),
    "attribute": _zip(
        {
            "a": files.tensor("0", ARRAY)
            + b"}"
            + files.text("offset")
            + b"K\x09sb"
        }
    ),
    "compressed": files.as_zip(
        files.pickled({}), {}, compression=zipfile.ZIP_DEFLATED
    ),
    "no data.pkl": files.as_zip(b"", {}).replace(b"data.pkl", b"date.pkl"),
    "byte order": files.as_zip(files.pickled({}), {}, byteorder="big"),
    "neither as a zip file nor as a pickle": b"<html>Sign in</html>",
    "magic number": b"\x80\x02K\x07.",
    "not enough data": b"\x80\x02K",
    "has 24 elements": files.as_legacy(
        files.pickled({"a": files.tensor("0", ARRAY[0])}), {"0": ARRAY}
    ),
}


@pytest.mark.parametrize("reason", sorted(HOSTILE))
def test_read_rejects(tmp_path, reason):
    with pytest.raises(ValueError, match=f"read safely: .*{reason}"):
        _read(tmp_path, HOSTILE[reason])


@pytest.mark.parametrize("legacy", [False, True])
def test_read_rejects_a_cut_file(tmp_path, legacy):
    data = files.checkpoint({"a": ARRAY, "b": ARRAY}, legacy)
    for size in range(0, len(data), 7):
        with pytest.raises(ValueError, match="read safely"):
            _read(tmp_path, data[:size])


@pytest.mark.filterwarnings("ignore:invalid escape")  # by pickletools
@pytest.mark.parametrize("legacy", [False, True])
def test_read_survives_damage(tmp_path, rng, legacy):
    """Any damage gives other numbers or a ValueError, nothing else."""
    data = files.checkpoint({"a": ARRAY, "b": ARRAY}, legacy)
    for _ in range(300):
        damaged = bytearray(data)
        for position in rng.integers(0, len(data), 3):
            damaged[position] = rng.integers(0, 256)
        with contextlib.suppress(ValueError):
            _read(tmp_path, bytes(damaged))


def test_read_rejects_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="`from`.*none.pth"):
        read_state_dict(tmp_path / "none.pth")


@pytest.mark.parametrize("legacy", [False, True])
def test_read_agrees_with_torch(tmp_path, legacy):
    torch = pytest.importorskip("torch")
    layer = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 5))
    path = tmp_path / "a.pth"
    torch.save(
        layer.state_dict(), path, _use_new_zipfile_serialization=not legacy
    )
    found = read_state_dict(path)
    for name, expected in layer.state_dict().items():
        np.testing.assert_array_equal(found[name], expected.numpy())
