"""Reads and writes pictures with Pillow alone, where TensorFlow is not.

Pictures are `[H, W, 3]` uint8 here, as they travel. EXIF orientation is
applied; 16-bit pictures lose their lower 8 bits (`has_16_bits` tells, so that
the user is told); of the several pictures in a phone's JPEG the first counts;
transparency, CMYK and animations are refused, and so is, before it is decoded,
a file that claims more pixels than Pillow's limit against bombs (89 million).
"""

import io
import os
import pathlib
import stat
import warnings
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

from crossnet_tf import atomic

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
_JPEG_QUALITY = 95
_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
_PNG_SIGNATURE, _DEPTH_AT = b"\x89PNG\r\n\x1a\n", 24
_WIRE_LEVEL = 1  # of PNG: networks are faster than level 6


def read(path: str | os.PathLike) -> np.ndarray:
    """Reads a PNG or JPEG file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it cannot be used; the message names it.
    """
    try:
        _check_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=["PNG", "JPEG"]) as image:
                return _rgb(image)
    except FileNotFoundError:
        raise
    except _UNREADABLE as error:
        raise ValueError(f"Cannot use {path}: {error}") from error


def encode(image: np.ndarray) -> bytes:
    """A PNG file for the wire."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=_WIRE_LEVEL)
    return buffer.getvalue()


def decode(data: bytes, height: int, width: int) -> np.ndarray:
    """The inverse of `encode`, for a picture of a known size.

    Raises:
        ValueError: no PNG file, or of another size (not decoded then).
    """
    try:
        with PngImagePlugin.PngImageFile(io.BytesIO(data)) as image:
            if image.size != (width, height):
                found = "{} x {}".format(*image.size)
                raise ValueError(f"{found} instead of {width} x {height}")
            return _rgb(image)
    except (*_UNREADABLE, OverflowError, MemoryError, EOFError) as error:
        raise ValueError(f"The server sent no picture: {error}") from error


def has_16_bits(path: str | os.PathLike) -> bool:
    """True for a PNG with more than 8 bits per channel."""
    with open(path, "rb") as file:
        start = file.read(_DEPTH_AT + 1)
    return start.startswith(_PNG_SIGNATURE) and start[_DEPTH_AT:] == b"\x10"


def check_output(
    path: str | os.PathLike, inputs: Sequence[str | os.PathLike] = ()
) -> pathlib.Path:
    """Refuses, before any work, a path that could not or must not be written.

    Args:
        path: of the result.
        inputs: files that must stay as they are.

    Raises:
        ValueError: another suffix than .png, .jpg, .jpeg, or one of `inputs`.
        FileNotFoundError: its folder does not exist.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise ValueError(
            f"`output` must end in .png or .jpg. Received: output={path}"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"`output` must be in a folder that exists. Received: output={path}"
        )
    if path.is_dir():
        raise ValueError(f"`output` must be a file. Received: output={path}")
    for other in inputs:
        # Also by another name: a link, or a file system without capitals.
        if path.exists() and os.path.exists(other) and path.samefile(other):
            raise ValueError(
                "`output` must not be one of the inputs, which stay as they "
                f"are. Received: output={path}"
            )
    return path


def write(path: str | os.PathLike, image: np.ndarray) -> None:
    """Writes a picture in one step.

    Raises:
        OSError: no permission, disk full; an old file is intact.
    """
    path = pathlib.Path(path)
    buffer = io.BytesIO()
    kind = _FORMATS[path.suffix.lower()]
    options = {"quality": _JPEG_QUALITY, "subsampling": 0}
    options = options if kind == "JPEG" else {}
    Image.fromarray(image).save(buffer, kind, **options)
    atomic.write(path, buffer.getvalue())


def _check_file(path: str | os.PathLike) -> None:
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError("it is no regular file.")


def _rgb(image: Image.Image) -> np.ndarray:
    # MPO: a JPEG with more pictures behind it, such as a preview or depth.
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        raise ValueError("it is an animation.")
    if image.mode == "CMYK":
        raise ValueError("it is CMYK; convert it to RGB.")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        return np.repeat(np.uint8(np.asarray(image) >> 8)[..., None], 3, 2)
    if image.has_transparency_data:
        pixels = np.asarray(image.convert("RGBA"))
        if pixels[..., 3].min() < 255:
            raise ValueError("it is transparent.")
        return pixels[..., :3].copy()
    return np.asarray(image.convert("RGB"))
