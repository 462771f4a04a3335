"""Files of arrays: what is written is read, what means harm is refused."""

import io
import json
import os
import struct
import zipfile

import numpy as np
import pytest

from crossnet_tf.storage import array_files

SHAPES = {"a": (2, 3), "b/c": (), "d": (4,)}


@pytest.fixture
def arrays(rng):
    return {
        name: np.asarray(rng.normal(size=shape), np.float16)
        for name, shape in SHAPES.items()
    }


def _header(**changes) -> dict:
    """A right header of `SHAPES` in float32, with changes per array."""
    header, begin = {}, 0
    for name, shape in SHAPES.items():
        end = begin + 4 * int(np.prod(shape))
        header[name] = {
            "dtype": "F32", "shape": list(shape), "data_offsets": [begin, end],
            **changes.get(name, {}),
        }  # fmt: skip
        begin = end
    return header


def _file(header: object, size: int = 44, length: int | None = None) -> bytes:
    """Length, header, `size` zeros."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", length or len(text)) + text + bytes(size)


@pytest.mark.parametrize("suffix", array_files.SUFFIXES)
def test_arrays_roundtrip(tmp_path, arrays, suffix):
    path = tmp_path / f"weights{suffix}"
    if suffix == ".npz":
        np.savez(path, **arrays)
    else:
        path.write_bytes(array_files.to_bytes(arrays))
    found = array_files.read(path, SHAPES)
    assert list(found) == list(SHAPES)
    for name, array in arrays.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], array)


def test_file_by_hand_golden(tmp_path):
    values = np.arange(11, dtype="<f4")
    path = tmp_path / "weights.safetensors"
    path.write_bytes(_file(_header(), 0) + values.tobytes())
    found = array_files.read(path, SHAPES)
    np.testing.assert_array_equal(found["a"], values[:6].reshape(2, 3))
    np.testing.assert_array_equal(found["b/c"], 6)
    np.testing.assert_array_equal(found["d"], values[7:])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "."),
        (b"\x08", "."),
        (_file(_header())[:-1], "."),
        (_file(_header(), 45), "."),
        (_file(_header(), 0), "."),
        (_file(b"{}", 0), "a is missing; b/c is missing; d is missing"),
        (_file(b'{"a": '), "."),
        (_file(b"\xff\xfe{}"), "."),
        (_file(b"[" * 50_000), "."),
        (_file(_header(), length=2**63), "header must have at most"),
        (_file(_header(), length=90_000_000), "header must have at most"),
        (_file(_header(d={"data_offsets": [0, 16]})), "."),
        (_file(_header(d={"data_offsets": [28, 2**62]})), "."),
        (_file(_header(d={"data_offsets": [44, 28]})), "."),
        (_file(_header(d={"data_offsets": [-16, 28]})), "."),
        (_file(_header(a={"shape": [3, 2]})), r"a has \(3, 2\), not \(2, 3\)"),
        (_file(_header(a={"shape": [2**40, 2**40]})), "."),
        (_file(_header(d={"dtype": "I32"})), "d is I32, not a float"),
        (_file(_header(d={"dtype": "BF16", "shape": [8]})), r"d has \(8,\)"),
        (_file(_header(d={"dtype": "object"})), "."),
        (b"\x80\x04cos\nsystem\n(S'false'\ntR.", "header must have at most"),
    ],
)
def test_hostile_safetensors_rejects(tmp_path, data, reason):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"Cannot use {path}: .*{reason}"):
        array_files.read(path, SHAPES)


def _npz(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return file.getvalue()


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "."),
        (b"PK\3\4 no zip", "."),
        (b"\x93NUMPY", "."),
        (_npz(x=_npy(np.zeros(2_000_000))), "x is unknown"),
        (_npz(a=b"junk"), "."),
        (_npz(a=_npy(np.zeros(5_000_000, "f4"))), r"a has \(5000000,\)"),
        (_npz(a=_npy(np.array([print, 1], object))), r"a has \(2,\)"),
    ],
)
def test_hostile_npz_rejects(tmp_path, data, reason):
    path = tmp_path / "weights.npz"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"Cannot use {path}: .*{reason}"):
        array_files.read(path, SHAPES)


@pytest.mark.parametrize("suffix", array_files.SUFFIXES)
def test_not_finite_rejects(tmp_path, arrays, suffix):
    arrays["d"][1] = np.inf
    path = tmp_path / f"weights{suffix}"
    np.savez(path, **arrays)
    if suffix != ".npz":
        path.write_bytes(array_files.to_bytes(arrays))
    with pytest.raises(ValueError, match="d is not finite"):
        array_files.read(path, SHAPES)


def test_size_rejects_before_reading(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.touch()
    os.truncate(path, 2**33)  # sparse: takes no room
    with pytest.raises(ValueError, match="must have at most .*8,589,934,592"):
        array_files.read(path, SHAPES)


def test_special_files_reject(tmp_path):
    (tmp_path / "zero.npz").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.safetensors")
    (tmp_path / "folder.npz").mkdir()
    for name in ("zero.npz", "pipe.safetensors", "folder.npz"):
        with pytest.raises(ValueError, match=f"{name}. must be a regular file"):
            array_files.read(tmp_path / name, SHAPES)
