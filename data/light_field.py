"""What the builders of real light fields share: files in, examples out.

A builder of `data/` only says which files make up a scene and where the views
are in them (`scenes.Scene`); this file checks, encodes and writes them in the
schema of data/synthetic_lf/README.md. Views are stored as PNG, so they equal
the source's 8 bits exactly.

A scene that cannot be read is named and left out, or ends the preparation if
the builder is `strict`. TFDS writes into a temporary directory that takes its
name at the end, so that what ends leaves no data set that looks complete.
"""

import functools
import io
import pathlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeVar

import numpy as np
import PIL.Image
import tensorflow_datasets as tfds

from crossnet_tf.pairs import light_fields

from . import leaving_out, parallel, scenes, source_tree, unfinished

# A record is a protocol buffer, and these end at 2 GiB.
MAX_RECORD_BYTES = 2**31 - 2**20

_Item = TypeVar("_Item")
_Found = TypeVar("_Found")


class LightFieldBuilder(  # type: ignore[call-arg]  # TFDS has no types
    unfinished.Preparing,
    tfds.core.GeneratorBasedBuilder,
    skip_registration=True,
):
    """Base of the builders: a subclass gives `_find_scenes`.

    Attributes:
        strict: a scene that cannot be read ends the preparation.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put the files as this data set's README.md says, and name their "
        "folder with --manual_dir."
    )
    HOMEPAGE = "https://arxiv.org/abs/1807.10547"
    # Not in BUILDER_CONFIGS: `tfds build` prepares all of these at once if
    # none is named.
    OTHER_CONFIGS: ClassVar[list[tfds.core.BuilderConfig]] = []
    strict = False
    _on_beam = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # TFDS would look for README.md below the folder of crossnet_tf, which
        # in a checkout is beside this one.
        place = sys.modules[cls.__module__].__file__
        cls.pkg_dir_path = tfds.core.Path(place).parent

    @tfds.core.utils.classproperty
    @classmethod
    def builder_configs(cls) -> dict[str, tfds.core.BuilderConfig]:
        """All configurations that `--config` can name."""
        configs = (*cls.BUILDER_CONFIGS, *cls.OTHER_CONFIGS)
        return {config.name: config for config in configs}

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=features(self._has_disparity()), homepage=self.HOMEPAGE
        )

    def _has_disparity(self) -> bool:
        return False

    def _find_scenes(
        self, folders: list[source_tree.Folder]
    ) -> dict[str, list[scenes.Scene]]:
        """Lists the scenes of each split, without reading images."""
        raise NotImplementedError

    def _each(
        self,
        find: Callable[[_Item], _Found],
        items: Iterable[_Item],
        name_of: Callable[[Any], str] = lambda folder: folder.name,
    ) -> list[_Found]:
        """What `find` gives for each item; bad ones are left out."""
        return leaving_out.each(find, items, name_of, self.strict)

    def _download_and_prepare(
        self,
        dl_manager: tfds.download.DownloadManager,
        download_config: tfds.download.DownloadConfig,
    ) -> None:
        self._on_beam = bool(
            download_config.beam_runner or download_config.beam_options
        )
        super()._download_and_prepare(dl_manager, download_config)

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Any]:
        folders = source_tree.find_folders(
            pathlib.Path(dl_manager.manual_dir),
            pathlib.Path(dl_manager.download_dir) / "unpacked",
        )
        splits = self._find_scenes(folders)
        _check_names(splits)
        return {
            split: self._generate_examples(found)
            for split, found in splits.items()
        }

    def _generate_examples(self, found: list[scenes.Scene]) -> Any:
        """Scenes as examples: on Beam if asked for, otherwise on threads."""
        make = functools.partial(_example_or_none, strict=self.strict)
        if self._on_beam:
            return parallel.on_beam(make, found)
        return _not_empty(parallel.on_threads(make, found), found)


def _example_or_none(
    scene: scenes.Scene, strict: bool
) -> list[parallel.Example]:
    try:
        return [make_example(scene)]
    except leaving_out.UNREADABLE as error:
        if strict:
            raise
        leaving_out.say(scene.name, error)
        return []


def _not_empty(
    examples: Iterable[parallel.Example], found: list[scenes.Scene]
) -> Iterator[parallel.Example]:
    """The same; says how many are left out, and refuses none at all."""
    count = 0
    for example in examples:
        count += 1
        yield example
    if found and not count:
        make_example(found[0])  # raises: this is why
    if count < len(found):
        print(
            f"{len(found) - count} of {len(found)} scenes of a split are left "
            "out; their names stand above.",
            file=sys.stderr,
        )


def _check_names(splits: dict[str, list[scenes.Scene]]) -> None:
    names = Counter(scene.name for found in splits.values() for scene in found)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ValueError(
            "Scenes must have different names. Received twice: "
            f"{', '.join(twice[:5])}."
        )


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


def make_example(scene: scenes.Scene) -> tuple[str, dict[str, Any]]:
    """Reads, checks and encodes a scene.

    Returns:
        Its name, which is the example's key, and the example.

    Raises:
        ValueError: there are too few views, their sizes differ, or they take
            more than a record can hold.
    """
    views, sizes = _encoded(scene.read_views())
    if len(views) != scene.rows * scene.cols or len(sizes) != 1:
        raise ValueError(
            f"Scene `{scene.name}` must have {scene.rows}x{scene.cols} views "
            f"of one size. Received: {len(views)} of (height, width) "
            f"{sorted(sizes)}."
        )
    example: dict[str, Any] = {
        "scene": scene.name,
        "rows": scene.rows,
        "cols": scene.cols,
        "views": views,
    }
    if scene.read_disparity is not None:
        maps = map(encode_disparity, scene.read_disparity())
        example["disparity"], found = _encoded(maps)
        if len(example["disparity"]) != len(views) or found != sizes:
            raise ValueError(
                f"Disparity of scene `{scene.name}` must have the views' "
                f"size {sorted(sizes)[0]}. Received: "
                f"{len(example['disparity'])} of {sorted(found)}."
            )
    _check_record(example)
    return scene.name, example


def _encoded(
    arrays: Iterable[np.ndarray],
) -> tuple[list[bytes], set[tuple[int, ...]]]:
    """Encodes one after the other, so that one is in memory at a time."""
    files, sizes = [], set()
    for array in arrays:
        sizes.add(array.shape[:2])
        files.append(png(array))
    return files, sizes


def _check_record(example: dict[str, Any]) -> None:
    parts = [*example["views"], *example.get("disparity", ())]
    size = sum(map(len, parts))
    if size > MAX_RECORD_BYTES:
        raise ValueError(
            f"Scene `{example['scene']}` must take at most "
            f"{MAX_RECORD_BYTES:,} bytes as PNG. Received: {size:,} for "
            f"{len(example['views'])} views. Put fewer, or smaller, views "
            "into a scene."
        )


def encode_disparity(disparity: np.ndarray) -> np.ndarray:
    """Disparity `[H, W]`, NaN: unknown, as the schema's 16-bit integers."""
    known = np.isfinite(disparity)
    steps = np.rint(
        np.where(known, disparity, 0).astype(np.float64)
        * light_fields.DISPARITY_STEPS
    )
    codes = np.clip(steps + light_fields.DISPARITY_ZERO, 1, 65535)
    return np.where(known, codes, 0).astype(np.uint16)


def png(array: np.ndarray) -> bytes:
    """Encodes `[H, W]` uint16 or `[H, W, 3]` uint8 quickly."""
    file = io.BytesIO()
    PIL.Image.fromarray(np.ascontiguousarray(array)).save(
        file, "png", compress_level=2
    )
    return file.getvalue()
