"""Whole pictures: every format, colours, alpha, metadata, damage."""

import io

import numpy as np
import pytest
import pyvips
import skimage.data
from PIL import Image, ImageCms

from crossnet_tf import images
from crossnet_tf.images import formats, profiles

PHOTO = skimage.data.astronaut()[100:164, 80:176]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _vips(pixels: np.ndarray) -> pyvips.Image:
    deep = pixels.dtype == np.uint16
    return pyvips.Image.new_from_array(
        pixels, interpretation="rgb16" if deep else "srgb"
    )


def _wide_profile() -> bytes:
    """An RGB profile far from sRGB: sRGB's own, red and green exchanged."""
    data = bytearray(SRGB)
    red, green = data.index(b"rXYZ"), data.index(b"gXYZ")
    data[red : red + 4], data[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(data)


WIDE = _wide_profile()


def _pillow(kind: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PHOTO).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("tiff", _pillow("TIFF")),
        ("tiff", _pillow("TIFF", compression="tiff_lzw")),
        ("webp", _pillow("WEBP", lossless=True)),
        ("bmp", _pillow("BMP")),
        ("png", _pillow("PNG")),
    ],
)
def test_lossless_formats_agree_with_pillow(kind, data):
    picture = images.decode_picture(data)
    np.testing.assert_array_equal(picture.rgb, PHOTO / np.float32(255))
    assert (picture.info.format, picture.bit_depth) == (kind, 8)
    assert picture.alpha is None
    assert not picture.grey


@pytest.mark.parametrize("kind", ["WEBP", "AVIF"])
def test_lossy_formats_are_close(kind):
    picture = images.decode_picture(_pillow(kind, quality=90))
    error = np.abs(picture.rgb - PHOTO / np.float32(255)).mean()
    assert error < 0.03
    assert picture.info.format == kind.lower()


def test_heic_is_read(rng):
    pillow_heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(PHOTO)).save(file, quality=95)
    picture = images.decode_picture(file.getvalue())
    assert np.abs(picture.rgb - PHOTO / np.float32(255)).mean() < 0.03
    with pytest.raises(ValueError, match="`max_pixels`.*96x64"):
        images.decode_picture(file.getvalue(), max_pixels=96 * 64 - 1)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_roundtrip(tmp_path, rng, suffix):
    pixels = rng.integers(0, 65536, (20, 30, 4), dtype=np.uint16)
    path = tmp_path / f"a{suffix}"
    vips = _vips(pixels)
    data = vips.pngsave_buffer() if suffix == ".png" else vips.tiffsave_buffer()
    path.write_bytes(data)
    picture = images.read_picture(path)
    assert picture.bit_depth == 16
    images.write_picture(tmp_path / f"b{suffix}", picture)
    again = images.read_picture(tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(np.rint(again.rgb * 65535), pixels[..., :3])
    np.testing.assert_array_equal(np.rint(again.alpha * 65535), pixels[..., 3])


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_grey_stays_grey(tmp_path, suffix):
    Image.fromarray(PHOTO).convert("L").save(tmp_path / "a.png")
    picture = images.read_picture(tmp_path / "a.png")
    assert picture.grey
    images.write_picture(tmp_path / f"b{suffix}", picture)
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.mode == "L"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_profile_and_metadata_roundtrip(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0132], exif[0x0112] = "2020:01:02 03:04:05", 6
    Image.fromarray(PHOTO).save(
        tmp_path / "a.jpg", quality=100, exif=exif, dpi=(300, 300),
        icc_profile=WIDE,
    )  # fmt: skip
    picture = images.read_picture(tmp_path / "a.jpg")
    assert picture.rgb.shape == (96, 64, 3)  # upright
    images.write_picture(tmp_path / f"b{suffix}", picture)
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.size == (64, 96)
        assert image.info["icc_profile"] == WIDE
        tags = image.getexif()
        assert tags.get(0x0112, 1) == 1
        if formats.WRITABLE[suffix] in formats.KEEPS_EXIF:
            assert tags[0x0132] == "2020:01:02 03:04:05"
        if suffix != ".webp":
            dpi = [float(number) for number in image.info["dpi"]]
            np.testing.assert_allclose(dpi, 300, atol=0.1)


def test_read_image_converts_to_srgb(tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "a.png", icc_profile=WIDE)
    read = images.read_image(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        expected = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(WIDE)),
            ImageCms.createProfile("sRGB"),
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            "RGB",
        )
    assert np.abs(read - PHOTO / 255).max() > 0.1
    np.testing.assert_allclose(read, np.asarray(expected) / 255, atol=0.03)


