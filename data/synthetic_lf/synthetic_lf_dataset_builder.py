"""TFDS builder of `synthetic_lf`: rendered light fields with disparity.

    tfds build data/synthetic_lf [--data_dir=DIR] [--config=small]

`render.py` makes the scenes; this file only numbers them, encodes them as
PNG and writes them in the schema that all light-field builders of `data/`
share (README.md).
"""

import concurrent.futures
import dataclasses
import io
import os
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import PIL.Image
import tensorflow_datasets as tfds

from crossnet_tf.data import unfinished

# Relative: `tfds build` imports this folder as a package of its own.
from . import photographs, render

SPLITS = {"train": (0, photographs.TRAIN), "test": (1, photographs.TEST)}
DISPARITY_STEPS = 1024
DISPARITY_ZERO = 32768


@dataclasses.dataclass
class SyntheticLfConfig(tfds.core.BuilderConfig):
    """How many scenes, and how large.

    Attributes:
        height: of a view, pixels.
        width: of a view, pixels.
        rows: of the camera grid.
        cols: of the camera grid.
        train_scenes: number of training scenes.
        test_scenes: number of test scenes.
        max_disparity: pixels per view step; 0: drawn per scene, 0.5 to 2.
        seed: of all scenes; scene i of a split depends on it and on i only.
    """

    height: int = 192
    width: int = 256
    rows: int = 8
    cols: int = 8
    train_scenes: int = 36
    test_scenes: int = 6
    max_disparity: float = 0.0
    seed: int = 0


class Builder(unfinished.Preparing, tfds.core.GeneratorBasedBuilder):
    """Layered scenes of tilted planes, seen by a grid of cameras."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First release."}
    # In a checkout data/ is beside crossnet_tf/, where TFDS does not look.
    pkg_dir_path = tfds.core.Path(__file__).parent
    BUILDER_CONFIGS: ClassVar = [
        SyntheticLfConfig(
            name="default", description="36 + 6 scenes, 8x8 views of 192x256."
        ),
        SyntheticLfConfig(
            name="small",
            description="4 + 2 scenes, 8x8 views of 96x128, for trying out.",
            height=96,
            width=128,
            train_scenes=4,
            test_scenes=2,
        ),
    ]

    def _info(self) -> tfds.core.DatasetInfo:
        config = self.builder_config
        view = tfds.features.Image(
            shape=(config.height, config.width, 3), encoding_format="png"
        )
        disparity = tfds.features.Image(
            shape=(config.height, config.width, 1),
            dtype=np.uint16,
            encoding_format="png",
        )
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "scene": tfds.features.Text(),
                    "rows": np.int32,
                    "cols": np.int32,
                    "views": tfds.features.Sequence(view),
                    "disparity": tfds.features.Sequence(disparity),
                }
            ),
            homepage="https://arxiv.org/abs/1807.10547",
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator]:
        del dl_manager  # Nothing to download.
        return {split: self._generate_examples(split) for split in SPLITS}

    def _generate_examples(
        self, split: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields scenes in order, a few at a time on threads."""
        config, workers = self.builder_config, os.cpu_count() or 1
        count = getattr(config, f"{split}_scenes")
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for first in range(0, count, workers):
                numbers = range(first, min(first + workers, count))
                for example in pool.map(
                    lambda number: scene(config, split, number), numbers
                ):
                    yield example["scene"], example


def scene(config: SyntheticLfConfig, split: str, number: int) -> dict[str, Any]:
    """Renders and encodes scene `number` of a split, as one TFDS example."""
    split_key, names = SPLITS[split]
    seed = np.random.SeedSequence([config.seed, split_key, number])
    views, disparity = render.render_light_field(
        np.random.Generator(np.random.Philox(seed)),
        config.height,
        config.width,
        config.rows,
        config.cols,
        config.max_disparity or None,
        names,
    )
    return {
        "scene": f"{split}_{number:04d}",
        "rows": config.rows,
        "cols": config.cols,
        "views": [_png(view) for view in views],
        "disparity": [_png(encode_disparity(d)) for d in disparity],
    }


def encode_disparity(disparity: np.ndarray) -> np.ndarray:
    """Disparity as 16-bit integers; see README.md. 0 would mean: unknown."""
    steps = np.rint(disparity.astype(np.float64) * DISPARITY_STEPS)
    return np.clip(steps + DISPARITY_ZERO, 1, 65535).astype(np.uint16)


def _png(array: np.ndarray) -> io.BytesIO:
    file = io.BytesIO()  # Level 2: a third of the time, 3 % more bytes.
    PIL.Image.fromarray(array).save(file, "png", compress_level=2)
    file.seek(0)
    return file
