"""Where training pairs come from: light fields, folders, one stereo pair.

A source has three methods: `elements` gives an endless `tf.data.Dataset` of
small things (encoded view pairs, paths), `decode` makes one of them a pair,
inside `tf.data`, and `check_crop` says beforehand whether crops fit. A pair
is a dict of `name`, `hr` and `ref` `[H, W, 3]` (uint8, or float32 in [0, 1]),
maybe `lr` and `flow` (as in `augment`).
"""

import numpy as np
import tensorflow as tf

from crossnet_tf import config as config_lib
from crossnet_tf import images
from crossnet_tf.pairs import folders, light_fields, motorcycle, prepared


def open_source(
    data: config_lib.DataConfig, scale: int, with_flow: bool
) -> "LightFieldPairs | FolderPairs | MotorcyclePair":
    """The source that `dataset` names.

    Raises:
        ValueError: the settings do not fit the data.
        FileNotFoundError: the data are not there; says how to prepare them.
    """
    if data.dataset == motorcycle.NAME:
        return MotorcyclePair(data, with_flow)
    if data.dataset.startswith(folders.PREFIX):
        return FolderPairs(data, scale, with_flow)
    return LightFieldPairs(data, with_flow)


def knows_flow(data: config_lib.DataConfig) -> bool:
    """Whether the data set that `dataset` names comes with true flow.

    Raises:
        FileNotFoundError: the data are not there; says how to prepare them.
    """
    if data.dataset == motorcycle.NAME:
        return True
    if data.dataset.startswith(folders.PREFIX):
        return False
    light_fields = prepared.PreparedLightFields(data.dataset, data.data_dir)
    return light_fields.has_disparity


