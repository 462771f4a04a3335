"""Decodes a file's bytes once its header has passed.

libvips does it, through one loader per format (never its guess): it keeps 16
bits of PNG and TIFF, profiles and metadata, and with `fail_on` set it refuses
the damage that other decoders fill with grey. Pillow reads BMP, pillow-heif
reads HEIC: libvips' wheel has neither. TurboJPEG decodes the pixels of JPEG,
to the same numbers, since it notices more damage.
"""

import io
import math
import warnings

import numpy as np
import pyvips
import simplejpeg
from PIL import BmpImagePlugin

from crossnet_tf.images import headers

# libvips would keep its last hundred pictures, for who decodes one again.
pyvips.cache_set_max(0)

_LOADERS = {
    "png": pyvips.Image.pngload_buffer,
    "jpeg": pyvips.Image.jpegload_buffer,
    "tiff": pyvips.Image.tiffload_buffer,
    "webp": pyvips.Image.webpload_buffer,
    "avif": pyvips.Image.heifload_buffer,
}
_FORMATS = ("uchar", "ushort")
_MODES = {1: "grey", 2: "grey+alpha", 3: "rgb", 4: "rgb+alpha"}


def open_image(
    data: bytes, kind: str, name: str, max_pixels: int
) -> pyvips.Image:
    """A picture whose pixels are decoded when they are asked for.

    Args:
        data: the whole file.
        kind: a format of `formats`.
        name: how messages call the picture.
        max_pixels: refuse larger ones, before decoding.

    Raises:
        ValueError: damaged already at its head, an animation, or a kind of
            number that is not read.
    """
    try:
        if kind in _LOADERS:
            image = _LOADERS[kind](data, fail_on="warning")
        elif kind == "bmp":
            image = _open_bmp(data)
        else:
            image = _open_heic(data, name, max_pixels)
    except headers.Unsupported:
        raise
    except (pyvips.Error, OSError, SyntaxError, ValueError):
        raise headers.damaged(name) from None
    _check(image, kind, name)
    return image


def pixels_of(
    image: pyvips.Image, data: bytes, kind: str, name: str
) -> np.ndarray:
    """`[H, W, C]` uint8 or uint16, upright.

    Args:
        image: what `open_image` made.
        data: the whole file.
        kind: its format.
        name: how messages call the picture.

    Raises:
        ValueError: the pixels are damaged.
    """
    try:
        if kind == "jpeg" and image.interpretation != "cmyk":
            image = _strictly_decoded(image, data)
        pixels = image.autorot().numpy()
    except (pyvips.Error, ValueError):
        raise headers.damaged(name) from None
    return pixels.reshape(*pixels.shape[:2], -1)


def _strictly_decoded(image: pyvips.Image, data: bytes) -> pyvips.Image:
    """The pixels by TurboJPEG, which looks at what is left at the end, too.

    Damaged data mostly decode to something; that bytes are left, or missing,
    is what tells.
    """
    pixels = simplejpeg.decode_jpeg(
        data,
        "GRAY" if image.bands == 1 else "RGB",
        fastdct=False,
        fastupsample=False,
        strict=True,
    )
    decoded = pyvips.Image.new_from_array(pixels).copy()
    orientation = orientation_of(image)
    decoded.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return decoded


def info_of(image: pyvips.Image, kind: str) -> headers.ImageInfo:
    """What a decoder says of a picture before it decodes the pixels."""
    colors = image.bands - image.hasalpha()
    cmyk = image.interpretation == "cmyk"
    return headers.ImageInfo(
        kind,
        image.width,
        image.height,
        16 if image.format == "ushort" else 8,
        "cmyk" if cmyk else _MODES[colors + image.hasalpha()],
        bool(image.hasalpha()),
        orientation_of(image),
    )


def orientation_of(image: pyvips.Image) -> int:
    """EXIF's, 1 to 8; unreadable metadata turns no picture."""
    if not image.get_typeof("orientation"):
        return 1
    orientation = image.get("orientation")
    return orientation if orientation in range(1, 9) else 1


def block(image: pyvips.Image, name: str) -> bytes:
    """A block of metadata, such as "exif-data"; empty: there is none."""
    return bytes(image.get(name)) if image.get_typeof(name) else b""


def _check(image: pyvips.Image, kind: str, name: str) -> None:
    if image.format not in _FORMATS:
        raise headers.unsupported(name, f"{image.format} numbers in a {kind}")
    pages = image.get("n-pages") if image.get_typeof("n-pages") else 1
    if pages > 1 and kind == "webp":
        raise headers.Unsupported(
            f"Image `{name}` must be a single picture. Received: an "
            "animation. Save one frame of it."
        )
    most = 5 if image.interpretation == "cmyk" else 4
    if not 1 <= image.bands <= most:
        raise headers.unsupported(name, f"{image.bands} channels")


def _open_bmp(data: bytes) -> pyvips.Image:
    with (
        warnings.catch_warnings(action="ignore"),
        BmpImagePlugin.BmpImageFile(io.BytesIO(data)) as image,
    ):
        dpi = image.info.get("dpi")
        pixels = image.convert("L" if image.mode in ("1", "L") else "RGB")
        result = pyvips.Image.new_from_array(np.array(pixels))
    return (
        result.copy(xres=dpi[0] / 25.4, yres=dpi[1] / 25.4) if dpi else result
    )


def _open_heic(data: bytes, name: str, max_pixels: int) -> pyvips.Image:
    try:
        import pillow_heif
    except ModuleNotFoundError:
        raise headers.Unsupported(
            f"Image `{name}` is HEIC, which needs one package more: "
            "pip install pillow-heif"
        ) from None
    picture = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    if math.prod(picture.size) > max_pixels:
        raise headers.Unsupported(
            f"Image `{name}` must have at most {max_pixels:,} pixels "
            "(`max_pixels`). Received: {}x{}.".format(*picture.size)
        )
    pixels = np.asarray(picture)
    image = pyvips.Image.new_from_array(pixels)
    image = image.copy(
        interpretation="rgb16" if pixels.dtype == np.uint16 else "srgb"
    ).copy()
    for field, key in (
        ("icc-profile-data", "icc_profile"),
        ("exif-data", "exif"),
        ("xmp-data", "xmp"),
    ):
        if picture.info.get(key):
            image.set_type(
                pyvips.GValue.blob_type, field, bytes(picture.info[key])
            )
    return image
