"""Reads and writes pictures with Pillow alone, where TensorFlow is not.

Pictures are `[H, W, 3]` uint8 here, as they travel. EXIF orientation is
applied; 16-bit pictures lose their lower 8 bits; transparency, CMYK and
animations are refused, and so is, before it is decoded, a file that claims
more pixels than Pillow's limit against bombs (89 million).
"""

import io
import os
import pathlib
import warnings

import numpy as np
from PIL import Image, ImageOps

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
_WIRE_LEVEL = 1  # of PNG: networks are faster than level 6


def read(path: str | os.PathLike) -> np.ndarray:
    """Reads a PNG or JPEG file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it cannot be used; the message names it.
    """
    try:
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


def decode(data: bytes) -> np.ndarray:
    """The inverse of `encode`.

    Raises:
        ValueError: not a PNG file.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            return _rgb(image)
    except (OSError, SyntaxError) as error:
        raise ValueError(f"The server sent no picture: {error}") from error


def check_output(path: str | os.PathLike) -> pathlib.Path:
    """Refuses, before any work, a path that could not be written.

    Raises:
        ValueError: another suffix than .png, .jpg, .jpeg.
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


def _rgb(image: Image.Image) -> np.ndarray:
    if getattr(image, "n_frames", 1) > 1:
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
