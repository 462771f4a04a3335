"""What the builders of real light fields share: files in, examples out.

A builder of `data/` only says which files make up a scene and where the views
are in them (`Scene`); this file reads, checks, encodes and writes them in the
schema of data/synthetic_lf/README.md. Views are stored as PNG, so they equal
the source's 8 bits exactly; of 16 bits the nearest 8-bit value is kept.

TFDS writes into a temporary directory that takes its name at the end. So a
scene that cannot be read leaves no data set that looks complete.
"""

import concurrent.futures
import dataclasses
import io
import os
import pathlib
import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
import PIL.Image
import tensorflow_datasets as tfds

from crossnet_tf import images, light_fields

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclasses.dataclass(frozen=True)
class Scene:
    """A light field that can be read.

    Attributes:
        name: unique in the data set.
        rows: of the camera grid.
        cols: of the camera grid.
        read_views: gives `rows * cols` views `[H, W, 3]` uint8, row by row.
        read_disparity: gives their `[H, W]` float32 maps, NaN: unknown.
    """

    name: str
    rows: int
    cols: int
    read_views: Callable[[], list[np.ndarray]]
    read_disparity: Callable[[], list[np.ndarray]] | None = None


class LightFieldBuilder(
    tfds.core.GeneratorBasedBuilder, skip_registration=True
):
    """Base of the builders: a subclass gives `_find_scenes`."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put the files as this data set's README.md says, and name their "
        "folder with --manual_dir."
    )
    HOMEPAGE = "https://arxiv.org/abs/1807.10547"

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=features(self._has_disparity()), homepage=self.HOMEPAGE
        )

    def _has_disparity(self) -> bool:
        return False

    def _find_scenes(self, folder: pathlib.Path) -> dict[str, list[Scene]]:
        """Lists the scenes of each split, without reading images."""
        raise NotImplementedError

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator]:
        splits = self._find_scenes(pathlib.Path(dl_manager.manual_dir))
        return {
            split: self._generate_examples(scenes)
            for split, scenes in splits.items()
        }

    def _generate_examples(
        self, scenes: list[Scene]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields scenes in order, a few at a time on threads."""
        workers = os.cpu_count() or 1
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for first in range(0, len(scenes), workers):
                for example in pool.map(
                    make_example, scenes[first : first + workers]
                ):
                    yield example["scene"], example


def features(with_disparity: bool) -> tfds.features.FeaturesDict:
    """The schema of data/synthetic_lf/README.md; sizes may differ."""
    view = tfds.features.Image(shape=(None, None, 3), encoding_format="png")
    spec = {
        "scene": tfds.features.Text(),
        "rows": np.int32,
        "cols": np.int32,
        "views": tfds.features.Sequence(view),
    }
    if with_disparity:
        disparity = tfds.features.Image(
            shape=(None, None, 1), dtype=np.uint16, encoding_format="png"
        )
        spec["disparity"] = tfds.features.Sequence(disparity)
    return tfds.features.FeaturesDict(spec)


def make_example(scene: Scene) -> dict[str, Any]:
    """Reads, checks and encodes a scene.

    Raises:
        ValueError: there are too few views, or their sizes differ.
    """
    views = scene.read_views()
    sizes = sorted({view.shape[:2] for view in views})
    if len(views) != scene.rows * scene.cols or len(sizes) != 1:
        raise ValueError(
            f"Scene `{scene.name}` must have {scene.rows}x{scene.cols} views "
            f"of one size. Received: {len(views)} of (height, width) {sizes}."
        )
    example = {
        "scene": scene.name,
        "rows": scene.rows,
        "cols": scene.cols,
        "views": [png(view) for view in views],
    }
    if scene.read_disparity is not None:
        maps = scene.read_disparity()
        found = sorted({d.shape for d in maps})
        if len(maps) != len(views) or found != sizes:
            raise ValueError(
                f"Disparity of scene `{scene.name}` must have the views' "
                f"size {sizes[0]}. Received: {len(maps)} of {found}."
            )
        example["disparity"] = [png(encode_disparity(d)) for d in maps]
    return example


def encode_disparity(disparity: np.ndarray) -> np.ndarray:
    """Disparity `[H, W]`, NaN: unknown, as the schema's 16-bit integers."""
    known = np.isfinite(disparity)
    steps = np.rint(
        np.where(known, disparity, 0).astype(np.float64)
        * light_fields.DISPARITY_STEPS
    )
    codes = np.clip(steps + light_fields.DISPARITY_ZERO, 1, 65535)
    return np.where(known, codes, 0).astype(np.uint16)


def png(array: np.ndarray) -> io.BytesIO:
    """Encodes `[H, W]` uint16 or `[H, W, 3]` uint8 quickly."""
    file = io.BytesIO()
    PIL.Image.fromarray(array).save(file, "png", compress_level=2)
    file.seek(0)
    return file


def read_view(path: pathlib.Path) -> np.ndarray:
    """Reads an image as `[H, W, 3]` uint8; errors name the file."""
    return np.asarray(images.to_uint8(images.read_image(path)))


