"""TFDS builder of `flower`: Lytro Illum photographs of flowers.

    tfds build data/flower --manual_dir=DIR [--config=partial]

A file holds 14x14 views of 376x541, interleaved by pixel. The paper uses the
central 8x8 views and their top-left 320x512 pixels.
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

ALL_VIEWS, FIRST_VIEW, VIEWS = 14, 3, 8
HEIGHT, WIDTH = 376, 541
CROP_HEIGHT, CROP_WIDTH = 320, 512
COUNT = 3343


class Builder(light_field.LightFieldBuilder):
    """3243 + 100 light fields, 8x8 views of 320x512."""

    HOMEPAGE = "https://github.com/pratulsrinivasan/Local_Light_Field_Synthesis"
    BUILDER_CONFIGS: ClassVar = [
        tfds.core.BuilderConfig(
            name="paper", description="All files; split by test_files.txt."
        )
    ]
    OTHER_CONFIGS: ClassVar = [
        tfds.core.BuilderConfig(
            name="partial",
            description="Any of the files; the last tenth is the test split.",
        ),
    ]

    def _find_scenes(
        self, folders: list[source_tree.Folder]
    ) -> dict[str, list[scenes.Scene]]:
        files = [path for folder in folders for path in folder.images]
        files = [path for path in files if path.stem.endswith("_eslf")]
        if not files:
            raise FileNotFoundError(
                "The folder of --manual_dir must hold the files *_eslf.png, "
                "or the archive with them. Received: none."
            )
        found = [
            scenes.Scene(
                path.stem, VIEWS, VIEWS, functools.partial(read_views, path)
            )
            for path in sorted(files, key=lambda path: path.name)
        ]
        if self.builder_config.name == "partial":
            return source_tree.hold_out(found)
        return split(found)


def split(found: list[scenes.Scene]) -> dict[str, list[scenes.Scene]]:
    """Splits all scenes, in the order of their names, by test_files.txt.

    Raises:
        FileNotFoundError: there are not 3343.
    """
    if len(found) != COUNT:
        raise FileNotFoundError(
            f"The data set has {COUNT} files *_eslf.png. Received: "
            f"{len(found)}. With --config=partial any number will do."
        )
    test = test_numbers()
    return {
        "train": [s for n, s in enumerate(found) if n not in test],
        "test": [s for n, s in enumerate(found) if n in test],
    }


def test_numbers() -> set[int]:
    """Numbers of the test files, by name, from 0."""
    path = pathlib.Path(__file__).with_name("test_files.txt")
    return {int(number) for number in path.read_text().split()}


def read_views(path: pathlib.Path) -> Iterator[np.ndarray]:
    """Reads the central 8x8 views of a file, their top-left 320x512 pixels.

    Raises:
        ValueError: the file has another size.
    """
    image = images.read_image(path)
    expected = (ALL_VIEWS * HEIGHT, ALL_VIEWS * WIDTH)
    if image.shape[:2] != expected:
        raise ValueError(
            f"Image `{path}` must be {ALL_VIEWS}x{ALL_VIEWS} views of (height"
            f", width) {(HEIGHT, WIDTH)}, {expected} in all. "
            f"Received: {image.shape[:2]}."
        )
    views = views_in_image.views(image, "interleaved", ALL_VIEWS, ALL_VIEWS)
    last = FIRST_VIEW + VIEWS
    views = views[FIRST_VIEW:last, FIRST_VIEW:last, :CROP_HEIGHT, :CROP_WIDTH]
    for row in views:
        for view in row:
            yield to_uint8(view)
