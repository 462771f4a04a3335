"""Colour profiles: what a picture's numbers mean, and other numbers for it.

A picture without a profile is sRGB. LittleCMS, through libvips, computes in
16 bits, with relative colorimetric intent and black point compensation.
"""

import functools
import io
import pathlib
import tempfile

import numpy as np
import pyvips
from PIL import ImageCms

MAX_PROFILE_BYTES = 16 * 2**20
# Half a step of 8 bits: a profile that moves no colour farther is sRGB.
_SAME = 0.5 / 255


def convert(rgb: np.ndarray, profile: bytes, target: bytes) -> np.ndarray:
    """The same colours in the numbers of another profile.

    Args:
        rgb: `[H, W, 3]` float32 in [0, 1].
        profile: ICC profile of `rgb`; empty: sRGB.
        target: ICC profile of the result; empty: sRGB.

    Returns:
        `[H, W, 3]` float32 in [0, 1]; `rgb` itself if both are the same.

    Raises:
        ValueError: one of them cannot be used for RGB pictures.
    """
    if profile == target or (is_srgb(profile) and is_srgb(target)):
        return rgb
    pixels = np.rint(np.clip(rgb, 0, 1) * 65535).astype(np.uint16)
    return _converted(pixels, profile, target)


def of_cmyk(image: pyvips.Image) -> np.ndarray:
    """A CMYK picture in sRGB, by its own profile or a usual one.

    Raises:
        ValueError: its profile cannot be used.
    """
    try:
        image = image.icc_transform(
            "srgb",
            embedded=True,
            input_profile="cmyk",
            intent="relative",
            black_point_compensation=True,
            depth=16,
        )
        pixels = np.asarray(image.numpy()[..., :3], np.float32)
        return pixels / np.float32(65535)
    except pyvips.Error as error:
        raise _unusable(error) from error


@functools.lru_cache(maxsize=16)
def is_srgb(profile: bytes) -> bool:
    """Whether a profile's numbers are sRGB's, within half an 8-bit step.

    Raises:
        ValueError: it cannot be used for RGB pictures.
    """
    if not profile:
        return True
    steps = np.linspace(0, 65535, 6).astype(np.uint16)
    grid = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(6, 36, 3)
    moved = _converted(grid, profile, b"") - np.float32(grid) / 65535
    return bool(np.abs(moved).max() <= _SAME)


def _converted(pixels: np.ndarray, profile: bytes, target: bytes) -> np.ndarray:
    for data in (profile, target):
        _check(data)
    image = pyvips.Image.new_from_array(pixels, interpretation="rgb16")
    with tempfile.TemporaryDirectory() as folder:
        try:
            image = image.icc_transform(
                _named(folder, "target.icc", target),
                input_profile=_named(folder, "source.icc", profile),
                embedded=False,
                pcs="xyz",  # by way of Lab, dark channels lose 20 steps
                intent="relative",
                black_point_compensation=True,
                depth=16,
            )
            result = image.numpy()
        except pyvips.Error as error:
            raise _unusable(error) from error
    return np.asarray(result, np.float32) / np.float32(65535)


def _check(profile: bytes) -> None:
    """Asks LittleCMS itself: libvips takes sRGB for what it cannot read."""
    if not profile:
        return
    if len(profile) > MAX_PROFILE_BYTES:
        raise ValueError("its colour profile has more than 16 MB")
    try:
        space = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except OSError:
        raise ValueError("its colour profile cannot be read") from None
    if space.profile.xcolor_space.strip() != "RGB":
        raise ValueError(
            "its colour profile is not one for RGB, but for "
            f"{space.profile.xcolor_space.strip()}"
        )


def _named(folder: str, name: str, profile: bytes) -> str:
    """A profile as libvips wants it: a file's name, or its own sRGB."""
    if not profile:
        return "srgb"
    path = pathlib.Path(folder, name)
    path.write_bytes(profile)
    return str(path)


def _unusable(error: pyvips.Error) -> ValueError:
    return ValueError(f"its colour profile cannot be used: {_line(error)}")


def _line(error: pyvips.Error) -> str:
    """Libvips' message in one line."""
    lines = str(error).split("\n")
    return "; ".join(line.strip() for line in lines if line.strip())
