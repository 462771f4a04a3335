"""Reading and writing picture files, hostile ones above all."""

import io
import os
import resource
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageOps

from crossnet_tf import images
from crossnet_tf.images import decoding

HEIGHT, WIDTH = 12, 17
SIGNATURE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def _save(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _chunk(kind: bytes, content: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + crc


def _png(width, height, depth, color, rows: bytes, interlace=0) -> bytes:
    header = struct.pack(
        ">IIBBBBB", width, height, depth, color, 0, 0, interlace
    )
    return (
        SIGNATURE
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )


def _png16(pixels: np.ndarray, color: int) -> bytes:
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return _png(width, height, 16, color, rows)


def _with_chunk(png: bytes, kind: bytes, content: bytes) -> bytes:
    return png[:33] + _chunk(kind, content) + png[33:]


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("bit_depth", [8, 16])
def test_png_roundtrip(tmp_path, rng, bit_depth):
    top = 2**bit_depth - 1
    steps = rng.integers(0, top + 1, (HEIGHT, WIDTH, 3))
    steps[0, 0], steps[0, 1] = 0, top
    picture = (steps / top).astype(np.float32)
    path = tmp_path / "a.png"
    images.write_image(path, picture, bit_depth)
    read, info = images.read_image_with_info(path)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, picture)
    assert (info.format, info.bit_depth, info.mode) == ("png", bit_depth, "rgb")
    assert (info.width, info.height) == (WIDTH, HEIGHT)
    assert not info.has_alpha
    if bit_depth == 8:
        np.testing.assert_array_equal(np.asarray(Image.open(path)), steps)


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG"])
def test_jpeg_roundtrip(tmp_path, suffix):
    y, x = np.mgrid[:32, :48] / 48
    picture = np.stack([x, y, 1 - x], -1).astype(np.float32)
    path = tmp_path / f"a{suffix}"
    images.write_image(path, picture)
    np.testing.assert_allclose(images.read_image(path), picture, atol=0.02)
    with Image.open(path) as image:
        assert {part[1:3] for part in image.layer} == {(1, 1)}  # 4:4:4
        assert image.quantization[0][0] == 2  # 16 at quality 50


@pytest.mark.parametrize("color", [0, 2, 4, 6])
def test_dark_16_bit_stays_dark(color):
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[color]
    pixels = np.full((HEIGHT, WIDTH, channels), 200, np.uint16)
    if color & 4:
        pixels[..., -1] = 65535
    read, info = images.decode_image(_png16(pixels, color))
    assert info.bit_depth == 16
    np.testing.assert_array_equal(
        read, np.full((HEIGHT, WIDTH, 3), np.float32(200 / 65535))
    )


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_png_modes_agree_with_pillow(picture, mode):
    image = Image.fromarray(picture).convert(mode)
    read, info = images.decode_image(_save(image, "PNG"))
    expected = np.asarray(image.convert("RGB")) / np.float32(255)
    np.testing.assert_array_equal(read, expected)
    assert info.has_alpha == mode.endswith("A")


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_modes_agree_with_pillow(picture, mode, progressive):
    image = Image.fromarray(picture).convert(mode)
    data = _save(image, "JPEG", progressive=progressive)
    read, info = images.decode_image(data)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(read, expected / np.float32(255))
    assert info.mode == {"L": "grey", "RGB": "rgb"}[mode]


def test_interlaced_png():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    passes = (pixels[:1, :1], pixels[:1, 1:], pixels[1:])
    rows = b"".join(b"\0" + part.tobytes() for part in passes)
    read, _ = images.decode_image(_png(2, 2, 8, 2, rows, interlace=1))
    np.testing.assert_array_equal(read, pixels / np.float32(255))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_agrees_with_pillow(picture, kind, orientation):
    image = Image.fromarray(picture)
    data = _save(image, kind, exif=_exif(orientation))
    read, info = images.decode_image(data)
    turned = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(read, np.asarray(turned) / np.float32(255))
    assert info.orientation == orientation
    assert (info.width, info.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "exif", [b"", b"MM", b"junk" * 9, b"II*\0\xff\xff\xff\xff"]
)
def test_unreadable_exif_turns_nothing(picture, exif):
    png = _with_chunk(images.encode_png(picture), b"eXIf", exif)
    read, info = images.decode_image(png)
    np.testing.assert_array_equal(read, picture / np.float32(255))
    assert info.orientation == 1


def test_unused_transparent_color_is_opaque(picture):
    picture[picture == 0] = 1
    png = _with_chunk(images.encode_png(picture), b"tRNS", bytes(6))
    read, info = images.decode_image(png)
    np.testing.assert_array_equal(read, picture / np.float32(255))
    assert info.has_alpha


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGBA", {}),
        ("LA", {}),
        ("L", {"transparency": 0}),
        ("RGB", {"transparency": (0, 0, 0)}),
        ("P", {"transparency": 0}),
    ],
)
def test_transparency_rejects(mode, options):
    image = Image.new(mode, (10, 10))
    if mode in ("RGBA", "LA"):
        image.putalpha(255)
        image.putpixel((2, 3), (0,) * len(mode))
    data = _save(image, "PNG", **options)
    with pytest.raises(ValueError, match="`x.png` must be opaque.*% of its"):
        images.decode_image(data, "x.png")