class LightFieldPairs:
    """View pairs of a prepared data set, as a source of training pairs.

    Attributes:
        cuts_per_element: 1: several pairs of a light field are several
            elements.

    Args:
        data: the settings.
        with_flow: whether `decode` gives flow.

    Raises:
        ValueError: no pair of views fits the settings, or flow is wanted
            where disparity is unknown.
        FileNotFoundError: the data set is not prepared.
    """

    cuts_per_element = 1

    def __init__(self, data: config_lib.DataConfig, with_flow: bool) -> None:
        self._data, self._with_flow = data, with_flow
        self._light_fields = prepared.PreparedLightFields(
            data.dataset, data.data_dir
        )
        if with_flow and not self._light_fields.has_disparity:
            raise ValueError(
                "`flow_loss_weight` must be 0 for data without disparity, or "
                "`flow_from_hr` on. "
                f"Received: dataset={data.dataset!r}."
            )
        self._first = next(iter(self._light_fields.examples(data.train_split)))
        rows, cols = self._first["rows"], self._first["cols"]
        if not len(self._view_pairs(rows, cols)):
            raise ValueError(
                "`min_disparity` and `max_disparity` must leave a pair of "
                f"{rows} x {cols} views. Received: "
                f"min_disparity={data.min_disparity}, "
                f"max_disparity={data.max_disparity}."
            )

    def check_crop(self, height: int, width: int) -> None:
        """Raises a ValueError if a crop does not fit the first view."""
        have = tf.io.decode_png(self._first["views"][0]).shape
        if have[0] < height or have[1] < width:
            raise ValueError(
                "`crop_height` and `crop_width` must be at most "
                f"{have[0]} and {have[1]} for {self._data.dataset}. "
                f"Received: crop_height={height}, crop_width={width}."
            )

    def elements(self, seed: int) -> tf.data.Dataset:
        """Endless shuffled view pairs, still encoded."""

        def pick(number: tf.Tensor, example: dict) -> dict[str, tf.Tensor]:
            pairs = self._view_pairs(example["rows"], example["cols"])
            pairs = light_fields.sample_view_pairs(
                pairs,
                self._data.pairs_per_scene,
                [tf.cast(seed, tf.int64), number],
            )
            return light_fields.select_views(example, pairs)

        examples = self._light_fields.examples(
            self._data.train_split, self._with_flow, seed
        )
        chosen = examples.repeat().enumerate().map(pick)
        chosen = chosen.flat_map(tf.data.Dataset.from_tensor_slices)
        return chosen.shuffle(self._data.shuffle_buffer, seed)

    def decode(self, element: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Decodes an element: `name`, `hr`, `ref`, maybe `flow`."""
        return light_fields.decode_pair(element)

    def _view_pairs(self, rows: tf.Tensor, cols: tf.Tensor) -> tf.Tensor:
        return light_fields.view_pairs(
            rows, cols, self._data.min_disparity, self._data.max_disparity
        )


class FolderPairs:
    """A folder's images as a source of training pairs.

    Attributes:
        cuts_per_element: crops to cut from an element each time it is read.

    Args:
        data: the settings.
        scale: HR size / LR size.
        with_flow: must be False: flow is unknown.

    Raises:
        ValueError: a pair has no HR, or sizes that do not fit each other.
        FileNotFoundError: as `find_pairs` raises it.
    """

    def __init__(
        self, data: config_lib.DataConfig, scale: int, with_flow: bool
    ) -> None:
        if with_flow:
            raise ValueError(
                "`flow_loss_weight` must be 0 for data without disparity, or "
                "`flow_from_hr` on. "
                f"Received: dataset={data.dataset!r}."
            )
        self.cuts_per_element = data.pairs_per_scene
        self._pairs = folders.find_pairs(
            data.dataset.removeprefix(folders.PREFIX)
        )
        self._sizes = [
            folders.check_training_pair(p, scale) for p in self._pairs
        ]

    def check_crop(self, height: int, width: int) -> None:
        """Raises a ValueError if a crop of this size does not fit an image."""
        for pair, have in zip(self._pairs, self._sizes, strict=True):
            if have[0] < height or have[1] < width:
                raise ValueError(
                    "`crop_height` and `crop_width` must be at most "
                    f"{have[0]} and {have[1]} for {pair.hr}. "
                    f"Received: crop_height={height}, crop_width={width}."
                )

    def elements(self, seed: int) -> tf.data.Dataset:
        """Endless: paths, each pair once per round in random order."""
        paths = {
            kind: [str(getattr(pair, kind)) for pair in self._pairs]
            for kind in self._kinds()
        }
        dataset = tf.data.Dataset.from_tensor_slices(paths)
        return dataset.shuffle(len(self._pairs), seed).repeat()

    def decode(self, element: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Reads an element: `name` (HR's path), `hr`, `ref`, maybe `lr`."""
        pair = {"name": element["hr"]}
        for kind in self._kinds():
            image = tf.numpy_function(
                _read, [element[kind]], tf.float32, stateful=False
            )
            pair[kind] = tf.ensure_shape(image, [None, None, 3])
        return pair

    def _kinds(self) -> tuple[str, ...]:
        made = self._pairs[0].lr is None
        return ("hr", "ref") if made else ("hr", "ref", "lr")


class MotorcyclePair:
    """The pair as a source of training pairs.

    Attributes:
        cuts_per_element: crops to cut from an element each time.

    Args:
        data: the settings.
        with_flow: whether `decode` gives flow.
    """

    def __init__(self, data: config_lib.DataConfig, with_flow: bool) -> None:
        self.cuts_per_element = data.pairs_per_scene
        self._with_flow = with_flow

    def check_crop(self, height: int, width: int) -> None:
        """Raises a ValueError if a crop of this size does not fit."""
        have = motorcycle.motorcycle()[0].shape
        if have[0] < height or have[1] < width:
            raise ValueError(
                "`crop_height` and `crop_width` must be at most "
                f"{have[0]} and {have[1]} for {motorcycle.NAME}. "
                f"Received: crop_height={height}, crop_width={width}."
            )

    def elements(self, seed: int) -> tf.data.Dataset:
        """Endlessly the same: there is one pair."""
        del seed  # Nothing to shuffle.
        return tf.data.Dataset.from_tensors(motorcycle.NAME).repeat()

    def decode(self, element: tf.Tensor) -> dict[str, tf.Tensor]:
        """The whole photographs: `name`, `hr`, `ref`, maybe `flow`."""
        hr, ref, flow = motorcycle.motorcycle()
        pair = {"name": element, "hr": tf.constant(hr), "ref": tf.constant(ref)}
        if self._with_flow:
            pair["flow"] = tf.constant(flow)
        return pair


def _read(path: bytes) -> np.ndarray:
    return images.read_image(path.decode())
