"""Reads tensors from a PyTorch checkpoint without PyTorch and without trust.

A checkpoint is a pickle, and a pickle is a program. Here it may only build
dicts, tuples, numbers and strings, and name the few functions that stand for
tensors; none of PyTorch's or anyone's code is called. Both forms are read:

- since PyTorch 1.6, a zip archive: NAME/data.pkl, and NAME/data/KEY with the
  plain bytes of each storage;
- before, four pickles (magic number, version, system, tensors), then the
  keys of the storages as a fifth, then for each its length and bytes.

A tensor is a view (offset, sizes, strides) of a storage; its bounds are
checked before a byte is read. A small file cannot ask for much memory or
time: storages are not larger than the file, and only what is cheap to hash
and to print may be mentioned twice.
"""

import collections
import io
import os
import pathlib
import pickle
import pickletools
import struct
import zipfile
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_MAX_BYTES = 2 << 30
_MAX_PICKLE_BYTES = 1 << 20
_LONGEST_SIDE = 1 << 20
_DTYPES = {"FloatStorage": "<f4", "HalfStorage": "<f2", "DoubleStorage": "<f8"}
# They build plain values; none imports by a computed name or by number.
_OPCODES = """
    PROTO STOP MARK NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG1
    BINFLOAT BINUNICODE SHORT_BINUNICODE BINSTRING SHORT_BINSTRING
    EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS
    EMPTY_DICT SETITEM SETITEMS BINPUT LONG_BINPUT BINGET LONG_BINGET
    GLOBAL REDUCE BUILD BINPERSID
"""
# What may be mentioned again. Tuples of tuples of the same tuple may not: the
# time to hash them doubles with each level.
_REPEATABLE = """
    BINUNICODE SHORT_BINUNICODE BINSTRING SHORT_BINSTRING EMPTY_LIST EMPTY_DICT
    GLOBAL REDUCE
"""


class _Storage(NamedTuple):
    key: str
    dtype: str
    num_elements: int

    def __hash__(self) -> int:
        return object.__hash__(self)


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]

    def __hash__(self) -> int:
        return object.__hash__(self)


def read_state_dict(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The tensors of a saved `state_dict`, by name.

    A `state_dict` within a dict under that name is found, and the prefix
    `module.` that `DataParallel` puts before each name is removed.

    Args:
        path: a file that `torch.save` wrote.

    Returns:
        Read-only arrays of float16, float32 or float64.

    Raises:
        FileNotFoundError: there is none.
        ValueError: anything but tensors in a dict; says what.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"`from` must be a PyTorch checkpoint. Received: from={path}"
        )
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f"{path} is larger than {_MAX_BYTES >> 30} GB.")
    try:
        with path.open("rb") as file:
            read = _read_zip if zipfile.is_zipfile(file) else _read_legacy
            file.seek(0)
            return read(file)
    except (
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        pickle.UnpicklingError,
        struct.error,
        zipfile.BadZipFile,
    ) as error:
        raise ValueError(
            f"{path} is not a PyTorch state_dict that can be read safely: "
            f"{error}"
        ) from error


