"""TFDS builder of `hci_lf`: the 4D Light Field Benchmark.

tfds build data/hci_lf --manual_dir=DIR [--config=disparity]
"""

import dataclasses
import functools
import pathlib
import re
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from data import light_field

ROWS = COLS = 9
_HEADER = re.compile(
    rb"Pf\s+(?P<width>\d{1,5})\s+(?P<height>\d{1,5})\s+"
    rb"(?P<scale>[-+]?[\d.]+(?:[eE][-+]?\d+)?)\s"
)


class Builder(light_field.LightFieldBuilder):
    """Rendered scenes of 9x9 views of 512x512."""

    HOMEPAGE = "https://lightfield-analysis.uni-konstanz.de"
    BUILDER_CONFIGS: ClassVar = [
        tfds.core.BuilderConfig(name="views", description="Views only."),
        tfds.core.BuilderConfig(
            name="disparity",
            description="With gt_disp_lowres_CamNNN.pfm of all views.",
        ),
    ]

    def _has_disparity(self) -> bool:
        return self.builder_config.name == "disparity"

    def _find_scenes(
        self, folder: pathlib.Path
    ) -> dict[str, list[light_field.Scene]]:
        return light_field.split_folders(
            folder, lambda path: find_scene(path, self._has_disparity())
        )


def find_scene(
    folder: pathlib.Path, with_disparity: bool = False
) -> light_field.Scene:
    """A scene's folder; every file of the benchmark must be there.

    Raises:
        FileNotFoundError: names the first missing file.
    """
    count = ROWS * COLS
    views = [folder / f"input_Cam{n:03d}.png" for n in range(count)]
    maps = [folder / f"gt_disp_lowres_Cam{n:03d}.pfm" for n in range(count)]
    for path in views + maps * with_disparity:
        if not path.is_file():
            raise FileNotFoundError(
                f"Scene folder {folder} must hold {count} files such as "
                f"{views[0].name}. Missing: {path.name}."
            )
    scene = light_field.Scene(
        folder.name, ROWS, COLS, light_field.read_files(views)
    )
    if not with_disparity:
        return scene
    return dataclasses.replace(
        scene, read_disparity=functools.partial(_read_maps, maps)
    )


def read_pfm(path: pathlib.Path) -> np.ndarray:
    """Reads a grey PFM file, of either byte order.

    Returns:
        `[H, W]` float32, first row on top (the file has it last).

    Raises:
        ValueError: it is none, or is truncated.
    """
    data = path.read_bytes()
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


def _read_maps(paths: list[pathlib.Path]) -> list[np.ndarray]:
    """Reads maps and turns their sign.

    The benchmark's d is larger where it is nearer: the point at x is at x - d
    one view further right. The schema has x + d.
    """
    return [-read_pfm(path) for path in paths]
