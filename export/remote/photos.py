"""A client's pictures: `[H, W, 3]` uint8, as they travel.

Files are read and written as the other commands do (`crossnet_tf.images`);
16 bits become 8 (`has_16_bits` tells, so that the user is told). On the wire
they are PNG.
"""

import io
import os
import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import Image, PngImagePlugin

from crossnet_tf import images
from crossnet_tf.ops.quantization import to_uint8

# What Pillow raises for bytes that are no PNG, or a damaged one.
_NO_PICTURE = (
    OSError,
    ValueError,
    SyntaxError,
    OverflowError,
    MemoryError,
    EOFError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
_WIRE_LEVEL = 1  # of PNG: networks are faster than level 6


def read(path: str | os.PathLike) -> np.ndarray:
    """Reads a picture file; raises as `images.read_image` does."""
    return to_uint8(images.read_image(path))


def has_16_bits(path: str | os.PathLike) -> bool:
    """True for a picture with more than 8 bits per channel."""
    return images.read_info(path).bit_depth > 8


def check_output(
    path: str | os.PathLike, inputs: Sequence[str | os.PathLike] = ()
) -> pathlib.Path:
    """Refuses, before any work, a path that could not or must not be written.

    Args:
        path: of the result.
        inputs: files that must stay as they are.

    Raises:
        ValueError: it is one of `inputs`; and as `images.check_output_path`.
    """
    path = images.check_output_path(path)
    for other in inputs:
        # Also by another name: a link, or a file system without capitals.
        if path.exists() and os.path.exists(other) and path.samefile(other):
            raise ValueError(
                "`output` must not be one of the inputs, which stay as they "
                f"are. Received: output={path}"
            )
    return path


def write(path: str | os.PathLike, image: np.ndarray) -> None:
    """Writes a picture in one step; raises as `images.write_image` does."""
    images.write_image(path, image)


def encode(image: np.ndarray) -> bytes:
    """A PNG file for the wire."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=_WIRE_LEVEL)
    return buffer.getvalue()


def decode(data: bytes, height: int, width: int) -> np.ndarray:
    """The inverse of `encode`, for a picture of a known size.

    Raises:
        ValueError: no PNG file of RGB, or of another size (not decoded then).
    """
    try:
        with PngImagePlugin.PngImageFile(io.BytesIO(data)) as image:
            if image.size != (width, height):
                found = "{} x {}".format(*image.size)
                raise ValueError(f"{found} instead of {width} x {height}")
            if image.mode != "RGB":
                raise ValueError(f"{image.mode} instead of RGB")
            return np.asarray(image)
    except _NO_PICTURE as error:
        raise ValueError(f"The server sent no picture: {error}") from error