def _read_zip(file: BinaryIO) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(file) as archive:
        entries = {info.filename: info for info in archive.infolist()}
        pickles = [n for n in entries if n.count("/") == 1]
        pickles = [n for n in pickles if n.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError("it has no data.pkl, or more than one.")
        folder = pickles[0].partition("/")[0]
        if any(e.compress_type != zipfile.ZIP_STORED for e in entries.values()):
            raise ValueError("it is compressed, which PyTorch never does.")
        order = f"{folder}/byteorder"
        if order in entries and archive.read(order) != b"little":
            raise ValueError("its byte order is not `little`.")
        tensors = _tensors(_load(io.BytesIO(archive.read(pickles[0]))))
        storages = _storages(tensors, file)
        content = {k: archive.read(f"{folder}/data/{k}") for k in storages}
        return _arrays(tensors, content)


def _read_legacy(file: BinaryIO) -> dict[str, np.ndarray]:
    if not file.read(2).startswith(b"\x80"):
        raise ValueError("it begins neither as a zip file nor as a pickle.")
    file.seek(0)
    # A real file would make room for all the bytes that an opcode asks for.
    data = io.BytesIO(file.read())
    if _load(data) != _MAGIC:
        raise ValueError("its magic number is not PyTorch's.")
    _, system = _load(data), _load(data)
    if not isinstance(system, dict) or not system.get("little_endian"):
        raise ValueError("its byte order is not little endian.")
    tensors = _tensors(_load(data))
    storages = _storages(tensors, file)
    content = {}
    for key in _load(data):
        (count,) = struct.unpack("<q", data.read(8))
        storage = storages[_text(key)]
        if count != storage.num_elements:
            raise ValueError(f"storage {key} has {count} elements.")
        content[storage.key] = data.read(_num_bytes(storage))
    return _arrays(tensors, content)


def _load(file: BinaryIO) -> Any:
    """One pickle from where `file` stands; checked before it is run."""
    begin = file.tell()
    repeatable, before = set(), ""
    for opcode, argument, position in pickletools.genops(file):
        name = opcode.name
        if name not in _OPCODES.split():
            raise ValueError(f"its pickle uses {name}.")
        used = (position or 0) - begin
        if used > _MAX_PICKLE_BYTES:
            raise ValueError("its pickle is too long.")
        if name.endswith("PUT"):
            if (argument or 0) > used:
                raise ValueError("its pickle numbers its parts wrongly.")
            if before in _REPEATABLE.split():
                repeatable.add(argument)
            else:
                repeatable.discard(argument)
        if name.endswith("GET") and argument not in repeatable:
            raise ValueError("its pickle repeats what PyTorch never does.")
        before = name
    end = file.tell()
    file.seek(begin)
    # Python 2 wrote the first checkpoints: its strings are bytes.
    reader = _Reader(io.BytesIO(file.read(end - begin)), encoding="latin1")
    return reader.load()


class _Reader(pickle.Unpickler):
    """Knows the names that stand for tensors, and no others."""

    def find_class(self, module: str, name: str) -> Any:
        """What `module.name` stands for; never an import."""
        known = {
            "collections.OrderedDict": collections.OrderedDict,
            # New ones each time: a pickle may set a function's attributes.
            "torch._utils._rebuild_tensor": lambda *parts: _rebuild(*parts),
            "torch._utils._rebuild_tensor_v2": lambda *parts: _rebuild(*parts),
            "torch._utils._rebuild_parameter": lambda *parts: _tensor(parts[0]),
            **{f"torch.{kind}": kind for kind in _DTYPES},
        }
        if f"{module}.{name}" not in known:
            raise ValueError(f"it asks for {module}.{name}.")
        return known[f"{module}.{name}"]

    def persistent_load(self, identity: Any) -> _Storage:
        """A storage: ("storage", type, key, device, number of elements)."""
        tag, kind, key, _, count, *view = identity
        if _text(tag) != "storage" or any(view) or not isinstance(count, int):
            raise ValueError("it has an unknown kind of storage.")
        return _Storage(_text(key), _DTYPES[_text(kind)], count)


def _rebuild(storage, offset, sizes, strides, *unused) -> _Tensor:
    return _Tensor(storage, offset, tuple(sizes), tuple(strides))


def _tensor(value: Any) -> _Tensor:
    if not isinstance(value, _Tensor):
        raise ValueError(f"it holds {type(value)} where a tensor should be.")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"it holds {type(value)} where a text should be.")
    return value


def _tensors(state: Any) -> dict[str, _Tensor]:
    """Checked tensors by name."""
    if isinstance(state, dict) and isinstance(
        inner := dict.get(state, "state_dict"), dict
    ):
        state = inner
    if not isinstance(state, dict) or not state:
        raise ValueError("it does not hold a dict of tensors.")
    for name, tensor in dict.items(state):
        if not isinstance(tensor, _Tensor):
            raise ValueError(f"{_text(name)!r} is no tensor.")
        _check(_text(name), tensor)
    return {n.removeprefix("module."): t for n, t in dict.items(state)}


def _check(name: str, tensor: _Tensor) -> None:
    """The view must lie within its storage."""
    numbers = [tensor.offset, *tensor.sizes, *tensor.strides]
    if not isinstance(tensor.storage, _Storage) or not all(
        isinstance(n, int) and n >= 0 for n in numbers
    ):
        raise ValueError(f"{name} has an odd form.")
    last = tensor.offset + sum(
        (size - 1) * stride
        for size, stride in zip(tensor.sizes, tensor.strides, strict=True)
    )
    if (
        0 in tensor.sizes
        or max(tensor.sizes, default=1) > _LONGEST_SIDE
        or last >= tensor.storage.num_elements
    ):
        raise ValueError(f"{name} reaches beyond its storage.")


def _storages(
    tensors: Mapping[str, _Tensor], file: BinaryIO
) -> dict[str, _Storage]:
    """All storages by key; together no larger than the file."""
    storages = {t.storage.key: t.storage for t in tensors.values()}
    size = os.fstat(file.fileno()).st_size
    if sum(map(_num_bytes, storages.values())) > size:
        raise ValueError("it is cut short.")
    return storages


def _arrays(
    tensors: Mapping[str, _Tensor], content: Mapping[str, bytes]
) -> dict[str, np.ndarray]:
    arrays = {}
    for name, tensor in tensors.items():
        data = content[tensor.storage.key]
        if len(data) != _num_bytes(tensor.storage):
            raise ValueError(f"the storage of {name} is cut short.")
        flat = np.frombuffer(data, tensor.storage.dtype)[tensor.offset :]
        strides = [flat.itemsize * stride for stride in tensor.strides]
        arrays[name] = np.lib.stride_tricks.as_strided(
            flat, tensor.sizes, strides, writeable=False
        )
    return arrays


def _num_bytes(storage: _Storage) -> int:
    return storage.num_elements * np.dtype(storage.dtype).itemsize
