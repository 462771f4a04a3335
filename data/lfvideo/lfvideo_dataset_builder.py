"""TFDS builder of `lfvideo`: frames of light-field videos.

    tfds build data/lfvideo --manual_dir=DIR [--config=partial]

A file holds the 8x8 views of a frame side by side. The paper uses the
top-left 320x512 pixels of each view.
"""

import functools
import pathlib
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from crossnet_tf import images
from crossnet_tf.data import light_field, scenes, source_tree, views_in_image
from crossnet_tf.ops.quantization import to_uint8

VIEWS = 8
CROP_HEIGHT, CROP_WIDTH = 320, 512
TRAIN, TEST = 1080, 270
_NO_FRAMES = "disparity"


class Builder(light_field.LightFieldBuilder):
    """1080 + 270 frames, 8x8 views of 320x512."""

    HOMEPAGE = "https://github.com/junyanz/light-field-video"
    BUILDER_CONFIGS: ClassVar = [
        tfds.core.BuilderConfig(
            name="paper", description="All 1350 frames; the last 270 are test."
        )
    ]
    OTHER_CONFIGS: ClassVar = [
        tfds.core.BuilderConfig(
            name="partial",
            description="Any of the frames; the last tenth is test.",
        ),
    ]

    def _find_scenes(
        self, folders: list[source_tree.Folder]
    ) -> dict[str, list[scenes.Scene]]:
        folders = [f for f in folders if f.path.name != _NO_FRAMES]
        found = [
            scenes.Scene(
                f"{folder.name}/{path.stem}".lstrip("/"),
                VIEWS,
                VIEWS,
                functools.partial(read_views, path),
            )
            for folder in source_tree.with_images(
                folders, "one image per frame"
            )
            for path in folder.images
        ]
        if self.builder_config.name == "partial":
            return source_tree.hold_out(found)
        if len(found) != TRAIN + TEST:
            raise FileNotFoundError(
                f"The data set has {TRAIN + TEST} images. Received: "
                f"{len(found)}. With --config=partial any number will do."
            )
        return {"train": found[:TRAIN], "test": found[TRAIN:]}


def read_views(path: pathlib.Path) -> Iterator[np.ndarray]:
    """Reads a frame's 8x8 views, their top-left 320x512 pixels.

    Raises:
        ValueError: it is no grid of 8x8 views that are large enough.
    """
    image = images.read_image(path)
    height, width = image.shape[:2]
    fits = height % VIEWS == width % VIEWS == 0
    if not fits or height < VIEWS * CROP_HEIGHT or width < VIEWS * CROP_WIDTH:
        raise ValueError(
            f"Image `{path}` must show {VIEWS}x{VIEWS} views of at least "
            f"{CROP_HEIGHT}x{CROP_WIDTH}. Received: height {height}, width "
            f"{width}."
        )
    for row in views_in_image.views(image, "mosaic", VIEWS, VIEWS):
        for view in row:
            yield to_uint8(view[:CROP_HEIGHT, :CROP_WIDTH])
