"""Reads tensors from a PyTorch checkpoint without PyTorch and without trust.

A checkpoint is a pickle (`torch_pickles.py`, which runs nothing) and the
bytes of the storages that its tensors are views of. Both forms are read:

- since PyTorch 1.6, a zip archive: NAME/data.pkl, and NAME/data/KEY with the
  plain bytes of each storage;
- before, four pickles (magic number, version, system, tensors), then the
  keys of the storages as a fifth, then for each its length and bytes.

Only what the weights need is read. A tensor is a view (offset, sizes,
strides) of a storage; its bounds are checked before a byte is read, and each
storage's size is compared with its place in the file. So memory stays within
the size of the file, and that within `_MAX_BYTES`.
"""

import io
import math
import os
import pathlib
import struct
import zipfile
from collections.abc import Mapping
from typing import IO, Any, BinaryIO, NamedTuple

import ml_dtypes
import numpy as np

from crossnet_tf import regular
from crossnet_tf.storage import torch_entries, torch_pickles
from crossnet_tf.storage.torch_pickles import Storage, Tensor

_MAGIC = 0x1950A86A20F9469CFC6C
_MAX_BYTES = 2 << 30
_MAX_LIST_BYTES = 1 << 24  # of members
_LONGEST_SIDE = 1 << 20
_LEGACY_PICKLES = 5
_DTYPES = {**np.sctypeDict, "bfloat16": ml_dtypes.bfloat16}


class StateDict(NamedTuple):
    """What was found in a checkpoint.

    Attributes:
        entry: its path in the file; "": the file holds nothing else.
        arrays: by name, not to be written to.
    """

    entry: str
    arrays: dict[str, np.ndarray]


def read_state_dict(path: str | os.PathLike, entry: str = "") -> StateDict:
    """Reads the tensors of a saved `state_dict`.

    It may lie in a training's checkpoint; `torch_entries` finds it there.
    Prefixes that `DataParallel` and `torch.compile` put before each name are
    removed.

    Args:
        path: a file that `torch.save` wrote.
        entry: which of several to take, such as "params_ema".

    Raises:
        FileNotFoundError: there is none.
        ValueError: not such a file, damaged, or not clear what to take; says
            what.
    """
    path = pathlib.Path(path)
    _check_file(path)
    try:
        with path.open("rb") as file:
            is_zip = zipfile.is_zipfile(file)
            file.seek(0)
            return (_read_zip if is_zip else _read_legacy)(file, entry)
    except (
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        struct.error,
        zipfile.BadZipFile,
    ) as error:
        raise ValueError(
            f"{path} is not a PyTorch state_dict that can be read safely: "
            f"{error}"
        ) from error


def _check_file(path: pathlib.Path) -> None:
    if not path.exists():
        raise FileNotFoundError(
            f"`from` must be a PyTorch checkpoint. Received: from={path}"
        )
    try:
        regular.check_size(path, _MAX_BYTES)
    except ValueError as error:
        raise ValueError(
            f"`from` must be a PyTorch checkpoint: {error}"
        ) from error


