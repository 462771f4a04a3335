"""TFDS builder of `light_field_folder`: light fields in folders of images.

tfds build data/light_field_folder --manual_dir=DIR [--config=mosaic]
"""

import dataclasses
import functools
import pathlib
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from crossnet_tf import images
from crossnet_tf.data import light_field, scenes, source_tree, views_in_image
from crossnet_tf.ops.quantization import to_uint8

PATTERN = r"(?:^|_)(?:r|view_|out_)?(?P<row>\d+)_c?(?P<col>\d+)(?:_|$)"
LAYOUTS = ("files", *views_in_image.LAYOUTS)


@dataclasses.dataclass
class LightFieldFolderConfig(tfds.core.BuilderConfig):
    """Where the views of a scene are.

    Attributes:
        layout: "files": a folder per scene with a file per view; "mosaic":
            a file per scene, views side by side; "interleaved": a file per
            scene, views interleaved by pixel.
        rows: of the camera grid; not used by "files".
        cols: of the camera grid; not used by "files".
        run_length: of "files": a longer row of views becomes several scenes.
    """

    layout: str = "files"
    rows: int = 8
    cols: int = 8
    run_length: int = scenes.RUN_LENGTH


class Builder(light_field.LightFieldBuilder):
    """Any light fields, one folder or one image per scene."""

    BUILDER_CONFIGS: ClassVar = [
        LightFieldFolderConfig(
            name="files",
            description="SCENE/view_RR_CC.png or rRR_cCC.png; or SCENE/vN.png.",
        )
    ]
    OTHER_CONFIGS: ClassVar = [
        LightFieldFolderConfig(
            name="mosaic",
            description="SCENE.png with 8x8 views side by side.",
            layout="mosaic",
        ),
        LightFieldFolderConfig(
            name="interleaved",
            description="SCENE.png with 8x8 views interleaved by pixel.",
            layout="interleaved",
        ),
    ]

    def _find_scenes(
        self, folders: list[source_tree.Folder]
    ) -> dict[str, list[scenes.Scene]]:
        config = self.builder_config
        if config.layout not in LAYOUTS:
            raise ValueError(
                f"`layout` must be one of {LAYOUTS}. "
                f"Received: layout={config.layout!r}."
            )
        folders = source_tree.with_images(folders, "a folder per scene")
        if config.layout == "files":
            find = functools.partial(find_scenes, run_length=config.run_length)
            return scenes.split_runs(self._each(find, folders))
        found = [
            scenes.Scene(
                f"{folder.name}/{path.stem}".lstrip("/"),
                config.rows,
                config.cols,
                functools.partial(read_whole, path, config),
            )
            for folder in folders
            for path in folder.images
        ]
        return source_tree.split(found, lambda scene: scene.name)


def find_scenes(
    folder: source_tree.Folder, run_length: int = scenes.RUN_LENGTH
) -> list[scenes.Scene]:
    """The grid of a folder; without names of a grid, its row.

    Raises:
        FileNotFoundError: views are missing, or names have no numbers.
        ValueError: two files are the same view.
    """
    numbered = [p for p in folder.images if any(map(str.isdigit, p.stem))]
    if scenes.grid_places(folder, PATTERN) or len(numbered) < 2:
        form = "view_RR_CC.png or rRR_cCC.png, or vN.png for a row"
        return [scenes.grid_scene(folder, PATTERN, form)]
    return scenes.row_scenes(folder, run_length)


def read_whole(
    path: pathlib.Path, config: LightFieldFolderConfig
) -> Iterator[np.ndarray]:
    """Reads all views of a scene from its one image.

    Raises:
        ValueError: the image is no multiple of the grid's size.
    """
    image = images.read_image(path)
    if image.shape[0] % config.rows or image.shape[1] % config.cols:
        raise ValueError(
            f"Image `{path}` must be a multiple of `rows` high and of `cols` "
            f"wide. Received: rows={config.rows}, cols={config.cols}, height "
            f"{image.shape[0]}, width {image.shape[1]}."
        )
    views = views_in_image.views(image, config.layout, config.rows, config.cols)
    for row in views:
        for view in row:
            yield to_uint8(view)
