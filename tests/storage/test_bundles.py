"""Checkpoints whose sizes lie are refused before TensorFlow believes them."""

import os

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import tensor_bundle_pb2

from crossnet_tf.storage import bundles

LIMIT = 10**6
KEY = b"model/kernel/.ATTRIBUTES/VARIABLE_VALUE"


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number >= 0x80:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def _block(pairs) -> bytes:
    """Without shared starts of keys."""
    entries = b"".join(
        b"\0" + _varint(len(key)) + _varint(len(value)) + key + value
        for key, value in pairs
    )
    return entries + bytes(4) + b"\1\0\0\0"


def _table(pairs, index=None, footer=None) -> bytes:
    """A table of one block."""
    data, empty = _block(pairs), _block([])
    index = index or _block([(b"z", b"\0" + _varint(len(data)))])
    place = len(data) + 5
    handles = b"".join(
        map(_varint, (place, len(empty), place + len(empty) + 5, len(index)))
    )
    blocks = b"".join(block + bytes(5) for block in (data, empty, index))
    footer = footer or handles.ljust(40, b"\0")
    return blocks + footer + bytes.fromhex("57fb808b247547db")


def _entry(size, shape=(4,), dtype=tf.float32, offset=0) -> bytes:
    entry = tensor_bundle_pb2.BundleEntryProto(
        dtype=dtype.as_datatype_enum, offset=offset, size=size
    )
    for length in shape:
        entry.shape.dim.add(size=length)
    return entry.SerializeToString()


def _header(shards=1) -> bytes:
    header = tensor_bundle_pb2.BundleHeaderProto(num_shards=shards)
    return header.SerializeToString()


def _write(folder, table, data=bytes(16)):
    (folder / "ckpt-1.index").write_bytes(table)
    (folder / "ckpt-1.data-00000-of-00001").write_bytes(data)
    return folder / "ckpt-1"


def test_what_tensorflow_writes_is_accepted(tmp_path, rng):
    weights = {
        f"layer{number}/kernel": tf.Variable(rng.random((3, number + 1)))
        for number in range(150)
    }
    step = tf.Variable(7, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(model=weights, step=step)
    prefix = checkpoint.write(str(tmp_path / "ckpt-7"))
    bundles.check(prefix, LIMIT)


def test_a_table_made_here_is_accepted(tmp_path):
    """So that the tables below are refused for what they say."""
    bundles.check(_write(tmp_path, _table([(KEY, _entry(16))])), LIMIT)


HUGE = 10**10
TABLES = {
    "weights that are not there": _table([(KEY, _entry(4 * HUGE, (HUGE,)))]),
    "size without shape": _table([(KEY, _entry(16, (HUGE,)))]),
    "negative shape": _table([(KEY, _entry(16, (-4, -1)))]),
    "negative offset": _table([(KEY, _entry(16, offset=-1))]),
    "overlapping parts": _table([(KEY + b"1", _entry(16)), (KEY, _entry(16))]),
    "many files": _table([(b"", _header(2**31 - 1))]),
    "a block outside": _table(
        [], index=_block([(b"z", b"\0" + _varint(HUGE))])
    ),
    "an index outside": _table(
        [], footer=b"".join(map(_varint, (0, 8, 0, HUGE))).ljust(40, b"\0")
    ),
    "a long text": _table([(b"_CHECKPOINTABLE", _entry(16, (), tf.string))]),
    "many texts": _table([(b"text", _entry(16, (HUGE,), tf.string))]),
    "no kind of number": _table([(KEY, _entry(16, (4,), tf.resource))]),
    "no table": b"\0" * 100,
    "nothing": b"",
}


@pytest.mark.parametrize("kind", TABLES)
def test_sizes_that_lie_reject(tmp_path, kind):
    data = _varint(HUGE) + bytes(11)
    with pytest.raises(ValueError, match=r"`.*ckpt-1\.index` must"):
        bundles.check(_write(tmp_path, TABLES[kind], data), LIMIT)


def test_key_that_grows_rejects(tmp_path):
    key = b"k" * 4000
    value = _entry(16)
    pair = b"\0" + _varint(4000) + _varint(len(value)) + key + value
    longer = _varint(4000) + _varint(4000) + b"\0" + key
    data = pair + longer + bytes(4) + b"\1\0\0\0"
    index = _block([(b"z", b"\0" + _varint(len(data)))])
    place = len(data) + 5
    footer = b"".join(map(_varint, (0, len(data), place, len(index))))
    table = data + bytes(5) + index + bytes(5) + footer.ljust(40, b"\0")
    table += bytes.fromhex("57fb808b247547db")
    with pytest.raises(ValueError, match="a block is damaged"):
        bundles.check(_write(tmp_path, table), LIMIT)


def test_larger_than_the_network_rejects(tmp_path):
    prefix = _write(tmp_path, _table([(KEY, _entry(16))]))
    os.truncate(f"{prefix}.data-00000-of-00001", 10**12)
    with pytest.raises(ValueError, match="at most 1,000,000 bytes"):
        bundles.check(prefix, LIMIT)


@pytest.mark.parametrize("end", ["index", "data-00000-of-00001"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_special_files_reject(tmp_path, end, kind):
    prefix = _write(tmp_path, _table([(KEY, _entry(16))]))
    path = tmp_path / f"ckpt-1.{end}"
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(ValueError, match=f"{end}` must be a regular file"):
        bundles.check(prefix, LIMIT)


def test_every_byte_may_be_wrong(tmp_path, rng):
    """Damage is a ValueError or passes on to TensorFlow; never else."""
    weights = {"kernel": tf.Variable(np.ones([2, 3], np.float32))}
    prefix = tf.train.Checkpoint(model=weights).write(str(tmp_path / "ckpt-1"))
    path = tmp_path / "ckpt-1.index"
    whole = path.read_bytes()
    for place in range(len(whole)):
        table = bytearray(whole)
        table[place] = int(rng.integers(256))
        path.write_bytes(table)
        try:
            bundles.check(prefix, LIMIT)
        except ValueError as error:
            assert "ckpt-1" in str(error)  # noqa: PT017