def _read_zip(file: BinaryIO, entry: str) -> StateDict:
    guarded: Any = _Guarded(file)
    with zipfile.ZipFile(guarded) as archive:
        infos = {info.filename: info for info in archive.infolist()}
        pickles = [n for n in infos if n.count("/") == 1]
        pickles = [n for n in pickles if n.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError("it has no data.pkl, or more than one.")
        folder = pickles[0].partition("/")[0]
        order = infos.get(f"{folder}/byteorder")
        if order and _content(archive, order, 16) != b"little":
            raise ValueError("its byte order is not `little`.")
        program = _content(archive, infos[pickles[0]], torch_pickles.MAX_BYTES)
        name, tensors = torch_entries.find(
            torch_pickles.load_bytes(program).value, entry
        )
        content = {}
        for key, storage in _storages(tensors, file).items():
            info = infos.get(f"{folder}/data/{key}")
            size = _num_bytes(storage)
            if info is None or info.file_size != size:
                found = info.file_size if info else 0
                raise ValueError(f"storage {key!r} has {found:,} bytes.")
            content[key] = _content(archive, info, size)
        return StateDict(name, _arrays(tensors, content))


class _Guarded:
    """A file that gives no more at once than an honest archive asks for.

    `zipfile` reads the list of members in one piece, as long as it says that
    it is, and makes an object of each.
    """

    def __init__(self, file: BinaryIO):
        self._file = file
        self.seek, self.tell = file.seek, file.tell
        self.seekable = file.seekable

    def read(self, size: int = -1) -> bytes:
        left = os.fstat(self._file.fileno()).st_size - self._file.tell()
        size = left if size < 0 else min(size, left)
        if size > _MAX_LIST_BYTES:
            raise ValueError("its list of members is too long.")
        return self._file.read(size)


def _content(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int
) -> bytes:
    """A member of at most `limit` bytes."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError("it is compressed, which PyTorch never does.")
    if info.file_size > limit:
        raise ValueError(f"{info.filename[:80]!r} is too long.")
    with archive.open(info) as member:
        return _pieces(member, info.file_size)


def _pieces(file: IO[bytes], size: int) -> bytes:
    """Reads `size` bytes, or what is there of them."""
    data = bytearray()
    while size > len(data) and (
        piece := file.read(min(size - len(data), 1 << 20))
    ):
        data += piece
    return bytes(data)


def _read_legacy(file: BinaryIO, entry: str) -> StateDict:
    data = io.BytesIO(file.read(_LEGACY_PICKLES * torch_pickles.MAX_BYTES))
    if not data.getvalue()[:2].startswith(b"\x80"):
        raise ValueError("it begins neither as a zip file nor as a pickle.")
    load = torch_pickles.load
    if load(data).value != _MAGIC:
        raise ValueError("its magic number is not PyTorch's.")
    _, system = load(data), load(data).value
    if not isinstance(system, dict) or not system.get("little_endian"):
        raise ValueError("its byte order is not little endian.")
    root, storages = load(data)
    name, tensors = torch_entries.find(root, entry)
    wanted, content = _storages(tensors, file), {}
    keys = load(data).value
    file.seek(data.tell())
    for key in keys:
        (count,) = struct.unpack("<q", file.read(8))
        if count != storages[key].num_elements:
            raise ValueError(f"storage {key!r} has {count} elements.")
        if key in wanted:
            content[key] = _pieces(file, _num_bytes(wanted[key]))
        else:
            file.seek(_num_bytes(storages[key]), os.SEEK_CUR)
    return StateDict(name, _arrays(tensors, content))


def _storages(
    tensors: Mapping[str, Tensor], file: BinaryIO
) -> dict[str, Storage]:
    """All storages by key; together no larger than the file."""
    for name, tensor in tensors.items():
        _check(name, tensor)
    storages = {t.storage.key: t.storage for t in tensors.values()}
    size = os.fstat(file.fileno()).st_size
    if sum(map(_num_bytes, storages.values())) > size:
        raise ValueError("it is cut short.")
    return storages


def _check(name: str, tensor: Tensor) -> None:
    """The view must lie within its storage."""
    storage, offset, sizes, strides = tensor
    if not (
        isinstance(storage, Storage)
        and isinstance(sizes, tuple)
        and isinstance(strides, tuple)
        and all(isinstance(n, int) for n in (offset, *sizes, *strides))
        and min(offset, *sizes, *strides, 0) == 0
    ):
        raise ValueError(f"{name[:80]!r} has an odd form.")
    last = offset + sum(
        (size - 1) * stride for size, stride in zip(sizes, strides, strict=True)
    )
    if (
        0 in sizes
        or max(sizes, default=1) > _LONGEST_SIDE
        or max(last + 1, math.prod(sizes)) > storage.num_elements
    ):
        raise ValueError(f"{name[:80]!r} reaches beyond its storage.")


def _arrays(
    tensors: Mapping[str, Tensor], content: Mapping[str, bytes]
) -> dict[str, np.ndarray]:
    arrays = {}
    for name, tensor in tensors.items():
        storage = tensor.storage
        data = content[storage.key]
        if len(data) != _num_bytes(storage):
            raise ValueError(f"the storage of {name[:80]!r} is cut short.")
        flat = np.frombuffer(data, _dtype(storage))[tensor.offset :]
        strides = [flat.itemsize * stride for stride in tensor.strides]
        array = np.lib.stride_tricks.as_strided(
            flat, tensor.sizes, strides, writeable=False
        )
        is_bfloat16 = storage.dtype == "bfloat16"  # which NumPy lacks
        arrays[name] = array.astype(np.float32) if is_bfloat16 else array
    return arrays


def _num_bytes(storage: Storage) -> int:
    return storage.num_elements * _dtype(storage).itemsize


def _dtype(storage: Storage) -> np.dtype:
    return np.dtype(_DTYPES[storage.dtype])
