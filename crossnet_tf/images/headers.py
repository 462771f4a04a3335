"""What a picture's header says, before anything is decoded.

A few kilobytes of PNG can claim, and fill, gigabytes of memory. So size and
kind of PNG, JPEG and BMP are read from the first bytes
by the few lines below, which allocate nothing that grows with the claim;
decoders see only what has passed. For the other formats libvips reads the
header alone.

PNG is a signature and a list of chunks, IHDR first. JPEG is a list of marker
segments, of which one, the frame header (SOF), has the size; entropy-coded
pixels follow each scan header (SOS).

References: W3C "Portable Network Graphics (PNG) Specification", third
edition, section 11.2; ITU-T T.81 (JPEG), annex B.
"""

import dataclasses
import re
import struct
import zlib
from collections.abc import Iterator

from crossnet_tf.images import formats

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
BMP_SIGNATURE = b"BM"
KNOWN = ("png", "jpeg", "bmp")
"""Formats whose headers are read here, before any decoder sees the file."""
# Far above what cameras and programs write: a scan of a progressive JPEG
# costs a pass over all pixels, and each chunk or segment some work.
MAX_SCANS = 100
MAX_SEGMENTS = 10_000
MAX_CHUNKS = 200_000

_PNG_MODES = {
    0: ("grey", (1, 2, 4, 8, 16)),
    2: ("rgb", (8, 16)),
    3: ("palette", (1, 2, 4, 8)),
    4: ("grey+alpha", (8, 16)),
    6: ("rgb+alpha", (8, 16)),
}
_TURNED = (5, 6, 7, 8)  # orientations that swap height and width
_JPEG_MODES = {1: "grey", 3: "rgb", 4: "cmyk"}
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PLAIN_SOF = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
_SOS, _EOI = 0xDA, 0xD9
# Everything but stuffed zeros, restart markers, fill bytes and TEM.
_NEXT_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")


@dataclasses.dataclass(frozen=True)
class ImageInfo:
    """What a file said about its picture.

    Attributes:
        format: a name of `formats`, such as "png".
        width: in pixels as stored, before `orientation` is applied.
        height: likewise.
        bit_depth: per channel, 1 to 16, from the header.
        mode: "grey", "rgb", "palette", "grey+alpha", "rgb+alpha" or "cmyk".
        has_alpha: there is an alpha channel or a transparent colour.
        orientation: EXIF's, 1 to 8; 1 is upright.
    """

    format: str
    width: int
    height: int
    bit_depth: int
    mode: str
    has_alpha: bool = False
    orientation: int = 1

    @property
    def upright_size(self) -> tuple[int, int]:
        """(Rows, columns) after `orientation` is applied."""
        turned = self.orientation in _TURNED
        size = self.height, self.width
        return size[::-1] if turned else size


class Unsupported(ValueError):
    """A whole picture of a kind that is not read."""


def read_header(data: bytes, name: str, max_pixels: int) -> ImageInfo:
    """Reads kind and size; refuses what must not be decoded.

    Args:
        data: the beginning of the file, or all of it.
        name: how messages call the picture.
        max_pixels: the largest width times height.

    Raises:
        ValueError: no format of `KNOWN` that can be read, or too large.
    """
    if data.startswith(PNG_SIGNATURE):
        info = _png_header(data, name)
    elif data.startswith(JPEG_SIGNATURE):
        info = _jpeg_header(data, name)
    elif data.startswith(BMP_SIGNATURE):
        info = _bmp_header(data, name)
    else:
        raise ValueError(
            f"Image `{name}` must be a PNG, JPEG or BMP image. "
            f"Received: {formats.describe(data)}."
        )
    check_size(info, name, max_pixels)
    return info


def check_size(info: ImageInfo, name: str, max_pixels: int) -> None:
    """Refuses a picture without pixels, or with more than `max_pixels`.

    Raises:
        ValueError: the message names the picture.
    """
    pixels = info.width * info.height
    if not pixels:
        raise ValueError(
            f"Image `{name}` must have pixels. "
            f"Received: {info.width}x{info.height}."
        )
    if pixels > max_pixels:
        raise ValueError(
            f"Image `{name}` must have at most {max_pixels:,} pixels "
            f"(`max_pixels`). Received: {info.width}x{info.height}, "
            f"{pixels:,} pixels."
        )


def png_chunks(data: bytes, name: str) -> Iterator[tuple[bytes, memoryview]]:
    """Yields type and content of each complete chunk, IEND the last.

    Raises:
        ValueError: absurdly many chunks.
    """
    position, view = len(PNG_SIGNATURE), memoryview(data)
    for _ in range(MAX_CHUNKS):
        if position + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, position)
        content = view[position + 8 : position + 8 + length]
        if len(content) < length:
            return
        yield kind, content
        if kind == b"IEND":
            return
        position += 12 + length
    raise _too_many(name, "chunks", MAX_CHUNKS)


