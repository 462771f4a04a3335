"""Which picture formats there are, told apart by their first bytes.

| format | suffixes | read | written |
| --- | --- | --- | --- |
| png, jpeg, tiff, webp, bmp | `.png`, `.jpg`, ... | yes | yes |
| avif, heic | `.avif`, `.heic`, ... | yes (heic: with pillow-heif) | no |

A JPEG that a camera continues with a second picture (MPO) is a JPEG: what
follows its first picture is left alone.
"""

import pathlib
import re

SUFFIXES = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".mpo": "jpeg",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
    ".bmp": "bmp",
    ".dib": "bmp",
    ".avif": "avif",
    ".heic": "heic",
    ".heif": "heic",
    ".hif": "heic",
}
WRITABLE = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
    ".bmp": "bmp",
}
DEEP = ("png", "tiff")
"""Formats that hold 16 bits when written."""
OPAQUE = ("jpeg", "bmp")
"""Formats that hold no alpha when written."""
KEEPS_EXIF = ("png", "jpeg", "webp")
"""Formats whose EXIF block is written."""

_SIGNATURES = (
    (rb"\x89PNG\r\n\x1a\n", "png"),
    (rb"\xff\xd8\xff", "jpeg"),
    (rb"II\*\0|MM\0\*|II\+\0|MM\0\+", "tiff"),
    (rb"RIFF....WEBP", "webp"),
    (rb"BM", "bmp"),
)
_AVIF = (b"avif", b"avis")
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc")
_OTHERS = (
    (rb"GIF8", "a GIF image; convert it to PNG"),
    (rb"....ftyp", "a video; `crossnet upscale` takes .mp4, .mov, .mkv"),
    (rb"\s*<(!doctype|html)", "an HTML page; download the image again"),
    (rb"\s*(<\?xml|<svg)", "an SVG drawing; export it as PNG"),
    (rb"%PDF", "a PDF document; export the picture as PNG"),
    (rb"8BPS", "a Photoshop document; export it as TIFF or PNG"),
    (rb"version https://git-lfs", "a Git LFS pointer; run `git lfs pull`"),
)


def format_of(data: bytes) -> str | None:
    """The format that a file's first bytes name; None: no known picture."""
    for pattern, name in _SIGNATURES:
        if re.match(pattern, data[:16], re.DOTALL):
            return name
    if data[4:8] == b"ftyp":
        length = min(int.from_bytes(data[:4]), 512)
        brands = [data[i : i + 4] for i in (8, *range(16, length, 4))]
        if any(brand in _AVIF for brand in brands):
            return "avif"
        if any(brand in _HEIF for brand in brands):
            return "heic"
    return None


def is_picture(path: pathlib.Path) -> bool:
    """Whether a file's suffix is one of a picture's."""
    return path.suffix.lower() in SUFFIXES


def describe(data: bytes) -> str:
    """What bytes are that are no picture that can be read."""
    if not data:
        return "an empty file"
    for pattern, description in _OTHERS:
        if re.match(pattern, data[:512], re.IGNORECASE | re.DOTALL):
            return description
    return f"bytes that begin with {data[:8]!r}"
