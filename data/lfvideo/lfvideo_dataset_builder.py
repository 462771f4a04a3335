"""TFDS builder of `lfvideo`: frames of light-field videos.

    tfds build data/lfvideo --manual_dir=DIR [--config=partial]

A file holds the 8x8 views of a frame side by side. The paper uses the
top-left 320x512 pixels of each view.
"""

import functools
import pathlib
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from data import light_field

VIEWS = 8
CROP_HEIGHT, CROP_WIDTH = 320, 512
TRAIN, TEST = 1080, 270


class Builder(light_field.LightFieldBuilder):
    """1080 + 270 frames, 8x8 views of 320x512."""

    HOMEPAGE = "https://doi.org/10.1145/3072959.3073614"
    BUILDER_CONFIGS: ClassVar = [
        tfds.core.BuilderConfig(
            name="paper", description="All 1350 frames; the last 270 are test."
        ),
        tfds.core.BuilderConfig(
            name="partial",
            description="Any of the frames; the last tenth is test.",
        ),
    ]

    def _find_scenes(
        self, folder: pathlib.Path
    ) -> dict[str, list[light_field.Scene]]:
        scenes = [
            light_field.Scene(
                path.stem, VIEWS, VIEWS, functools.partial(read_views, path)
            )
            for path in light_field.image_files(folder)
        ]
        if not scenes:
            raise FileNotFoundError(
                f"{folder} must hold one image per frame. Received: none."
            )
        if self.builder_config.name == "partial":
            return light_field.hold_out(scenes)
        if len(scenes) != TRAIN + TEST:
            raise FileNotFoundError(
                f"{folder} must hold {TRAIN + TEST} images. Received: "
                f"{len(scenes)}. With --config=partial any number will do."
            )
        return {"train": scenes[:TRAIN], "test": scenes[TRAIN:]}


def read_views(path: pathlib.Path) -> list[np.ndarray]:
    """Reads a frame's 8x8 views, their top-left 320x512 pixels.

    Raises:
        ValueError: it is no grid of 8x8 views that are large enough.
    """
    image = light_field.read_view(path)
    height, width = image.shape[:2]
    fits = height % VIEWS == width % VIEWS == 0
    if not fits or height < VIEWS * CROP_HEIGHT or width < VIEWS * CROP_WIDTH:
        raise ValueError(
            f"Image `{path}` must show {VIEWS}x{VIEWS} views of at least "
            f"{CROP_HEIGHT}x{CROP_WIDTH}. Received: height {height}, width "
            f"{width}."
        )
    views = light_field.mosaic_views(image, VIEWS, VIEWS)
    views = views[:, :, :CROP_HEIGHT, :CROP_WIDTH]
    return list(views.reshape(-1, CROP_HEIGHT, CROP_WIDTH, 3))
