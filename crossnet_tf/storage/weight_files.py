"""Weights as plain arrays in a folder: small, portable, safe to read.

    config.json    the settings that the network is built from
    weights.npz    one array per weight, by the weight's path; no pickles
    SHA256         what `sha256sum` prints for both files

The file may come from a stranger, so that loading checks the hash, then the
names, shapes and sizes before an array is read, and lists what does not fit.
"""

import hashlib
import io
import json
import os
import pathlib
import shutil
import zipfile

import keras
import numpy as np

from crossnet_tf import atomic
from crossnet_tf.config import Config

WEIGHTS_FILE = "weights.npz"
_CONFIG_FILE = "config.json"
_HASH_FILE = "SHA256"
_DTYPES = ("float16", "float32")


def save_weights(
    model: keras.Model,
    config: Config,
    directory: str | os.PathLike,
    dtype: str = "float32",
) -> None:
    """Makes a folder that `runs.load_model` can read.

    Args:
        model: a built network.
        config: the settings of its run.
        directory: the folder to make; must not exist.
        dtype: "float32", or "float16" for half the size.

    Raises:
        ValueError: unknown `dtype`, or a weight is not finite in it.
        OSError: it exists or cannot be written.
    """
    if dtype not in _DTYPES:
        raise ValueError(
            f"`dtype` must be one of {_DTYPES}. Received: dtype={dtype!r}."
        )
    with np.errstate(over="ignore"):  # infinity is refused below
        arrays = {n: np.asarray(w, dtype) for n, w in by_name(model).items()}
    broken = [n for n, a in arrays.items() if not np.isfinite(a).all()]
    if broken:
        raise ValueError(f"Weights must be finite in {dtype}: {broken}.")
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    files = {
        WEIGHTS_FILE: buffer.getvalue(),
        _CONFIG_FILE: (json.dumps(config.to_dict(), indent=2) + "\n").encode(),
    }
    hashes = "".join(f"{_sha256(d)}  {name}\n" for name, d in files.items())
    files[_HASH_FILE] = hashes.encode()
    _make_folder(pathlib.Path(directory), files)


def load_weights(model: keras.Model, directory: str | os.PathLike) -> None:
    """Fills a built network from a folder that `save_weights` made.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: wrong hash, not a plain array file, or names and shapes
            that do not fit the network (all are listed).
    """
    directory = pathlib.Path(directory)
    data = _checked(directory)
    weights = by_name(model)
    expected = {name: tuple(w.shape) for name, w in weights.items()}
    try:
        arrays = _read_arrays(data, expected)
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError) as error:
        raise ValueError(
            f"Cannot use {directory / WEIGHTS_FILE}: {error}"
        ) from error
    for name, weight in weights.items():
        weight.assign(arrays[name])


def by_name(model: keras.Model) -> dict[str, keras.Variable]:
    """Weights by their path in the network, its own name left out.

    The names are the same in every process, as all layers are named.
    """
    return {weight.path.partition("/")[2]: weight for weight in model.weights}


def _checked(directory: pathlib.Path) -> bytes:
    """The content of the weights file, once all hashes are right."""
    lines = (directory / _HASH_FILE).read_text("ascii").splitlines()
    hashes = dict(reversed(line.split(maxsplit=1)) for line in lines)
    for name in (_CONFIG_FILE, WEIGHTS_FILE):
        data = (directory / name).read_bytes()
        if hashes.get(name) != _sha256(data):
            raise ValueError(
                f"{directory / name} is not the file that {_HASH_FILE} "
                "beside it was made for: damaged or changed."
            )
    return data


def _read_arrays(
    data: bytes, expected: dict[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """Arrays by name; nothing large is made before all sizes are known."""
    arrays, problems = {}, []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = {
            info.filename.removesuffix(".npy") for info in archive.filelist
        }
        problems += [f"{n} is missing" for n in sorted(set(expected) - names)]
        problems += [f"{n} is unknown" for n in sorted(names - set(expected))]
        for name in sorted(names & set(expected)):
            shape, dtype = _header(archive, name)
            if shape != expected[name]:
                problems.append(f"{name} has {shape}, not {expected[name]}")
            elif dtype.name not in _DTYPES:
                problems.append(f"{name} is {dtype.name}, not a float")
        if problems:
            raise ValueError("; ".join(problems) + ".")
        for name in expected:
            with archive.open(f"{name}.npy") as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
            if not np.isfinite(array).all():
                raise ValueError(f"{name} is not finite.")
            arrays[name] = array.astype("float32")
    return arrays


def _header(
    archive: zipfile.ZipFile, name: str
) -> tuple[tuple[int, ...], np.dtype]:
    with archive.open(f"{name}.npy") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return shape, dtype


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _make_folder(folder: pathlib.Path, files: dict[str, bytes]) -> None:
    """The folder gets its name when all files are in it."""
    if folder.exists():
        raise FileExistsError(
            f"`directory` must be new. Received: directory={folder}"
        )
    temporary = folder.parent / f".{folder.name}.{os.getpid()}.tmp"
    try:
        for name, data in files.items():
            atomic.write(temporary / name, data)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
