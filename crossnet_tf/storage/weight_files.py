"""Weights as plain arrays in a folder: small, portable, safe to read.

    config.json            the settings that the network is built from
    weights.safetensors    one array per weight, by the weight's path
    SHA256                 what `sha256sum` prints for both files

Folders of earlier releases have `weights.npz` instead, and are read as well.
A folder may come from a stranger, so that loading checks sizes and hashes,
then names and shapes (`array_files.py`) before an array is read, and lists
what does not fit.
"""

import hashlib
import json
import os
import pathlib
import re
import shutil

import keras
import numpy as np

from crossnet_tf import atomic, regular
from crossnet_tf.config import Config
from crossnet_tf.storage import array_files

_STEM = "weights"
WEIGHTS_FILE = f"{_STEM}.safetensors"
_CONFIG_FILE = "config.json"
_HASH_FILE = "SHA256"
_TEXT_BYTES = 2**20  # of settings and hashes, at most
_HASH_LINE = re.compile(r"([0-9a-f]{64}) [ *](\S.*)")


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
    if dtype not in array_files.DTYPES:
        raise ValueError(
            f"`dtype` must be one of {array_files.DTYPES}. "
            f"Received: dtype={dtype!r}."
        )
    with np.errstate(over="ignore"):  # infinity is refused below
        arrays = {n: np.asarray(w, dtype) for n, w in by_name(model).items()}
    broken = [n for n, a in arrays.items() if not np.isfinite(a).all()]
    if broken:
        raise ValueError(f"Weights must be finite in {dtype}: {broken}.")
    files = {
        WEIGHTS_FILE: array_files.to_bytes(arrays),
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
    weights = by_name(model)
    expected = {name: tuple(w.shape) for name, w in weights.items()}
    path = weights_path(directory) or directory / WEIGHTS_FILE
    _check_hashes(path, array_files.byte_limit(expected))
    arrays = array_files.read(path, expected)
    for name, weight in weights.items():
        weight.assign(arrays[name])


def weights_path(directory: str | os.PathLike) -> pathlib.Path | None:
    """The file of weights in a folder, the newer format first, if any."""
    folder = pathlib.Path(directory)
    paths = (folder / f"{_STEM}{end}" for end in array_files.SUFFIXES)
    return next((path for path in paths if path.exists()), None)


def by_name(model: keras.Model) -> dict[str, keras.Variable]:
    """Weights by their path in the network, its own name left out.

    The names are the same in every process, as all layers are named.
    """
    return {weight.path.partition("/")[2]: weight for weight in model.weights}


def _check_hashes(path: pathlib.Path, limit: int) -> None:
    """Compares both files with their hashes.

    Args:
        path: of the weights.
        limit: what they have at most, in bytes.
    """
    folder = path.parent
    hashes = _read_hashes(folder / _HASH_FILE)
    for file, most in ((folder / _CONFIG_FILE, _TEXT_BYTES), (path, limit)):
        regular.check_size(file, most)
        with open(file, "rb") as data:
            found = hashlib.file_digest(data, "sha256").hexdigest()
        if hashes.get(file.name) != found:
            raise ValueError(
                f"{file} is not the file that {_HASH_FILE} "
                "beside it was made for: damaged or changed."
            )


def _read_hashes(path: pathlib.Path) -> dict[str, str]:
    """Hash by name of file."""
    regular.check_size(path, _TEXT_BYTES)
    lines = path.read_text("ascii", errors="replace").splitlines()
    hashes = {}
    for line in lines:
        match = _HASH_LINE.fullmatch(line)
        if match is None:
            raise ValueError(
                f"`{path}` must hold what `sha256sum` prints. "
                f"Received: {line[:80]!r}."
            )
        hashes[match[2]] = match[1]
    return hashes


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
