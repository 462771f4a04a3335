"""Named arrays in one file, read only after their names and shapes fit.

    weights.safetensors    what is written: a JSON header, then plain bytes
    weights.npz            what was written before; still read

Such a file may come from a stranger. Its size is compared with what is
expected before anything is read, then names, shapes and dtypes of the header,
and only then bytes become arrays. No format here can hold code.

References: https://huggingface.co/docs/safetensors (format);
`numpy.lib.format` (NPY, in a zip file).
"""

import math
import os
import pathlib
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

import numpy as np
import safetensors
import safetensors.numpy

from crossnet_tf import regular

SUFFIXES = (".safetensors", ".npz")
DTYPES = ("float16", "float32")
_DTYPE_NAMES = {"F16": "float16", "F32": "float32"}  # in a safetensors header
# Names, shapes and padding; the longest name of a weight has 60 letters.
_HEADER_BYTES, _HEADER_BYTES_PER_ARRAY = 2**16, 2**11
_DAMAGE = (
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,  # an encrypted or unknown compression
    NotImplementedError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    safetensors.SafetensorError,
)

Shape = tuple[int, ...]


def to_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The content of a `.safetensors` file.

    Args:
        arrays: float16 or float32, by name.
    """
    return safetensors.numpy.save(
        {name: np.asarray(a, order="C") for name, a in arrays.items()}
    )


def read(
    path: str | os.PathLike, expected: Mapping[str, Shape]
) -> dict[str, np.ndarray]:
    """Reads all arrays of a file, if they are those that are expected.

    Args:
        path: ends in one of `SUFFIXES`.
        expected: the shapes by name; the file must hold these and no others.

    Returns:
        float32 arrays by name, all finite.

    Raises:
        FileNotFoundError: there is none.
        ValueError: damaged, too large, or something does not fit (all names
            and shapes that do not are listed); the message names the file.
    """
    path = pathlib.Path(path)
    regular.check_size(path, byte_limit(expected))
    is_npz = path.suffix == ".npz"
    try:
        return (_read_npz if is_npz else _read_safetensors)(path, expected)
    except _DAMAGE as error:
        raise ValueError(f"Cannot use {path}: {_line(error)}") from error


def byte_limit(expected: Mapping[str, Shape]) -> int:
    """What a file of these arrays has at most."""
    data = 4 * sum(math.prod(shape) for shape in expected.values())
    return data + _header_limit(expected)


def _read_safetensors(
    path: pathlib.Path, expected: Mapping[str, Shape]
) -> dict[str, np.ndarray]:
    _check_header_length(path, _header_limit(expected))
    with safetensors.safe_open(path, framework="np") as file:

        def header(name: str) -> tuple[Shape, str]:
            part = file.get_slice(name)
            dtype = part.get_dtype()
            return tuple(part.get_shape()), _DTYPE_NAMES.get(dtype, dtype)

        _check_names(set(file.keys()), expected, header)
        return {
            name: _checked(file.get_tensor(name), name) for name in expected
        }


def _check_header_length(path: pathlib.Path, limit: int) -> None:
    """The library takes headers of 100 MB, which become gigabytes."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
    if length > limit:
        raise ValueError(
            f"its header must have at most {limit:,} bytes. "
            f"Received: {length:,} bytes."
        )


def _read_npz(
    path: pathlib.Path, expected: Mapping[str, Shape]
) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:

        def header(name: str) -> tuple[Shape, str]:
            with archive.open(f"{name}.npy") as file:
                np.lib.format.read_magic(file)
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            return shape, dtype.name

        members = (info.filename for info in archive.filelist)
        names = {name.removesuffix(".npy") for name in members}
        _check_names(names, expected, header)
        arrays = {}
        for name in expected:
            with archive.open(f"{name}.npy") as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
            arrays[name] = _checked(array, name)
        return arrays


def _check_names(
    names: set[str],
    expected: Mapping[str, Shape],
    header: Callable[[str], tuple[Shape, str]],
) -> None:
    """Compares what a file says that it holds; reads no array.

    Args:
        names: of its arrays.
        expected: as for `read`.
        header: gives shape and dtype of a name.
    """
    problems = [f"{n} is missing" for n in sorted(set(expected) - names)]
    problems += [f"{n} is unknown" for n in sorted(names - set(expected))]
    for name in sorted(names & set(expected)):
        shape, dtype = header(name)
        if shape != expected[name]:
            problems.append(f"{name} has {shape}, not {expected[name]}")
        elif dtype not in DTYPES:
            problems.append(f"{name} is {dtype}, not a float")
    if problems:
        raise ValueError("; ".join(problems) + ".")


def _checked(array: np.ndarray, name: str) -> np.ndarray:
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is not finite.")
    return array.astype("float32")


def _header_limit(expected: Mapping[str, Shape]) -> int:
    return _HEADER_BYTES + _HEADER_BYTES_PER_ARRAY * len(expected)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
