"""Image pairs of a user's own, `folder:PATH`, to train and to measure on.

`folder_files` says how the pictures lie there.
"""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from crossnet_tf import config as config_lib
from crossnet_tf import images
from crossnet_tf.ops.resizing import check_ref_fits
from crossnet_tf.pairs import folder_files, order
from crossnet_tf.pairs.base import PairDataset
from crossnet_tf.pairs.left_out import LeftOut
from crossnet_tf.pairs.pair import Pair, pair_of_hr

PREFIX = "folder:"


class Folder(PairDataset):
    """A folder's pictures.

    Args:
        name: "folder:PATH".
        data: how many crops are cut from a picture.
        eval: how many pairs are measured on, and how large at most.
        scale: HR size / LR size.

    Raises:
        FileNotFoundError: as `folder_files.find_pairs` raises it.
        ValueError: likewise.
    """

    knows_flow = False

    def __init__(
        self,
        name: str,
        data: config_lib.DataConfig,
        eval: config_lib.EvalConfig,
        scale: int,
    ) -> None:
        super().__init__(name)
        self.crops_per_element = data.pairs_per_scene
        self._eval, self._scale = eval, scale
        self._files = folder_files.find_pairs(name.removeprefix(PREFIX))
        self._bad = LeftOut(data.skip_bad_examples, len(self._files), "pair")

    def sizes(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """Of every HR, by the files' headers; the whole pair is checked."""
        found = []
        for files in self._files:
            try:
                size = folder_files.check_training_pair(files, self._scale)
                found.append((str(files.hr), size))
            except (ValueError, OSError) as error:
                self._bad.add(files.name, error)
        yield from found

    def elements(
        self, seed: int, with_flow: bool, first: int = 0
    ) -> tf.data.Dataset:
        """Numbers of pairs, each once per round in random order."""
        del with_flow  # It is unknown.
        count = len(self._files)
        return tf.data.Dataset.counter(first).map(
            lambda number: order.shuffled(number, count, seed)
        )

    def decode(
        self, element: tf.Tensor, with_flow: bool
    ) -> dict[str, tf.Tensor]:
        """Reads an element: `name` (HR's path), `hr`, `ref`, maybe `lr`."""
        del with_flow  # It is unknown.
        kinds = self._kinds()
        types = [tf.string, *[tf.float32] * len(kinds)]
        name, *pictures = tf.numpy_function(
            self._read, [element], types, stateful=False
        )
        pair = {"name": tf.ensure_shape(name, [])}
        for kind, picture in zip(kinds, pictures, strict=True):
            pair[kind] = tf.ensure_shape(picture, [None, None, 3])
        return pair

    def count(self) -> int:
        """As many as there are files of each kind."""
        return len(self._measured())

    def test_pairs(self, problems: list[str] | None = None) -> Iterator[Pair]:
        """All pairs by name; their files are read one pair at a time."""
        for files in self._measured():
            try:
                yield self._whole(files)
            except (ValueError, OSError) as error:
                if problems is None:
                    raise
                problems.append(f"{files.name}: {error}")

    def _measured(self) -> list[folder_files.Files]:
        return self._files[: self._eval.num_eval_images or None]

    def _whole(self, files: folder_files.Files) -> Pair:
        """Reads one pair, and checks that its sizes fit."""
        scale, most = self._scale, self._eval.max_pixels
        ref = images.read_image(files.ref, most)
        hr = None if files.hr is None else images.read_image(files.hr, most)
        try:
            if files.lr is not None:
                lr = images.read_image(files.lr, most)
                pair = Pair(files.name, "", lr, ref, hr)
            elif hr is not None:
                pair = pair_of_hr(files.name, "", hr, ref, scale)
            else:
                raise ValueError("beside REF there must be LR or HR.")
            check_ref_fits(pair.lr.shape, pair.ref.shape, scale)
            if pair.hr is not None:
                check_ref_fits(pair.lr.shape, pair.hr.shape, scale)
        except ValueError as error:
            raise ValueError(f"{files.ref}: {error}") from error
        return pair

    def _read(self, index: np.ndarray) -> list:
        """HR's path and the pictures of a pair, or of one instead of it."""
        count = len(self._files)
        for number in range(int(index), int(index) + count):
            files = self._files[number % count]
            if files.name in self._bad:
                continue
            try:
                paths = [getattr(files, kind) for kind in self._kinds()]
                return [str(files.hr), *map(images.read_image, paths)]
            except (ValueError, OSError) as error:
                self._bad.add(files.name, error)
        raise ValueError(f"No pair of {self.name} can be read.")

    def _kinds(self) -> tuple[str, ...]:
        made = self._files[0].lr is None
        return ("hr", "ref") if made else ("hr", "ref", "lr")
