"""Writes pictures as PNG (8 or 16 bit) or JPEG, by the file's suffix.

JPEG is written at quality 95 with full colour resolution (4:4:4). A picture
is encoded in memory and then takes its name in one step, so a full disk or a
kill leaves the old file whole. Commands call `check_output_path` before hours
of work, to refuse at the beginning what could not be written at the end.
"""

import io
import os
import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image

from crossnet_tf import atomic
from crossnet_tf.ops.quantization import to_steps

_SUFFIXES = (".png", ".jpg", ".jpeg")
_JPEG_MAX_SIDE = 65500
_TYPES = {8: np.uint8, 16: np.uint16}


def write_image(
    path: str | os.PathLike, array: np.ndarray, bit_depth: int = 8
) -> None:
    """Writes a picture, replacing what is there in one step.

    Args:
        path: ends in .png, .jpg or .jpeg; its folder exists.
        array: `[H, W, 3]`, as `encode_png` takes it.
        bit_depth: 8, or 16 (PNG only).

    Raises:
        FileNotFoundError: the folder does not exist.
        OSError: no permission, disk full; an old file is intact.
        ValueError: wrong suffix, array or bit depth.
    """
    path = check_output_path(path, bit_depth)
    if path.suffix.lower() == ".png":
        data = encode_png(array, bit_depth)
    else:
        data = encode_jpeg(array)
    try:
        atomic.write(path, data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def check_output_path(
    path: str | os.PathLike, bit_depth: int = 8
) -> pathlib.Path:
    """Refuses, before any work, a path that `write_image` could not write.

    Args:
        path: of the file to be written.
        bit_depth: 8, or 16 (PNG only).

    Returns:
        `path`.

    Raises:
        FileNotFoundError: the folder does not exist.
        PermissionError: no file may be made in it.
        ValueError: wrong suffix or bit depth, or `path` is a folder.
    """
    path = pathlib.Path(path)
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise ValueError(
            f"The output must end in one of {', '.join(_SUFFIXES)}. "
            f"Received: `{path}`."
        )
    _check_bit_depth(bit_depth)
    if bit_depth != 8 and suffix != ".png":
        raise ValueError(
            f"`bit_depth` must be 8 for JPEG; write a .png instead. "
            f"Received: bit_depth={bit_depth}, `{path}`."
        )
    if path.is_dir():
        raise ValueError(
            f"The output must be a file. Received: the folder `{path}`."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"The output's folder must exist; make it first. "
            f"Received: `{path}`."
        )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(
            f"The output's folder must be writable. Received: `{path}`."
        )
    return path


def encode_png(array: np.ndarray, bit_depth: int = 8) -> bytes:
    """A picture as PNG.

    Args:
        array: `[H, W, 3]`; float in [0, 1] (clipped beyond, rounded half up),
            or already uint8 for 8 bits, uint16 for 16.
        bit_depth: 8 or 16.

    Raises:
        ValueError: wrong shape, dtype or bit depth; NaN or infinity.
    """
    return tf.io.encode_png(_to_integers(array, bit_depth)).numpy()


def encode_jpeg(array: np.ndarray) -> bytes:
    """A picture as JPEG, quality 95, 4:4:4; `array` as for `encode_png`.

    Raises:
        ValueError: as `encode_png`, or a side above 65,500 pixels.
    """
    pixels = _to_integers(array, 8)
    if max(pixels.shape) > _JPEG_MAX_SIDE:
        raise ValueError(
            f"A JPEG's sides must be at most {_JPEG_MAX_SIDE}; write a .png "
            f"instead. Received: shape={pixels.shape}."
        )
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95, subsampling=0)
    return file.getvalue()


def _to_integers(array: np.ndarray, bit_depth: int) -> np.ndarray:
    _check_bit_depth(bit_depth)
    array, wanted = np.asarray(array), _TYPES[bit_depth]
    if array.ndim != 3 or array.shape[-1] != 3 or not array.size:
        raise ValueError(
            f"`array` must be [H, W, 3]. Received: shape={array.shape}."
        )
    if array.dtype == wanted:
        return array
    if not tf.as_dtype(array.dtype).is_floating:
        raise ValueError(
            f"`array` must be float in [0, 1] or {wanted.__name__}. "
            f"Received: dtype={array.dtype}."
        )
    if not np.isfinite(array).all():
        raise ValueError(
            "`array` must be finite. Received: NaN or infinity in "
            f"{np.mean(~np.isfinite(array)):.2%} of it."
        )
    return to_steps(array, np.iinfo(wanted).max).astype(wanted)


def _check_bit_depth(bit_depth: int) -> None:
    if bit_depth not in _TYPES:
        raise ValueError(
            f"`bit_depth` must be 8 or 16. Received: bit_depth={bit_depth}."
        )
