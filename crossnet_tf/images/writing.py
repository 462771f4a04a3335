"""Writes pictures by the file's suffix: PNG, JPEG, TIFF, WebP, BMP.

JPEG is written at quality 95 with full colour resolution (4:4:4), WebP at
quality 95. A picture is encoded in memory and then takes its name in one
step, so a full disk or a kill leaves the old file whole. Commands call
`check_output_path` before hours of work, to refuse at the beginning what
could not be written at the end.
"""

import os
import pathlib

import numpy as np

from crossnet_tf import atomic
from crossnet_tf.images import encoding, formats
from crossnet_tf.images.picture import Picture
from crossnet_tf.ops.quantization import to_steps

# Rows rounded at once: all of a large picture would take its memory thrice.
_ROWS = 256
# What is beyond is no overshoot of a network, but a picture of 8 bits.
_HIGHEST = 2.0
_TYPES: dict[int, type[np.unsignedinteger]] = {8: np.uint8, 16: np.uint16}


def write_image(
    path: str | os.PathLike, array: np.ndarray, bit_depth: int = 8
) -> None:
    """Writes a picture, replacing what is there in one step.

    Args:
        path: ends in a suffix of `formats.WRITABLE`; its folder exists.
        array: `[H, W, 3]`, as `encode_png` takes it.
        bit_depth: 8, or 16 (PNG and TIFF).

    Raises:
        FileNotFoundError: the folder does not exist.
        OSError: no permission, disk full; an old file is intact.
        ValueError: wrong suffix, array or bit depth.

    Example:
        >>> import crossnet_tf, numpy as np, os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "white.jpg")
        ...     crossnet_tf.write_image(path, np.ones((4, 6, 3)))
        ...     os.listdir(folder)
        ['white.jpg']
    """
    path = check_output_path(path, bit_depth)
    kind = formats.WRITABLE[path.suffix.lower()]
    _write(path, encoding.encode(_to_integers(array, bit_depth, kind), kind))


def write_picture(path: str | os.PathLike, picture: Picture) -> None:
    """Writes a picture with its alpha, profile and metadata.

    16 bits are kept where the format holds them, grey stays grey.

    Args:
        path: as `write_image`.
        picture: `rgb` and `alpha` are clipped to [0, 1].

    Raises:
        FileNotFoundError: the folder does not exist.
        OSError: no permission, disk full; an old file is intact.
        ValueError: wrong suffix, or a format that holds no alpha.
    """
    found = formats.WRITABLE.get(pathlib.Path(path).suffix.lower())
    bit_depth = picture.bit_depth if found in formats.DEEP else 8
    path = check_output_path(path, bit_depth, picture.alpha is not None)
    kind = formats.WRITABLE[path.suffix.lower()]
    array = picture.rgb[..., :1] if picture.grey else picture.rgb
    if picture.alpha is not None:
        array = np.concatenate([array, picture.alpha[..., None]], axis=-1)
    pixels = _to_integers(array, bit_depth, kind, channels=(1, 2, 3, 4))
    _write(path, encoding.encode(pixels, kind, picture))


def _write(path: pathlib.Path, data: bytes) -> None:
    try:
        atomic.write(path, data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def check_output_path(
    path: str | os.PathLike, bit_depth: int = 8, alpha: bool = False
) -> pathlib.Path:
    """Refuses, before any work, a path that `write_image` could not write.

    Args:
        path: of the file to be written.
        bit_depth: 8, or 16 (PNG and TIFF).
        alpha: whether transparency is to be written.

    Returns:
        `path`.

    Raises:
        FileNotFoundError: the folder does not exist.
        PermissionError: no file may be made in it.
        ValueError: wrong suffix or bit depth, or `path` is a folder.
    """
    path = pathlib.Path(path)
    suffix = path.suffix.lower()
    if suffix not in formats.WRITABLE:
        raise ValueError(
            f"The output must end in one of {', '.join(formats.WRITABLE)}. "
            f"Received: `{path}`."
        )
    _check_bit_depth(bit_depth)
    kind = formats.WRITABLE[suffix]
    if bit_depth != 8 and kind not in formats.DEEP:
        raise ValueError(
            f"`bit_depth` must be 8 for {kind.upper()}; write a .png instead. "
            f"Received: bit_depth={bit_depth}, `{path}`."
        )
    if alpha and kind in formats.OPAQUE:
        raise ValueError(
            f"The output must end in .png, .tif or .webp to hold the "
            f"transparency of LR. Received: `{path}`."
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
    return encoding.encode(_to_integers(array, bit_depth, "png"), "png")


def encode_jpeg(array: np.ndarray) -> bytes:
    """A picture as JPEG, quality 95, 4:4:4; `array` as for `encode_png`.

    Raises:
        ValueError: as `encode_png`, or a side above 65,500 pixels.
    """
    return encoding.encode(_to_integers(array, 8, "jpeg"), "jpeg")


def _to_integers(
    array: np.ndarray,
    bit_depth: int,
    kind: str,
    channels: tuple[int, ...] = (3,),
) -> np.ndarray:
    _check_bit_depth(bit_depth)
    array, wanted = np.asarray(array), _TYPES[bit_depth]
    if array.ndim != 3 or array.shape[-1] not in channels or not array.size:
        raise ValueError(
            f"`array` must be [H, W, 3]. Received: shape={array.shape}."
        )
    limit = encoding.MAX_SIDE.get(kind)
    if limit and max(array.shape[:2]) > limit:
        raise ValueError(
            f"A {kind.upper()}'s sides must be at most {limit}; write a .png "
            f"instead. Received: shape={array.shape}."
        )
    if array.dtype == wanted:
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"`array` must be float in [0, 1] or {wanted.__name__}. "
            f"Received: dtype={array.dtype}."
        )
    steps = np.empty(array.shape, wanted)
    for top in range(0, len(array), _ROWS):
        rows = slice(top, top + _ROWS)
        if not np.isfinite(array[rows]).all():
            raise ValueError(
                "`array` must be finite. Received: NaN or infinity in "
                f"{np.mean(~np.isfinite(array)):.2%} of it."
            )
        if array[rows].max() > _HIGHEST:
            raise ValueError(
                f"`array` must be float in [0, 1] or {wanted.__name__}; divide "
                f"by what is white. Received: values up to {array.max():.4g}."
            )
        steps[rows] = to_steps(array[rows], np.iinfo(wanted).max)
    return steps


def _check_bit_depth(bit_depth: int) -> None:
    if bit_depth not in _TYPES:
        raise ValueError(
            f"`bit_depth` must be 8 or 16. Received: bit_depth={bit_depth}."
        )
