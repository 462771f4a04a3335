"""Reads picture files of any usual kind, trusting nothing in them.

`read_picture` gives all that a file says: pixels upright, alpha, colour
profile, metadata. `read_image` gives what the network takes: RGB float32 in
[0, 1], in sRGB. 8 and 16 bits (by the header, never by the values) both fill
[0, 1]; grey and palette pictures become RGB; CMYK is converted by its profile.
"""

import dataclasses
import os
import pathlib
import stat

import numpy as np
import pyvips

from crossnet_tf.config import MAX_PIXELS
from crossnet_tf.images import decoding, formats, headers, profiles
from crossnet_tf.images.headers import ImageInfo
from crossnet_tf.images.picture import Picture

# All that may stand before a JPEG's frame header, and beyond what pixels take.
_METADATA_BYTES = 2**24
# Twice what 16-bit RGB with alpha takes when it does not compress at all.
_BYTES_PER_PIXEL = 16
_MM_PER_INCH = 25.4


def read_image(
    path: str | os.PathLike, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Reads a picture file as the network takes it.

    Args:
        path: the file: PNG, JPEG, TIFF, WebP, BMP, AVIF or HEIC.
        max_pixels: refuse larger pictures, before decoding.

    Returns:
        `[H, W, 3]` float32 in [0, 1], sRGB.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it may not be read.
        ValueError: anything else is wrong, transparency included; the
            message names the file.

    Example:
        >>> import crossnet_tf, numpy as np, os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "black.png")
        ...     crossnet_tf.write_image(path, np.zeros((4, 6, 3)))
        ...     crossnet_tf.read_image(path).shape
        (4, 6, 3)
    """
    return read_image_with_info(path, max_pixels)[0]


def read_image_with_info(
    path: str | os.PathLike, max_pixels: int = MAX_PIXELS
) -> tuple[np.ndarray, ImageInfo]:
    """Like `read_image`, with what the header said (such as bit depth)."""
    picture = read_picture(path, max_pixels)
    return _opaque_srgb(picture, str(path)), picture.info


def decode_image(
    data: bytes, name: str = "image", max_pixels: int = MAX_PIXELS
) -> tuple[np.ndarray, ImageInfo]:
    """Like `read_image_with_info`, for a file's content.

    Args:
        data: the whole file.
        name: how messages call it.
        max_pixels: refuse larger pictures, before decoding.
    """
    picture = decode_picture(data, name, max_pixels)
    return _opaque_srgb(picture, name), picture.info


def read_picture(
    path: str | os.PathLike, max_pixels: int = MAX_PIXELS
) -> Picture:
    """Reads a picture file with alpha, profile and metadata.

    Args:
        path: the file.
        max_pixels: refuse larger pictures, before decoding.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it may not be read.
        ValueError: anything else is wrong; the message names the file.
    """
    path = pathlib.Path(path)
    data, kind = _read_bytes(path, max_pixels)
    expected = formats.SUFFIXES.get(path.suffix.lower(), kind)
    if kind != expected:
        raise ValueError(
            f"Image `{path}` must hold what its suffix says. Received: a "
            f"{kind.upper()} image. Rename or convert it."
        )
    return _decoded(data, kind, str(path), max_pixels)


def decode_picture(
    data: bytes, name: str = "image", max_pixels: int = MAX_PIXELS
) -> Picture:
    """Like `read_picture`, for a file's content."""
    return _decoded(data, _kind(data, name), name, max_pixels)


def read_info(
    path: str | os.PathLike, max_pixels: int = MAX_PIXELS
) -> ImageInfo:
    """What a file's header says; no pixel is decoded.

    Raises:
        as `read_picture`.
    """
    path = pathlib.Path(path)
    data, kind = _read_bytes(path, max_pixels)
    return _opened(data, kind, str(path), max_pixels)[1]


def _read_bytes(path: pathlib.Path, max_pixels: int) -> tuple[bytes, str]:
    """Content and format, bounded by what the claimed pixels may take."""
    _check_file(path)
    with open(path, "rb") as file:
        data = file.read(_METADATA_BYTES)
        kind = _kind(data, str(path))
        pixels = max_pixels
        if kind in headers.KNOWN:
            info = headers.read_header(data, str(path), max_pixels)
            pixels = info.width * info.height
        data += file.read(_byte_limit(pixels) - len(data) + 1)
    return data, kind