def test_content_decides_without_known_suffix(tmp_path, picture):
    path = tmp_path / "picture.tmp"
    path.write_bytes(images.encode_png(picture))
    assert images.read_image(path).shape == (HEIGHT, WIDTH, 3)


def _truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :]


PNG = _png(4, 4, 8, 2, (b"\0" + bytes(range(12))) * 4)
JPEG = _save(Image.new("RGB", (40, 30), "red"), "JPEG")
SOF = JPEG.index(b"\xff\xc0")
SOS = JPEG.index(b"\xff\xda")


def _sof(marker: int, depth: int = 8) -> bytes:
    return JPEG[:SOF] + bytes([255, marker]) + JPEG[SOF + 2 : SOF + 4] + bytes(
        [depth]
    ) + JPEG[SOF + 5 :]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.png", b"", "an empty file"),
        ("a.png", b"\n<!DOCTYPE html><html>", "an HTML page"),
        ("a.png", b"GIF89a", "a GIF image"),
        ("a.png", b"RIFF1234WEBPVP8 ", "a WEBP image. Rename"),
        ("a.webp", b"RIFF1234WEBPVP8 ", "damaged or truncated"),
        ("a.tif", b"II*\0", "damaged or truncated"),
        ("a.bmp", b"BM123456", "ends inside its header"),
        ("a.heic", b"\0\0\0\x20ftypheic", "damaged or truncated"),
        ("a.avif", b"\0\0\0\x20ftypavif", "damaged or truncated"),
        ("a.mp4", b"\0\0\0\x20ftypisom", "a video"),
        ("a.svg", b"<svg xmlns=''/>", "an SVG drawing"),
        ("a.png", b"version https://git-lfs.github.com", "git lfs pull"),
        ("a.png", b"nonsense", "bytes that begin with b'nonsense'"),
        ("a.png", _truncated(PNG), "damaged or truncated"),
        ("a.png", PNG[:-12], "damaged or truncated"),
        ("a.png", _flipped(PNG), "damaged or truncated"),
        ("a.png", PNG[:20], "ends inside its header"),
        ("a.png", PNG[:17] + b"\1" + PNG[18:], "not one of PNG"),
        ("a.png", SIGNATURE + _chunk(b"IDAT", bytes(13)), "not one of PNG"),
        ("a.png", _png(4, 4, 8, 5, b""), "colour type 5 with 8 bits"),
        ("a.png", _png(4, 4, 4, 2, b""), "colour type 2 with 4 bits"),
        ("a.png", _png(4, 0, 8, 2, b""), "have pixels.*4x0"),
        ("a.png", _with_chunk(PNG, b"acTL", bytes(8)), "animated PNG"),
        ("a.png", JPEG, "a JPEG image. Rename"),
        ("a.jpeg", PNG, "a PNG image. Rename"),
        ("a.jpg", JPEG[:-200], "damaged or truncated"),
        ("a.jpg", JPEG[:50], "ends before its frame header"),
        ("a.jpg", JPEG[: SOF + 6], "ends before its frame header"),
        ("a.jpg", JPEG[:SOF] + JPEG[SOS:], "ends before its frame header"),
        ("a.jpg", _sof(0xC3), "lossless, hierarchical or 8-bit JPEG"),
        ("a.jpg", _sof(0xC1, depth=12), "lossless, hierarchical or 12-bit"),
        ("a.jpg", JPEG[: SOF + 9] + b"\5" + JPEG[SOF + 10 :], "5 channels"),
        ("a.png", PNG + bytes(2**24 + 300), "more than 16,777,472 bytes"),
        ("a.png", SIGNATURE + PNG[8:33] + _chunk(b"teXt", b"") * 200_001,
         "at most 200,000 chunks"),
        ("a.jpg", b"\xff\xd8" + b"\xff\xe0\0\2" * 10_001,
         "at most 10,000 segments"),
        ("a.jpg", JPEG[:SOS] + JPEG[SOS:-2] * 501 + JPEG[-2:],
         "at most 100 scans"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_read_rejects(tmp_path, name, data, message):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"`{path}` must .*{message}") as error:
        images.read_image(path)
    assert "\n" not in str(error.value)


def test_read_rejects_what_is_no_file(tmp_path):
    for path in (tmp_path / "none.png", tmp_path / "none" / "a.png"):
        with pytest.raises(FileNotFoundError, match=f"`{path}` must exist"):
            images.read_image(path)
    with pytest.raises(ValueError, match=f"`{tmp_path}` must be.*a folder"):
        images.read_image(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ValueError, match=r"pipe.png` must be.*or pipe"):
        images.read_image(tmp_path / "pipe.png")


