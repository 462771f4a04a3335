"""PyTorch checkpoints are read, and nothing in them is run."""

import contextlib
import os
import pickle
import struct
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch_checkpoint as files

from crossnet_tf.storage.torch_files import read_state_dict

ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def _read(tmp_path, data):
    path = tmp_path / "a.pth"
    path.write_bytes(data)
    return read_state_dict(path).arrays


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


def test_a_pickle_that_takes_long_to_hash_is_read(tmp_path):
    """Nothing is hashed but texts and numbers."""
    program = b"\x80\x02}" + _doubled(60) + b"K\x00s."
    start = time.monotonic()
    with pytest.raises(ValueError, match="does not hold a dict of tensors"):
        _read(tmp_path, files.as_zip(program, {}))
    assert time.monotonic() - start < 1


def _doubled(levels):
    """Tuples of the same tuple twice, and so on; takes 2^levels to hash."""
    parts = [b")q\x00"]
    parts += [b"h%c\x86q%c" % (i, i + 1) for i in range(levels)]
    return b"".join(parts)


def _zip(values):
    return files.as_zip(files.pickled(values), {"0": ARRAY.tobytes()})


HOSTILE = {
    "but 'builtins.eval'": _zip({"a": b"cbuiltins\neval\n"}),
    "but 'torch.load'": _zip({"a": b"ctorch\nload\n"}),
    "but 'collections.OrderedDict.a'": _zip(
        {"a": b"ccollections\nOrderedDict.a\n"}
    ),
    "but 'os.system'": _zip(
        {"a": files.text("os") + files.text("system") + b"\x93"}
    ),
    "uses EXT1": _zip({"a": b"\x82\x01"}),
    "unknown kind of storage": _zip(
        {"a": b"(K\x00ctorch\nFloatStorage\nK\x00NNtQ"}
    ),
    "storages of 'os.system'": _zip(
        {
            "a": files.tensor("0", ARRAY).replace(
                b"torch\nFloatStorage", b"os\nsystem"
            )
        }
    ),
    "but 'torch._utils._rebuild_parameter'": _zip(
        {"a": b"ctorch._utils\n_rebuild_parameter\nK\x00\x85R"}
    ),
    "too long": _zip({"a": b"K\x00" * (1 << 20)}),
    "data.pkl' is too long": _zip({"a": b"K\x00" * (3 << 20)}),
    "takes more than it has": files.as_zip(b"\x80\x02t.", {}),
    "no list": files.as_zip(b"\x80\x02K\x00K\x00a.", {}),
    "no function": files.as_zip(b"\x80\x02K\x00)R.", {}),
    "no dict": files.as_zip(b"\x80\x02K\x00K\x00K\x00s.", {}),
    "does not hold a dict": files.as_zip(b"\x80\x02K\x00.", {}),
    "dict of tensors": files.as_zip(files.pickled({}), {}),
    "beyond its storage": _zip({"a": files.tensor("0", ARRAY, count=23)}),
    "'a' reaches beyond": _zip({"a": files.tensor("0", ARRAY, offset=1)}),
    "odd form": _zip({"a": files.tensor("0", ARRAY, offset=-1)}),
    "cut short": _zip({"a": files.tensor("0", ARRAY, count=10**6)}),
    "storage '0' has 96 bytes": _zip({"a": files.tensor("0", ARRAY, count=25)}),
    "storage '9' has 0 bytes": _zip({"a": files.tensor("9", ARRAY)}),
    "changes a tensor": _zip(
        {
            "a": files.tensor("0", ARRAY)
            + b"}"
            + files.text("offset")
            + b"K\x09sb"
        }
    ),
    "it is compressed": files.as_zip(
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


def test_overlapping_entries_reject(tmp_path):
    """170 names for the same 50 MB would fill the memory."""
    path, count = tmp_path / "a.pth", 1 << 16
    array = np.zeros(count, np.float32)
    program = files.pickled(
        {f"w{n}": files.tensor(str(n), array) for n in range(20)}
    )
    content = {str(n): array.tobytes() for n in range(20)}
    path.write_bytes(files.as_zip(program, content))
    data = path.read_bytes()
    cut = files.all_at_one_place(data)
    assert len(cut) < len(data) / 10
    path.write_bytes(cut)
    with pytest.raises(ValueError, match="read safely: it is cut short"):
        read_state_dict(path)


def test_entry_that_is_longer_than_its_storage_rejects(tmp_path):
    data = files.as_zip(
        files.pickled({"a": files.tensor("0", ARRAY)}), {"0": bytes(10**7)}
    )
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="'0' has 10,000,000 bytes"):
            _read(tmp_path, data)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


def test_long_list_of_members_rejects(tmp_path):
    """The end of the file says that the list is all of it."""
    path = tmp_path / "a.pth"
    data = bytearray(files.checkpoint({"a": ARRAY}))
    end = data.rindex(b"PK\5\6")
    data[end + 12 : end + 20] = struct.pack("<II", 1 << 25, 0)
    path.write_bytes(bytes(1 << 25) + data[end:])
    with pytest.raises(ValueError, match="list of members is too long"):
        read_state_dict(path)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_special_files_reject(tmp_path, kind):
    path = tmp_path / "a.pth"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(ValueError, match="`from` .*a.pth` must be a regular"):
        read_state_dict(path)


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
    found = read_state_dict(path).arrays
    for name, expected in layer.state_dict().items():
        np.testing.assert_array_equal(found[name], expected.numpy())
