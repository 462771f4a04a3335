"""Light fields that `tfds build data/NAME` has prepared, read by directory.

Reading needs no builder code: `tfds.builder_from_directory` tells the splits
and their files. The records are parsed here and not by TFDS, because only two
of a light field's images are wanted: parsing hands all of them on as they
are, encoded, and `light_fields` decodes the two (twice as fast as TFDS with
decoding skipped).

A directory is DATA_DIR/NAME[/CONFIG]/VERSION, as TFDS makes them. `dataset`
may name all of it ("synthetic_lf/small:1.0.0") or leave out the version (the
newest) or the config (the builder's default).
"""

import json
import os
import pathlib
import re

import tensorflow as tf
import tensorflow_datasets as tfds

from crossnet_tf.pairs import record_files

_NAME = re.compile(r"(\w+)(?:/([\w.-]+?))?(?::(\d+\.\d+\.\d+))?")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_NO_MANUAL_DIR = ("synthetic_lf",)


def find_prepared(name: str, data_dir: str = "") -> pathlib.Path:
    """The directory of a prepared data set.

    Args:
        name: "NAME", "NAME/CONFIG", "NAME:VERSION" or "NAME/CONFIG:VERSION".
        data_dir: where prepared data sets are; empty: `$TFDS_DATA_DIR` or
            ~/tensorflow_datasets.

    Returns:
        The directory that holds `dataset_info.json`.

    Raises:
        ValueError: `name` is none of these forms.
        FileNotFoundError: it is not prepared; says how to prepare it.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(
            "`dataset` must be the name of a prepared data set, `motorcycle` "
            f"or `folder:PATH`. Received: dataset={name!r}."
        )
    root = pathlib.Path(
        data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    ).expanduser()
    folder = root / match[1]
    config = match[2] or _default_config(folder)
    found = _versions(folder / config)
    if match[3]:
        found = [path for path in found if path.name == match[3]]
    if not found:
        raise FileNotFoundError(
            _how_to_prepare(name, match[1], match[2], root, bool(data_dir))
        )
    return found[-1]


class PreparedLightFields:
    """A prepared data set of light fields.

    Attributes:
        name: as given.
        has_disparity: whether the flow between its views is known.

    Args:
        name: as for `find_prepared`.
        data_dir: as for `find_prepared`.

    Raises:
        ValueError: it is no data set of light fields.
        FileNotFoundError: it is not prepared.
    """

    def __init__(self, name: str, data_dir: str = "") -> None:
        path = find_prepared(name, data_dir)
        self.name = name
        self._builder = tfds.builder_from_directory(str(path))
        features = self._builder.info.features
        missing = {"scene", "rows", "cols", "views"} - set(features)
        if missing or self._builder.info.file_format.value != "tfrecord":
            raise ValueError(
                "`dataset` must have TFRecord files of light fields with "
                "scene, rows, cols and views. Received: "
                f"dataset={name!r} in {path}."
            )
        self.has_disparity = "disparity" in features

    def examples(
        self,
        split: str,
        with_disparity: bool = False,
    ) -> tf.data.Dataset:
        """Reads a split once, in order, without decoding.

        Args:
            split: a TFDS split, such as "test" or "train[:90%]".
            with_disparity: read `disparity`, too.

        Returns:
            Dicts of `scene` string, `rows`, `cols` int32, `views`
            `[rows * cols]` PNG strings and, if asked for, `disparity`.

        Raises:
            ValueError: there is no such split, or it is empty.
        """
        records = self.records(split)
        return tf.data.Dataset.range(records.count).map(
            lambda index: parse(records.read(index), with_disparity),
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    def records(self, split: str) -> record_files.RecordFiles:
        """The records of a split, for `parse`.

        Raises:
            ValueError: there is no such split, it is empty, or a file of it
                is damaged.
        """
        instructions = self._instructions(split)
        return record_files.RecordFiles(
            [(i.filename, i.skip, i.take) for i in instructions]
        )

    def has(self, split: str) -> bool:
        """Whether there is such a split, and a light field in it."""
        try:
            return bool(self._instructions(split))
        except ValueError:
            return False

    def count(self, split: str) -> int:
        """How many light fields a split has.

        Raises:
            ValueError: there is no such split, or it is empty.
        """
        self._instructions(split)
        return self._builder.info.splits[split].num_examples

    def _instructions(self, split: str) -> list:
        splits = self._builder.info.splits
        try:
            instructions = splits[split].file_instructions
        except (KeyError, ValueError) as error:
            raise ValueError(
                f"`train_split` and `test_split` must be of {sorted(splits)}, "
                f"maybe with a range. Received: split={split!r}."
            ) from error
        if not instructions:
            raise ValueError(
                "`train_split` and `test_split` must not be empty. "
                f"Received: split={split!r}."
            )
        return instructions


def _default_config(folder: pathlib.Path) -> str:
    """The config that TFDS takes when none is named; "": there is none."""
    try:
        text = (folder / ".config" / "metadata.json").read_text()
        return str(json.loads(text)["default_config_name"])
    except (OSError, ValueError, KeyError):
        return ""


def _versions(folder: pathlib.Path) -> list[pathlib.Path]:
    """Prepared versions in a directory, the newest last."""
    found = [
        path.parent
        for path in folder.glob("*/dataset_info.json")
        if _VERSION.fullmatch(path.parent.name)
    ]
    return sorted(found, key=lambda p: [int(n) for n in p.name.split(".")])


def _how_to_prepare(
    full_name: str,
    name: str,
    config: str | None,
    root: pathlib.Path,
    names_data_dir: bool,
) -> str:
    command = f"tfds build data/{name}"
    if config:
        command += f" --config={config}"
    if name not in _NO_MANUAL_DIR:
        command += " --manual_dir=..."
    if names_data_dir:
        command += f" --data_dir={root}"
    others = sorted(
        f"{name}/{path.name}"
        for path in (root / name).glob("*")
        if _versions(path)
    )
    hint = f" Prepared there: {', '.join(others)}." if others else ""
    return (
        f"Data set `{full_name}` is not prepared in {root}. "
        f"Run `{command}` first.{hint}"
    )


def parse(record: tf.Tensor, with_disparity: bool) -> dict[str, tf.Tensor]:
    """One record as `PreparedLightFields.examples` gives it."""
    images = tf.io.FixedLenSequenceFeature([], tf.string, allow_missing=True)
    spec = {
        "scene": tf.io.FixedLenFeature([], tf.string),
        "rows": tf.io.FixedLenFeature([], tf.int64),
        "cols": tf.io.FixedLenFeature([], tf.int64),
        "views": images,
    }
    if with_disparity:
        spec["disparity"] = images
    example = tf.io.parse_single_example(record, spec)
    for name in ("rows", "cols"):
        example[name] = tf.cast(example[name], tf.int32)
    return example