def test_srgb_profile_changes_nothing(tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "a.png", icc_profile=SRGB)
    read = images.read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(read, PHOTO / np.float32(255))


def test_convert_roundtrip():
    rgb = np.float32(0.2 + 0.6 * PHOTO / 255)
    there = profiles.convert(rgb, b"", WIDE)
    back = profiles.convert(there, WIDE, b"")
    assert np.abs(there - rgb).mean() > 0.01
    inside = (there > 0.02).all(-1) & (there < 0.98).all(-1)
    np.testing.assert_allclose(back[inside], rgb[inside], atol=0.03)


@pytest.mark.parametrize("profile", [b"junk" * 60, b"\0" * 200])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_unreadable_profile_is_said(kind, profile):
    picture = images.decode_picture(_pillow(kind, icc_profile=profile))
    assert picture.profile == b""
    np.testing.assert_allclose(picture.rgb, PHOTO / 255, atol=0.3)
    if kind != "PNG":  # whose reader leaves it out
        assert picture.notes == (
            "its colour profile cannot be read; taken as sRGB",
        )


def test_cmyk_is_converted():
    file = io.BytesIO()
    Image.new("CMYK", (24, 16), (0, 255, 255, 0)).save(file, "JPEG")
    picture = images.decode_picture(file.getvalue())
    assert picture.info.mode == "cmyk"
    assert picture.profile == b""
    red, green, blue = picture.rgb.mean((0, 1))
    assert red > 0.8
    assert max(green, blue) < 0.3


def test_first_picture_of_an_mpo_and_a_tiff(tmp_path):
    for path, kind in (("a.mpo", "MPO"), ("a.tif", "TIFF")):
        second = Image.fromarray(PHOTO[::-1])
        Image.fromarray(PHOTO).save(
            tmp_path / path, kind, save_all=True, append_images=[second]
        )
    assert np.abs(
        images.read_image(tmp_path / "a.mpo") - PHOTO / 255
    ).mean() < (0.05)
    picture = images.read_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.rgb, PHOTO / np.float32(255))
    assert picture.notes == ("the first of 2 pages",)


def test_animated_webp_rejects():
    data = io.BytesIO()
    Image.fromarray(PHOTO).save(
        data, "WEBP", save_all=True, append_images=[Image.fromarray(~PHOTO)]
    )
    with pytest.raises(ValueError, match="single picture.*an animation"):
        images.decode_picture(data.getvalue())


def test_float_tiff_rejects():
    data = _vips(PHOTO).cast("float").tiffsave_buffer()
    with pytest.raises(ValueError, match="float numbers in a tiff"):
        images.decode_picture(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "AVIF"])
def test_cut_files_reject(kind):
    data = _pillow(kind)
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(ValueError, match="`x` must be whole"):
            images.decode_picture(data[: int(share * len(data))], "x")


def test_jpegs_with_damaged_pixels_reject(rng):
    """Most: what still ends with the last byte cannot be told from whole."""
    data = _pillow("JPEG", quality=90)
    begin = data.index(b"\xff\xda") + 14
    refused = 0
    for _ in range(60):
        broken = bytearray(data)
        place = rng.integers(begin, len(data) - 2)
        broken[place : place + 40] = rng.bytes(40)
        try:
            images.decode_picture(bytes(broken))
        except ValueError as error:
            assert "damaged" in str(error)  # noqa: PT017
            refused += 1
    assert refused >= 33


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_alpha_rejects_where_it_cannot_be_written(tmp_path, suffix):
    image = Image.fromarray(PHOTO).convert("RGBA")
    image.putalpha(128)
    image.save(tmp_path / "a.png")
    picture = images.read_picture(tmp_path / "a.png")
    with pytest.raises(ValueError, match="to hold the transparency"):
        images.write_picture(tmp_path / f"b{suffix}", picture)


def test_every_written_format_is_read(tmp_path):
    for suffix, kind in formats.WRITABLE.items():
        path = tmp_path / f"a{suffix}"
        images.write_image(path, PHOTO)
        assert images.read_picture(path).info.format == kind


def test_pictures_that_were_read_are_not_kept(tmp_path):
    """libvips has a cache of operations, with their bytes and pixels."""
    for number in range(5):
        path = tmp_path / f"{number}.png"
        Image.fromarray(PHOTO + np.uint8(number)).save(path)
        images.read_picture(path)
    assert pyvips.cache_get_size() == 0
