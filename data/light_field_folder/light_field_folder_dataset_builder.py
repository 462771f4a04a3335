"""TFDS builder of `light_field_folder`: light fields in folders of images.

tfds build data/light_field_folder --manual_dir=DIR [--config=mosaic]
"""

import dataclasses
import functools
import pathlib
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from data import light_field

PATTERN = r"(?:^|_)(?:r|view_|out_)?(?P<row>\d+)_c?(?P<col>\d+)(?:_|$)"
LAYOUTS = ("files", "mosaic", "interleaved")


@dataclasses.dataclass
class LightFieldFolderConfig(tfds.core.BuilderConfig):
    """Where the views of a scene are.

    Attributes:
        layout: "files": a folder per scene with a file per view; "mosaic":
            a file per scene, views side by side; "interleaved": a file per
            scene, views interleaved by pixel.
        rows: of the camera grid; not used by "files".
        cols: of the camera grid; not used by "files".
    """

    layout: str = "files"
    rows: int = 8
    cols: int = 8


class Builder(light_field.LightFieldBuilder):
    """Any light fields, one folder or one image per scene."""

    BUILDER_CONFIGS: ClassVar = [
        LightFieldFolderConfig(
            name="files", description="SCENE/view_RR_CC.png or rRR_cCC.png."
        ),
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
        self, folder: pathlib.Path
    ) -> dict[str, list[light_field.Scene]]:
        config = self.builder_config
        if config.layout not in LAYOUTS:
            raise ValueError(
                f"`layout` must be one of {LAYOUTS}. "
                f"Received: layout={config.layout!r}."
            )
        if config.layout == "files":
            return light_field.split_folders(
                folder,
                lambda path: light_field.grid_scene(
                    path, PATTERN, "view_RR_CC.png or rRR_cCC.png"
                ),
            )
        files = light_field.image_files(folder)
        if not files:
            raise FileNotFoundError(
                f"{folder} must hold one image per scene. Received: none."
            )
        return light_field.hold_out(
            [
                light_field.Scene(
                    path.stem,
                    config.rows,
                    config.cols,
                    functools.partial(read_whole, path, config),
                )
                for path in files
            ]
        )


def read_whole(
    path: pathlib.Path, config: LightFieldFolderConfig
) -> list[np.ndarray]:
    """Reads all views of a scene from its one image.

    Raises:
        ValueError: the image is no multiple of the grid's size.
    """
    image = light_field.read_view(path)
    if image.shape[0] % config.rows or image.shape[1] % config.cols:
        raise ValueError(
            f"Image `{path}` must be a multiple of `rows` high and of `cols` "
            f"wide. Received: rows={config.rows}, cols={config.cols}, height "
            f"{image.shape[0]}, width {image.shape[1]}."
        )
    take = getattr(light_field, f"{config.layout}_views")
    views = take(image, config.rows, config.cols)
    return list(views.reshape(-1, *views.shape[2:]))