def test_read_rejects_a_bomb_without_decoding(tmp_path, monkeypatch):
    path = tmp_path / "bomb.png"
    rows = zlib.compress(bytes(10**6), 9) * 100
    path.write_bytes(_png(20_000, 20_000, 8, 2, rows))
    monkeypatch.setattr(decoding, "open_image", pytest.fail)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"`max_pixels`.*20000x20000"):
            images.read_image(path)
        peak = tracemalloc.get_traced_memory()[1]
        assert peak < 2**25  # decoded it has 1.2 GB
    finally:
        tracemalloc.stop()


def test_max_pixels(tmp_path, picture):
    path = tmp_path / "a.png"
    images.write_image(path, picture)
    images.read_image(path, max_pixels=HEIGHT * WIDTH)
    with pytest.raises(ValueError, match=r"at most 203 pixels.*17x12"):
        images.read_image(path, max_pixels=HEIGHT * WIDTH - 1)


def test_read_rejects_a_decoder_of_another_mind(monkeypatch):
    other = pyvips.Image.black(4, 5, bands=3)
    monkeypatch.setattr(decoding, "open_image", lambda *args: other)
    with pytest.raises(ValueError, match="damaged"):
        images.decode_image(PNG)


def test_write_rounds_half_up_and_clips(tmp_path):
    row = np.array([-0.2, 0.5 / 255, 1.5 / 255, 0.49 / 255, 1.0, 1.7])
    images.write_image(tmp_path / "a.png", np.tile(row[:, None], (1, 1, 3)))
    written = np.asarray(Image.open(tmp_path / "a.png"))[0, :, 0]
    np.testing.assert_array_equal(written, [0, 1, 2, 0, 255, 255])


def test_write_takes_little_beside_the_picture(tmp_path):
    array = np.full([2000, 300, 3], 0.5, np.float32)
    tracemalloc.start()
    images.write_image(tmp_path / "a.png", array)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < array.nbytes


def test_write_on_a_full_disk_leaves_the_old_file(tmp_path, rng):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    noise = rng.random((64, 64, 3))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large") as error:
            images.write_image(path, noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize(
    ("name", "bit_depth", "error", "message"),
    [
        ("a.gif", 8, ValueError, r"end in one of .png, .jpg, .jpeg.*a.gif`"),
        ("a", 8, ValueError, r"end in one of .*/a`"),
        ("a.png", 12, ValueError, "`bit_depth` must be 8 or 16.*=12"),
        ("a.jpg", 16, ValueError, "`bit_depth` must be 8 for JPEG.*a.jpg`"),
        ("folder.png", 8, ValueError, r"be a file.*folder.png`"),
        ("none/a.png", 8, FileNotFoundError, "must exist.*none/a.png`"),
    ],
)
def test_output_path_rejects(tmp_path, name, bit_depth, error, message):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(error, match=message):
        images.check_output_path(tmp_path / name, bit_depth)
    with pytest.raises(error, match=message):
        images.write_image(tmp_path / name, np.zeros((2, 2, 3)), bit_depth)
    assert os.listdir(tmp_path) == ["folder.png"]


def test_output_path_rejects_a_folder_without_permission(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    assert images.check_output_path(str(path)) == path
    # Root may write everywhere, so the question itself is answered.
    monkeypatch.setattr(os, "access", lambda *args: False)
    with pytest.raises(PermissionError, match="must be writable.*a.png`"):
        images.check_output_path(path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 4)), r"`array` must be \[H, W, 3\].*\(4, 4\)"),
        (np.zeros((4, 4, 4)), r"\(4, 4, 4\)"),
        (np.zeros((0, 4, 3)), r"\(0, 4, 3\)"),
        (np.zeros((4, 4, 3), int), "float in .* or uint8.*dtype=int64"),
        (np.zeros((4, 4, 3), np.uint16), "dtype=uint16"),
        (np.full((4, 4, 3), np.nan), "finite.*100.00% of it"),
        (np.full((4, 4, 3), np.inf), "`array` must be finite"),
    ],
)
def test_encode_rejects(tmp_path, array, message):
    for name in ("a.png", "a.jpg"):
        with pytest.raises(ValueError, match=message):
            images.write_image(tmp_path / name, array)
    assert not os.listdir(tmp_path)


def test_encode_rejects_8_bits_as_16():
    with pytest.raises(ValueError, match="or uint16.*dtype=uint8"):
        images.encode_png(np.zeros((4, 4, 3), np.uint8), 16)


def test_encode_rejects_a_jpeg_that_is_too_wide():
    with pytest.raises(ValueError, match=r"at most 65500.*\(1, 65501, 3\)"):
        images.encode_jpeg(np.zeros((1, 65501, 3), np.uint8))