def check_parts(data: bytes, name: str) -> None:
    """Refuses what would keep a decoder busy for hours, or is cut off.

    Raises:
        ValueError: a JPEG of more than `MAX_SCANS` scans, absurdly many
            segments or chunks, an animated PNG, or one without an end.
    """
    if data.startswith(PNG_SIGNATURE):
        kinds = [kind for kind, _ in png_chunks(data, name)]
        if b"acTL" in kinds:
            raise Unsupported(
                f"Image `{name}` must be a single picture. Received: an "
                "animated PNG. Save one frame of it."
            )
        if b"IEND" not in kinds:
            raise damaged(name)
        return
    if not data.startswith(JPEG_SIGNATURE):
        return
    scans = sum(marker == _SOS for marker, _ in _jpeg_segments(data, name))
    if scans > MAX_SCANS:
        raise _too_many(name, "scans", MAX_SCANS)


def _jpeg_segments(data: bytes, name: str) -> Iterator[tuple[int, int]]:
    """Yields marker and start of content, from the first segment to EOI."""
    position = 2
    for _ in range(MAX_SEGMENTS):
        match = _NEXT_MARKER.search(data, position)
        if not match or match[1][0] == _EOI:
            return
        yield match[1][0], match.end() + 2
        position = match.end() + max(
            2, int.from_bytes(data[match.end() : match.end() + 2])
        )
    raise _too_many(name, "segments", MAX_SEGMENTS)


def _png_header(data: bytes, name: str) -> ImageInfo:
    start = len(PNG_SIGNATURE)
    if len(data) < start + 25:
        raise damaged(name, "it ends inside its header")
    length, kind, width, height, depth, color = struct.unpack_from(
        ">I4sIIBB", data, start
    )
    (crc,) = struct.unpack_from(">I", data, start + 21)
    if (length, kind) != (13, b"IHDR") or crc != zlib.crc32(
        data[start + 4 : start + 21]
    ):
        raise damaged(name, "its header is not one of PNG")
    mode, depths = _PNG_MODES.get(color, ("", ()))
    if depth not in depths:
        raise damaged(name, f"colour type {color} with {depth} bits")
    return ImageInfo("png", width, height, depth, mode, "alpha" in mode)


def _jpeg_header(data: bytes, name: str) -> ImageInfo:
    for marker, start in _jpeg_segments(data, name):
        if marker == _SOS:
            break
        if marker not in _SOF:
            continue
        if len(data) < start + 6:
            break
        depth, height, width, channels = struct.unpack_from(
            ">BHHB", data, start
        )
        if marker not in _PLAIN_SOF or depth != 8:
            raise unsupported(
                name, f"a lossless, hierarchical or {depth}-bit JPEG"
            )
        if channels not in _JPEG_MODES:
            raise unsupported(name, f"a JPEG with {channels} channels")
        return ImageInfo("jpeg", width, height, depth, _JPEG_MODES[channels])
    raise damaged(name, "it ends before its frame header")


def _bmp_header(data: bytes, name: str) -> ImageInfo:
    if len(data) < 30:
        raise damaged(name, "it ends inside its header")
    (length,) = struct.unpack_from("<I", data, 14)
    if length == 12:  # OS/2
        width, height, _, depth = struct.unpack_from("<HHHH", data, 18)
    else:
        width, height, _, depth = struct.unpack_from("<iiHH", data, 18)
    if width < 0 or depth not in (1, 4, 8, 16, 24, 32):
        raise damaged(name, f"width {width}, {depth} bits")
    return ImageInfo("bmp", width, abs(height), 8, "rgb")


def damaged(name: str, what: str = "") -> ValueError:
    """The error for a file that is not whole."""
    what = f" ({what})" if what else ""
    return ValueError(
        f"Image `{name}` must be whole. Received: a damaged or truncated "
        f"file{what}. Copy or download it again."
    )


def unsupported(name: str, what: str) -> Unsupported:
    """The error for a whole file of a kind that is not read."""
    return Unsupported(
        f"Image `{name}` must be an ordinary grey or RGB image. "
        f"Received: {what}. Save it as 8-bit RGB first."
    )


def _too_many(name: str, what: str, limit: int) -> ValueError:
    return ValueError(
        f"Image `{name}` must have at most {limit:,} {what}. "
        "Received: more. Save it anew as PNG first."
    )