def _kind(data: bytes, name: str) -> str:
    kind = formats.format_of(data)
    if kind is None:
        raise ValueError(
            f"Image `{name}` must be a picture: PNG, JPEG, TIFF, WebP, BMP, "
            f"AVIF or HEIC. Received: {formats.describe(data)}."
        )
    return kind


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


def _byte_limit(pixels: int) -> int:
    return _METADATA_BYTES + _BYTES_PER_PIXEL * pixels


def _opened(
    data: bytes, kind: str, name: str, max_pixels: int
) -> tuple[pyvips.Image, ImageInfo]:
    """Checks all that can be checked before a pixel is decoded."""
    claimed = None
    if kind in headers.KNOWN:
        claimed = headers.read_header(data, name, max_pixels)
        _check_length(data, claimed, name)
        headers.check_parts(data, name)
    image = decoding.open_image(data, kind, name, max_pixels)
    info = decoding.info_of(image, kind)
    headers.check_size(info, name, max_pixels)
    _check_length(data, info, name)
    if claimed is None:
        return image, info
    if (claimed.width, claimed.height) != (info.width, info.height):
        raise headers.damaged(name)
    return image, dataclasses.replace(
        claimed, has_alpha=info.has_alpha, orientation=info.orientation
    )


def _check_length(data: bytes, info: ImageInfo, name: str) -> None:
    limit = _byte_limit(info.width * info.height)
    if len(data) > limit:
        raise ValueError(
            f"Image `{name}` must not be larger than its pixels need. "
            f"Received: more than {limit:,} bytes for "
            f"{info.width}x{info.height}. Save it anew as PNG."
        )


def _decoded(data: bytes, kind: str, name: str, max_pixels: int) -> Picture:
    image, info = _opened(data, kind, name, max_pixels)
    pixels = decoding.pixels_of(image, data, kind, name)
    alpha = None
    if info.has_alpha:
        alpha, pixels = _unit(pixels[..., -1]), pixels[..., :-1]
        alpha = None if alpha.min() == 1 else alpha
    rgb, profile, notes = _colors(image, pixels)
    pages = image.get("n-pages") if image.get_typeof("n-pages") else 1
    return Picture(
        rgb=rgb,
        info=info,
        alpha=alpha,
        grey=pixels.shape[-1] == 1,
        profile=profile,
        exif=decoding.block(image, "exif-data"),
        xmp=decoding.block(image, "xmp-data"),
        dpi=_dpi(image),
        notes=notes + ((f"the first of {pages} pages",) if pages > 1 else ()),
    )


def _colors(
    image: pyvips.Image, pixels: np.ndarray
) -> tuple[np.ndarray, bytes, tuple[str, ...]]:
    """RGB float32, the profile that it is in, and what went wrong."""
    if image.interpretation == "cmyk":
        return profiles.of_cmyk(image.autorot()), b"", ()
    rgb = _unit(pixels)
    if rgb.shape[-1] == 1:
        # A grey profile differs from sRGB in the curve alone, if at all.
        return np.repeat(rgb, 3, axis=-1), b"", ()
    profile = decoding.block(image, "icc-profile-data")
    try:
        return rgb, b"" if profiles.is_srgb(profile) else profile, ()
    except ValueError as error:
        return rgb, b"", (f"{error}; taken as sRGB",)


def _unit(pixels: np.ndarray) -> np.ndarray:
    top = 65535 if pixels.dtype == np.uint16 else 255
    return pixels.astype(np.float32) / np.float32(top)


def _dpi(image: pyvips.Image) -> tuple[float, float] | None:
    """Libvips says 1 pixel per mm where a file says nothing."""
    dpi = image.xres * _MM_PER_INCH, image.yres * _MM_PER_INCH
    return None if (image.xres, image.yres) == (1.0, 1.0) else dpi


def _opaque_srgb(picture: Picture, name: str) -> np.ndarray:
    if picture.alpha is not None:
        share = float(np.mean(picture.alpha != 1))
        raise ValueError(
            f"Image `{name}` must be opaque. Received: transparency in "
            f"{share:.2%} of its pixels. Put it on a background first, for "
            "example with `magick IN -background white -flatten OUT`."
        )
    return profiles.convert(picture.rgb, picture.profile, b"")
