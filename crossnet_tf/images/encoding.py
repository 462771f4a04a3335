"""Encodes integer pixels in the formats that are written, with metadata."""

import io

import numpy as np
import pyvips
from PIL import Image

from crossnet_tf.images.picture import Picture

MAX_SIDE = {"jpeg": 65500, "webp": 16383}
_MM_PER_INCH = 25.4
_QUALITY = 95
# Two per cent more than the smallest that zlib makes, in half of the time.
_PNG = {"compression": 4, "filter": "paeth"}


def encode(
    pixels: np.ndarray, kind: str, picture: Picture | None = None
) -> bytes:
    """A file's content.

    Args:
        pixels: `[H, W, C]` uint8, or uint16 for PNG and TIFF; C is 1 or 3,
            one more with alpha.
        kind: a format of `formats.WRITABLE`.
        picture: whose profile and metadata to write; None: none.
    """
    if kind == "bmp":
        return _bmp(pixels, picture)
    deep = pixels.dtype == np.uint16
    grey = pixels.shape[-1] < 3
    image = pyvips.Image.new_from_array(
        np.ascontiguousarray(pixels),
        interpretation=("grey16" if grey else "rgb16")
        if deep
        else ("b-w" if grey else "srgb"),
    )
    if picture is not None:
        image = _with_metadata(image, picture)
    return _SAVERS[kind](image)


def _with_metadata(image: pyvips.Image, picture: Picture) -> pyvips.Image:
    dpi = picture.dpi or (_MM_PER_INCH, _MM_PER_INCH)
    image = image.copy(xres=dpi[0] / _MM_PER_INCH, yres=dpi[1] / _MM_PER_INCH)
    for field, data in (
        ("icc-profile-data", picture.profile),
        ("exif-data", picture.exif),
        ("xmp-data", picture.xmp),
    ):
        if data:
            image.set_type(pyvips.GValue.blob_type, field, data)
    if picture.exif:  # the pixels are upright
        image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    return image


def _png(image: pyvips.Image) -> bytes:
    return image.pngsave_buffer(**_PNG)


def _jpeg(image: pyvips.Image) -> bytes:
    return image.jpegsave_buffer(
        Q=_QUALITY, subsample_mode="off", optimize_coding=True
    )


def _tiff(image: pyvips.Image) -> bytes:
    return image.tiffsave_buffer(
        compression="deflate", predictor="horizontal", resunit="inch"
    )


def _webp(image: pyvips.Image) -> bytes:
    return image.webpsave_buffer(Q=_QUALITY, smart_subsample=True)


def _bmp(pixels: np.ndarray, picture: Picture | None) -> bytes:
    file = io.BytesIO()
    dpi = {"dpi": picture.dpi} if picture and picture.dpi else {}
    squeezed = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    Image.fromarray(squeezed).save(file, "BMP", **dpi)
    return file.getvalue()


_SAVERS = {"png": _png, "jpeg": _jpeg, "tiff": _tiff, "webp": _webp}
