"""Checks the files of a TensorFlow checkpoint before TensorFlow reads them.

A checkpoint is two files: PREFIX.index, a sorted table of what it holds and
where, and PREFIX.data-00000-of-00001, the bytes. TensorFlow's reader believes
what they say of sizes: 200 bytes of a stranger's make it take 10 GB, or end
the process. Here every size is compared with the files first; the contents
are TensorFlow's to check, by their checksums.

The table: blocks of (key, value), each key with the start that it shares with
the one before left out; a block of where the others are; a footer that says
where that one is.

References: `tensorflow/core/lib/io/table.cc`,
`tensorflow/core/util/tensor_bundle/tensor_bundle.cc` (formats).
"""

import math
import os
import pathlib
from collections.abc import Iterator

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import tensor_bundle_pb2

from crossnet_tf import regular

_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
_FOOTER_BYTES = 48
_TRAILER_BYTES = 5  # kind of compression and checksum, after each block
_MAX_INDEX_BYTES = 2**24
_MAX_KEY_BYTES = 2**12
_MAX_ENTRIES = 100_000
_MAX_HEADER_BYTES = 100
_STRING_CHECKSUM_BYTES = 4


def check(prefix: str | os.PathLike, limit: int) -> None:
    """Refuses a checkpoint that takes more memory than its files are large.

    Args:
        prefix: path of both files without their ends.
        limit: of the data file, in bytes.

    Raises:
        OSError: a file is missing or may not be read.
        ValueError: not regular files, larger than allowed, or sizes in the
            index that do not fit; the message names the file.
    """
    index = pathlib.Path(f"{prefix}.index")
    data = pathlib.Path(f"{prefix}.data-00000-of-00001")
    regular.check_size(index, _MAX_INDEX_BYTES)
    regular.check_size(data, limit)
    try:
        _check_entries(index.read_bytes(), data)
    except (DecodeError, IndexError, TypeError) as error:
        raise ValueError(f"`{index}` must be whole: {error}.") from error
    except ValueError as error:
        raise ValueError(f"`{index}` must fit its data: {error}") from error


def _check_entries(table: bytes, data: pathlib.Path) -> None:
    """Compares all that the table says with the data file."""
    total = data.stat().st_size
    used = 0
    with data.open("rb") as file:
        for key, value in _entries(table):
            if not key:
                _check_header(value)
                continue
            entry = tensor_bundle_pb2.BundleEntryProto.FromString(value)
            begin, size = entry.offset, entry.size
            if not 0 <= begin <= begin + size <= total or entry.shard_id:
                raise ValueError(f"{_shown(key)} lies outside.")
            used += size
            if entry.dtype == tf.string.as_datatype_enum:
                file.seek(begin)
                _check_string(key, entry, file.read(min(size, 10)))
            elif entry.dtype != tf.variant.as_datatype_enum:  # never read
                _check_numbers(key, entry)
    if used > total:
        raise ValueError("its parts overlap.")


def _check_header(value: bytes) -> None:
    if len(value) > _MAX_HEADER_BYTES:
        raise ValueError("its header is too long.")
    header = tensor_bundle_pb2.BundleHeaderProto.FromString(value)
    if header.num_shards != 1:
        raise ValueError(f"it has {header.num_shards} files instead of 1.")


def _check_numbers(
    key: bytes, entry: tensor_bundle_pb2.BundleEntryProto
) -> None:
    shape = [dim.size for dim in entry.shape.dim]
    itemsize = tf.dtypes.as_dtype(entry.dtype).size
    odd = entry.slices or entry.shape.unknown_rank or min(shape, default=0) < 0
    if odd or math.prod(shape) * itemsize != entry.size:
        raise ValueError(f"{_shown(key)} has {entry.size} bytes for {shape}.")


def _check_string(
    key: bytes, entry: tensor_bundle_pb2.BundleEntryProto, start: bytes
) -> None:
    """One text: its length, a checksum, and as many bytes as that says."""
    length, begin = _varint(start, 0)
    if (
        entry.slices
        or entry.shape.dim
        or entry.shape.unknown_rank
        or begin + _STRING_CHECKSUM_BYTES + length != entry.size
    ):
        raise ValueError(f"{_shown(key)} is no text of {entry.size} bytes.")


def _entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """All keys and values."""
    footer = table[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or not footer.endswith(_MAGIC):
        raise ValueError("it is cut short.")
    meta_size, place = _handle(footer, 0)
    size, _ = _handle(footer, place)
    _block(table, *meta_size)
    count = 0
    for _, value in _pairs(_block(table, *size)):
        where, _ = _handle(value, 0)
        for pair in _pairs(_block(table, *where)):
            count += 1
            if count > _MAX_ENTRIES:
                raise ValueError("it has too many entries.")
            yield pair


def _handle(data: bytes, place: int) -> tuple[tuple[int, int], int]:
    """Where a block is, (offset, size); and where in `data` that ends."""
    offset, place = _varint(data, place)
    size, place = _varint(data, place)
    return (offset, size), place


def _block(table: bytes, offset: int, size: int) -> bytes:
    end = offset + size
    if end + _TRAILER_BYTES > len(table) - _FOOTER_BYTES:
        raise ValueError("a block lies outside.")
    if table[end]:
        raise ValueError("it is compressed, which TensorFlow never does.")
    return table[offset:end]


def _pairs(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a block."""
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    if end < 0:
        raise ValueError("a block is cut short.")
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        own, place = _varint(block, place)
        length, place = _varint(block, place)
        if (
            shared > len(key)
            or shared + own > _MAX_KEY_BYTES
            or place + own + length > end
        ):
            raise ValueError("a block is damaged.")
        key = key[:shared] + block[place : place + own]
        place += own
        yield key, block[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number in 7-bit groups, and where it ends."""
    number = shift = 0
    while True:
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, place
        if shift > 63:
            raise ValueError("a number is too long.")


def _shown(key: bytes) -> str:
    return ascii(key.decode("utf-8", "replace")[:80])
