"""Tiles of two photographs that show the same part of a scene."""

import dataclasses
import pathlib
from collections.abc import Iterator

import numpy as np
from skimage.feature import match_template

from crossnet_tf import images
from crossnet_tf.images import listing
from crossnet_tf.ops.quantization import to_uint8

from . import leaving_out
from .survey import shrunk

_COARSE = 4  # Matching is done at a quarter of the size.
_REACH = 0.25  # How far a tile may lie from its match: share of the width.
_MIN_CORRELATION = 0.6
_MAX_APART = 4  # Pictures of a scene, in the order of their names.
_MAX_TRIES = 50


@dataclasses.dataclass(frozen=True)
class Tile:
    """A training pair: `hr` and `ref` `[size, size, 3]` in [0, 1]."""

    name: str
    hr: np.ndarray
    ref: np.ndarray


def find_scenes(
    folder: pathlib.Path, size: int, strict: bool = False
) -> dict[str, list[pathlib.Path]]:
    """Pictures by scene, in the order of their names.

    Args:
        folder: that holds a folder for each.
        size: of a tile; scenes that are smaller do not count.
        strict: the first scene that cannot be read ends it.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no scene has two pictures of at least `size` pixels.
    """

    def fitting(scene: pathlib.Path) -> list[pathlib.Path]:
        pictures = listing.pictures(scene)
        is_fit = len(pictures) > 1 and min(_size(pictures[0])) >= size
        return pictures if is_fit else []

    folders = list(filter(pathlib.Path.is_dir, listing.visible(folder)))
    found = leaving_out.each(
        lambda scene: (scene.name, fitting(scene)),
        folders,
        lambda scene: scene.name,
        strict,
    )
    scenes = {name: pictures for name, pictures in found if pictures}
    if not scenes:
        raise ValueError(
            "`scenes` must hold folders of two or more pictures of at least "
            f"{size} pixels. Received: scenes={folder}"
        )
    return scenes


def cut(
    scenes: dict[str, list[pathlib.Path]],
    count: int,
    size: int,
    seed: int,
    strict: bool = False,
) -> Iterator[Tile]:
    """Cuts `count` pairs, about equally many from each scene.

    A scene whose pictures cannot be read, differ in size or never match is
    named and gives no more pairs.

    Args:
        scenes: pictures by scene.
        count: of pairs.
        size: height and width of a tile.
        seed: of the choice of pictures and places.
        strict: such a scene ends it.

    Raises:
        ValueError: such a scene, if `strict` or there are no others.
    """
    shares = np.linspace(0, count, len(scenes) + 1)
    first, done = None, 0
    for number, (name, paths) in enumerate(scenes.items()):
        rng = np.random.default_rng([seed, number])
        share = round(shares[number + 1]) - round(shares[number])
        try:
            for tile in _tiles(name, paths, share, size, rng):
                yield tile
                done += 1
        except leaving_out.UNREADABLE as error:
            if strict:
                raise
            leaving_out.say(name, error)
            first = first or error
    if first and not done:
        raise first


def _tiles(
    name: str,
    paths: list[pathlib.Path],
    count: int,
    size: int,
    rng: np.random.Generator,
) -> Iterator[Tile]:
    """The pairs of one scene."""
    pictures = [_read(path) for path in paths]
    if len({picture.shape for picture in pictures}) > 1:
        raise ValueError(f"Pictures of a scene differ in size: {name}.")
    for number in range(count):
        hr, ref = _matching(pictures, size, rng, name)
        yield Tile(f"{name}_{number:04}", hr, ref)


def _matching(pictures, size, rng, name) -> tuple[np.ndarray, np.ndarray]:
    height, width = pictures[0].shape[:2]
    for _ in range(_MAX_TRIES):
        hr, ref = _choose(pictures, rng)
        y = rng.integers(height - size + 1)
        x = rng.integers(width - size + 1)
        tile = hr[y : y + size, x : x + size]
        place = _find(tile, ref, y, x)
        if place is not None:
            y, x = place
            return tile / 255.0, ref[y : y + size, x : x + size] / 255.0
    raise ValueError(f"No two pictures show the same: scene {name}.")


def _choose(pictures, rng) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures, at most `_MAX_APART` apart in their order."""
    first = rng.integers(len(pictures))
    low = max(0, first - _MAX_APART)
    near = [
        number
        for number in range(low, min(first + _MAX_APART + 1, len(pictures)))
        if number != first
    ]
    return pictures[first], pictures[rng.choice(near)]


def _find(tile, ref, y, x) -> tuple[int, int] | None:
    """Top left corner of the part of `ref` that looks most like `tile`."""
    size, reach = len(tile), int(_REACH * ref.shape[1])
    top, left = max(0, y - reach), max(0, x - reach)
    area = ref[top : y + reach + size, left : x + reach + size]
    small = _coarse(tile)
    if small.std() < 1.0:
        return None
    likeness = match_template(_coarse(area), small)
    best = np.unravel_index(np.argmax(likeness), likeness.shape)
    if likeness[best] < _MIN_CORRELATION:
        return None
    return (
        min(top + _COARSE * int(best[0]), ref.shape[0] - size),
        min(left + _COARSE * int(best[1]), ref.shape[1] - size),
    )


def _coarse(picture: np.ndarray) -> np.ndarray:
    return shrunk(picture.mean(-1, dtype=np.float32), _COARSE)


def _read(path: pathlib.Path) -> np.ndarray:
    return to_uint8(images.read_image(path))


def _size(path: pathlib.Path) -> tuple[int, int]:
    info = images.read_info(path)
    return info.width, info.height
