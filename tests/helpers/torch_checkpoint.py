"""Writes PyTorch checkpoints without PyTorch, good ones and hostile ones."""

import io
import pickle
import struct
import zipfile
from collections.abc import Mapping

import numpy as np

KINDS = {
    "bfloat16": "BFloat16",
    "float16": "Half",
    "float32": "Float",
    "float64": "Double",
    "int64": "Long",
}


def text(value: str) -> bytes:
    """The opcode that loads a text."""
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def whole(*numbers: int) -> bytes:
    """The opcodes that load a tuple of whole numbers."""
    return b"(" + b"".join(b"J" + struct.pack("<i", n) for n in numbers) + b"t"


def tensor(
    key: str, array: np.ndarray, count: int | None = None, offset: int = 0
) -> bytes:
    """The opcodes that rebuild an array from storage `key`."""
    strides = [s // array.itemsize for s in array.strides]
    kind = KINDS[array.dtype.name]
    number = b"J" + struct.pack("<i", array.size if count is None else count)
    storage = (
        b"(" + text("storage") + f"ctorch\n{kind}Storage\n".encode()
        + text(key) + text("cpu") + number + b"tQ"
    )  # fmt: skip
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage
        + b"J" + struct.pack("<i", offset) + whole(*array.shape)
        + whole(*strides) + b"\x89ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip


def pickled(values: Mapping[str, bytes]) -> bytes:
    """A pickle of an ordered dict; values are given as opcodes."""
    items = b"".join(text(name) + value for name, value in values.items())
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + items + b"u."


def as_zip(
    program: bytes,
    storages: Mapping[str, bytes],
    byteorder: str = "little",
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    """A file as PyTorch writes it since 1.6."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/byteorder", byteorder)
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)
    return buffer.getvalue()


def all_at_one_place(data: bytes) -> bytes:
    """A zip file whose members KEY of data/ are all the last one.

    The bytes of the others are left out; what the list says of them stays.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = {i.filename: i for i in archive.infolist()}
        list_begin = archive.start_dir
    members = [i for n, i in infos.items() if "/data/" in n]
    first, last = members[0].header_offset, members[-1].header_offset
    cut = last - first
    out = bytearray(data[:first] + data[last:])
    place = list_begin - cut
    for _ in infos:
        names = struct.unpack("<HHH", out[place + 28 : place + 34])
        (offset,) = struct.unpack("<I", out[place + 42 : place + 46])
        moved = first if offset >= first else offset
        out[place + 42 : place + 46] = struct.pack("<I", moved)
        place += 46 + sum(names)
    out[place + 16 : place + 20] = struct.pack("<I", list_begin - cut)
    return bytes(out)


def as_legacy(program: bytes, storages: Mapping[str, np.ndarray]) -> bytes:
    """A file as PyTorch wrote it before 1.6."""
    system = {"protocol_version": 1001, "little_endian": True}
    header = [0x1950A86A20F9469CFC6C, 1001, system]
    parts = [pickle.dumps(part, protocol=2) for part in header]
    parts += [program, pickle.dumps(list(storages), protocol=2)]
    for array in storages.values():
        parts += [struct.pack("<q", array.size), array.tobytes()]
    return b"".join(parts)


def checkpoint(arrays: Mapping[str, np.ndarray], legacy: bool = False) -> bytes:
    """A good file that holds `arrays`."""
    keys = {name: str(i) for i, name in enumerate(arrays)}
    program = pickled({n: tensor(keys[n], a) for n, a in arrays.items()})
    if legacy:
        return as_legacy(program, {keys[n]: a for n, a in arrays.items()})
    content = {keys[n]: a.tobytes() for n, a in arrays.items()}
    return as_zip(program, content)
