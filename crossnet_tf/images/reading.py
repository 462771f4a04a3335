"""Reads PNG and JPEG files as the network takes them.

Whatever the file holds, the result is RGB float32 in [0, 1]: grey and palette
images become RGB, 8 and 16 bits (by the header, never by the values) both
fill [0, 1], EXIF orientation is applied. Alpha is read if every pixel is
opaque; real transparency is refused, as there is no right background to put
it on. So are CMYK and animations. Colour profiles are ignored.

TensorFlow decodes PNG (all 16 bits, checksums verified), Pillow decodes JPEG
(with libjpeg's accurate transform) and EXIF.
"""

import io
import os
import pathlib
import stat
import warnings
from dataclasses import replace

import numpy as np
import tensorflow as tf
from PIL import Image, JpegImagePlugin

from crossnet_tf.images import headers
from crossnet_tf.images.headers import MAX_PIXELS, ImageInfo

_FORMAT_OF_SUFFIX = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg"}
_ORIENTATION_TAG = 0x0112
# All that may stand before a JPEG's frame header, and beyond what pixels take.
_METADATA_BYTES = 2**24
# Twice what 16-bit RGB with alpha takes when it does not compress at all.
_BYTES_PER_PIXEL = 16


def read_image(
    path: str | os.PathLike, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Reads a PNG or JPEG file.

    Args:
        path: the file.
        max_pixels: refuse larger pictures, before decoding.

    Returns:
        `[H, W, 3]` float32 in [0, 1].

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it may not be read.
        ValueError: anything else is wrong; the message names the file.
    """
    return read_image_with_info(path, max_pixels)[0]


def read_image_with_info(
    path: str | os.PathLike, max_pixels: int = MAX_PIXELS
) -> tuple[np.ndarray, ImageInfo]:
    """Like `read_image`, with what the header said (such as bit depth)."""
    path = pathlib.Path(path)
    _check_file(path)
    with open(path, "rb") as file:
        data = file.read(_METADATA_BYTES)
        info = headers.read_header(data, str(path), max_pixels)
        expected = _FORMAT_OF_SUFFIX.get(path.suffix.lower(), info.format)
        if info.format != expected:
            raise ValueError(
                f"Image `{path}` must hold what its suffix says. Received: a "
                f"{info.format.upper()} image. Rename or convert it."
            )
        data += file.read(_byte_limit(info) - len(data) + 1)
    return _decode(data, info, str(path))


def decode_image(
    data: bytes, name: str = "image", max_pixels: int = MAX_PIXELS
) -> tuple[np.ndarray, ImageInfo]:
    """Like `read_image_with_info`, for a file's content.

    Args:
        data: the whole PNG or JPEG.
        name: how messages call it.
        max_pixels: refuse larger pictures, before decoding.
    """
    return _decode(data, headers.read_header(data, name, max_pixels), name)


def _check_file(path: pathlib.Path) -> None:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f"Image `{path}` must exist. Received: no such file."
        ) from None
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device or pipe"
        raise ValueError(f"Image `{path}` must be a file. Received: {kind}.")


def _byte_limit(info: ImageInfo) -> int:
    return _METADATA_BYTES + _BYTES_PER_PIXEL * info.width * info.height


def _decode(
    data: bytes, info: ImageInfo, name: str
) -> tuple[np.ndarray, ImageInfo]:
    if len(data) > _byte_limit(info):
        raise ValueError(
            f"Image `{name}` must not be larger than its pixels need. "
            f"Received: more than {_byte_limit(info):,} bytes for "
            f"{info.width}x{info.height}. Save it anew as PNG."
        )
    decode = _decode_png if info.format == "png" else _decode_jpeg
    pixels, info = decode(data, info, name)
    if pixels.shape[-1] in (2, 4):
        _check_opaque(pixels[..., -1], name)
        pixels = pixels[..., :-1]
    if pixels.shape[-1] == 1:
        pixels = np.repeat(pixels, 3, axis=-1)
    pixels = _upright(pixels, info.orientation).astype(np.float32)
    pixels /= np.float32(65535 if info.bit_depth == 16 else 255)
    return pixels, info


def _decode_png(
    data: bytes, info: ImageInfo, name: str
) -> tuple[np.ndarray, ImageInfo]:
    channels = 0
    for kind, content in headers.png_chunks(data, name):
        if kind == b"acTL":
            raise ValueError(
                f"Image `{name}` must be a single picture. Received: an "
                "animated PNG. Save one frame of it."
            )
        if kind == b"tRNS":
            info, channels = replace(info, has_alpha=True), 4
        if kind == b"eXIf":
            info = replace(info, orientation=_orientation(bytes(content)))
    dtype = tf.uint16 if info.bit_depth == 16 else tf.uint8
    try:
        pixels = tf.io.decode_png(data, channels=channels, dtype=dtype)
    except tf.errors.InvalidArgumentError:
        raise _damaged(name) from None
    return _of_size(pixels.numpy(), info, name), info


def _decode_jpeg(
    data: bytes, info: ImageInfo, name: str
) -> tuple[np.ndarray, ImageInfo]:
    headers.check_scans(data, name)
    try:
        # Not `Image.open`: its own limit is global and ends in a warning.
        with (
            warnings.catch_warnings(action="ignore"),
            JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as image,
        ):
            exif = image.info.get("exif", b"")
            pixels = np.array(image)
    except (OSError, SyntaxError, ValueError):
        raise _damaged(name) from None
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    info = replace(info, orientation=_orientation(exif))
    return _of_size(pixels, info, name), info


def _of_size(pixels: np.ndarray, info: ImageInfo, name: str) -> np.ndarray:
    """Guards against a decoder that reads another header than ours."""
    if pixels.shape[:2] != (info.height, info.width):
        raise _damaged(name)
    return pixels


def _orientation(exif: bytes) -> int:
    """1 to 8; unreadable metadata turns no picture."""
    tags = Image.Exif()
    try:
        with warnings.catch_warnings(action="ignore"):
            tags.load(exif)
            orientation = tags.get(_ORIENTATION_TAG, 1)
    except Exception:  # Pillow raises errors of many kinds here
        return 1
    return orientation if orientation in range(1, 9) else 1


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _check_opaque(alpha: np.ndarray, name: str) -> None:
    share = float(np.mean(alpha != np.iinfo(alpha.dtype).max))
    if share:
        raise ValueError(
            f"Image `{name}` must be opaque. Received: transparency in "
            f"{share:.2%} of its pixels. Put it on a background first, for "
            "example with `magick IN -background white -flatten OUT`."
        )


def _damaged(name: str) -> ValueError:
    return ValueError(
        f"Image `{name}` must be whole. Received: a damaged or truncated "
        "file. Copy or download it again."
    )