def read_files(paths: list[pathlib.Path]) -> Callable[[], list[np.ndarray]]:
    """A `read_views` for one file per view."""
    return lambda: [read_view(path) for path in paths]


def grid_scene(folder: pathlib.Path, pattern: str, form: str) -> Scene:
    """A scene with one file per view, named by row and column.

    Args:
        folder: of the scene; its name is the scene's.
        pattern: regular expression with groups `row` and `col`, searched for
            in file names without suffix.
        form: the pattern for people, such as "view_RR_CC.png".

    Raises:
        FileNotFoundError: no file fits, or the grid has holes.
        ValueError: two files are the same view.
    """
    found = {}
    for path in image_files(folder):
        match = re.search(pattern, path.stem)
        if match is None:
            continue
        place = int(match["row"]), int(match["col"])
        if place in found:
            raise ValueError(
                f"Each view must have one file. Received: {found[place]} and "
                f"{path} for row {place[0]}, column {place[1]}."
            )
        found[place] = path
    if not found:
        raise FileNotFoundError(
            f"Scene folder {folder} must hold images named {form}. "
            "Received: none."
        )
    rows, cols = (sorted({place[axis] for place in found}) for axis in (0, 1))
    missing = [(r, c) for r in rows for c in cols if (r, c) not in found]
    if missing:
        raise FileNotFoundError(
            f"Scene folder {folder} must hold all {len(rows)}x{len(cols)} "
            f"views, named {form}. Missing: (row, column) {missing[:5]}."
        )
    paths = [found[row, col] for row in rows for col in cols]
    return Scene(folder.name, len(rows), len(cols), read_files(paths))


def row_scene(folder: pathlib.Path, minimum: int = 2) -> Scene:
    """A scene whose views are a row: the folder's images by name.

    Numbers in names count as numbers, so v10 comes after v9.
    """
    paths = sorted(image_files(folder), key=lambda path: by_number(path.stem))
    if len(paths) < minimum:
        raise FileNotFoundError(
            f"Scene folder {folder} must hold at least {minimum} images. "
            f"Received: {len(paths)}."
        )
    return Scene(folder.name, 1, len(paths), read_files(paths))


def by_number(name: str) -> list[tuple[int, str]]:
    """Sorts "v10" after "v9"."""
    parts = re.split(r"(\d+)", name)
    return [(int(p), "") if p.isdigit() else (-1, p) for p in parts]


def image_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Images of a folder by name; hidden files are left out."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES
        and not path.name.startswith(".")
    )


def split_folders(
    folder: pathlib.Path, make_scene: Callable[[pathlib.Path], Scene]
) -> dict[str, list[Scene]]:
    """Scenes of a folder with one folder per scene.

    If there are folders `train` and `test`, they hold the scenes of these
    splits. Otherwise the last tenth by name, at least one of two or more, is
    `test`.
    """
    if (folder / "train").is_dir() and (folder / "test").is_dir():
        return {
            split: [make_scene(path) for path in folders(folder / split)]
            for split in ("train", "test")
        }
    return hold_out([make_scene(path) for path in folders(folder)])


def hold_out(scenes: list[Scene]) -> dict[str, list[Scene]]:
    """Makes the last tenth, at least one of two or more, the test split."""
    count = max(1, len(scenes) // 10) if len(scenes) > 1 else 0
    train = scenes[: len(scenes) - count]
    test = scenes[len(scenes) - count :]
    return {"train": train, "test": test} if test else {"train": train}


def folders(folder: pathlib.Path) -> list[pathlib.Path]:
    """Folders in a folder by name, at least one."""
    found = sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".")
    )
    if not found:
        raise FileNotFoundError(
            f"{folder} must hold one folder per scene. Received: none."
        )
    return found


def interleaved_views(image: np.ndarray, rows: int, cols: int) -> np.ndarray:
    """Views of an image that interleaves them by pixel, as lenslets do.

    Pixel (y * rows + r, x * cols + c) is pixel (y, x) of view (r, c).

    Args:
        image: `[h * rows, w * cols, 3]`; what is too much is cut off.
        rows: of the camera grid.
        cols: of the camera grid.

    Returns:
        `[rows, cols, h, w, 3]`.
    """
    height, width = image.shape[0] // rows, image.shape[1] // cols
    image = image[: height * rows, : width * cols]
    image = image.reshape(height, rows, width, cols, 3)
    return image.transpose(1, 3, 0, 2, 4)


def mosaic_views(image: np.ndarray, rows: int, cols: int) -> np.ndarray:
    """Views of an image that shows them side by side.

    Args:
        image: `[rows * h, cols * w, 3]`.
        rows: of the camera grid.
        cols: of the camera grid.

    Returns:
        `[rows, cols, h, w, 3]`.
    """
    height, width = image.shape[0] // rows, image.shape[1] // cols
    image = image[: rows * height, : cols * width]
    image = image.reshape(rows, height, cols, width, 3)
    return image.transpose(0, 2, 1, 3, 4)
