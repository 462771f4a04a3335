"""TFDS builder of `hci_lf`: the 4D Light Field Benchmark.

    tfds build data/hci_lf --manual_dir=DIR [--config=disparity]

The benchmark's evaluation toolkit computes depth from disparity d as b / (d c
+ e) with positive b, c, e (`source/utils/point_cloud.py`), so d is larger where
it is nearer, and 0 in the plane of focus. Cameras are numbered row by row,
from left to right. So the point at x is at x - d one view further right. The
schema of data/synthetic_lf has x + d: the sign turns.
"""

import dataclasses
import functools
import pathlib
import re
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from crossnet_tf import images, regular
from crossnet_tf.data import light_field, scenes, source_tree

ROWS = COLS = 9
VIEWS = [f"input_Cam{n:03d}.png" for n in range(ROWS * COLS)]
MAPS = [f"gt_disp_lowres_Cam{n:03d}.pfm" for n in range(ROWS * COLS)]
_MAX_PFM_BYTES = 4 * images.MAX_PIXELS + 100
_HEADER = re.compile(
    rb"Pf\s+(?P<width>\d{1,5})\s+(?P<height>\d{1,5})\s+"
    rb"(?P<scale>[-+]?[\d.]+(?:[eE][-+]?\d+)?)\s"
)


class Builder(light_field.LightFieldBuilder):
    """Rendered scenes of 9x9 views of 512x512."""

    HOMEPAGE = "https://lightfield-analysis.uni-konstanz.de"
    BUILDER_CONFIGS: ClassVar = [
        tfds.core.BuilderConfig(name="views", description="Views only.")
    ]
    OTHER_CONFIGS: ClassVar = [
        tfds.core.BuilderConfig(
            name="disparity",
            description="With gt_disp_lowres_CamNNN.pfm of all views.",
        ),
    ]

    def _has_disparity(self) -> bool:
        return self.builder_config.name == "disparity"

    def _find_scenes(
        self, folders: list[source_tree.Folder]
    ) -> dict[str, list[scenes.Scene]]:
        with_views = source_tree.with_images(folders, f"files {VIEWS[0]}")
        found = self._each(find_scene, with_views)
        if self._has_disparity():
            places = _places(folders)
            found = [s for s in found if not _is_kept_back(s, places)]
            add = functools.partial(_with_maps, places=places)
            found = self._each(add, found)
        return source_tree.split(found, lambda scene: scene.name)


def find_scene(folder: source_tree.Folder) -> scenes.Scene:
    """A scene's folder; every view of the benchmark must be there.

    Raises:
        FileNotFoundError: names the first missing file.
    """
    _check_files(folder, VIEWS)
    paths = [folder.path / name for name in VIEWS]
    return scenes.one_per_view(folder.name, ROWS, COLS, paths)


def _check_files(folder: source_tree.Folder, names: list[str]) -> None:
    there = {path.name for path in folder.files}
    for name in names:
        if name not in there:
            raise FileNotFoundError(
                f"Scene folder {folder.path} must hold {len(names)} files "
                f"such as {names[0]}. Missing: {name}."
            )


def _places(
    folders: list[source_tree.Folder],
) -> dict[str, source_tree.Folder]:
    """Where a scene's disparity is, by its name."""
    return {
        folder.name.rpartition("/")[2]: folder
        for folder in folders
        if any(path.name in MAPS for path in folder.files)
    }


def _is_kept_back(
    scene: scenes.Scene, places: dict[str, source_tree.Folder]
) -> bool:
    """The benchmark keeps the disparity of its test scenes to itself."""
    category, _, name = scene.name.rpartition("/")
    return category.endswith("test") and name not in places


def _with_maps(
    scene: scenes.Scene, places: dict[str, source_tree.Folder]
) -> scenes.Scene:
    """Adds disparity, which an archive of its own may hold.

    Raises:
        FileNotFoundError: names a scene without, or the first missing file.
    """
    name = scene.name.rpartition("/")[2]
    if name in places:
        _check_files(places[name], MAPS)
        paths = [places[name].path / file for file in MAPS]
        read = functools.partial(_read_maps, paths)
        return dataclasses.replace(scene, read_disparity=read)
    raise FileNotFoundError(
        f"Scene `{scene.name}` must have {len(MAPS)} files such as {MAPS[0]}, "
        "in its folder or in one of its name. Received: none. They are in an "
        "archive of their own; without them take --config=views."
    )


def read_pfm(path: pathlib.Path) -> np.ndarray:
    """Reads a grey PFM file, of either byte order.

    Returns:
        `[H, W]` float32, first row on top (the file has it last).

    Raises:
        ValueError: it is none, too large or truncated.
    """
    data = regular.check_size(path, _MAX_PFM_BYTES).read_bytes()
    match = _HEADER.match(data)
    if match is None:
        raise ValueError(f"`{path}` must be a grey PFM file (Pf).")
    height, width = int(match["height"]), int(match["width"])
    found = len(data) - match.end()
    if found != 4 * height * width:
        raise ValueError(
            f"`{path}` must hold {4 * height * width} bytes of pixels for "
            f"{width}x{height}. Received: {found}."
        )
    order = "<f4" if match["scale"].startswith(b"-") else ">f4"
    pixels = np.frombuffer(data, order, offset=match.end())
    return pixels.reshape(height, width)[::-1].astype(np.float32)


def _read_maps(paths: list[pathlib.Path]) -> Iterator[np.ndarray]:
    """Reads maps and turns their sign, as the file's docstring says."""
    for path in paths:
        yield -read_pfm(path)
