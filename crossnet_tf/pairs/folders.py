"""Image pairs of a user's own, `folder:PATH`, to train and to measure on.

`folder_files` says how the pictures lie there.
"""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from crossnet_tf import config as config_lib
from crossnet_tf import images
from crossnet_tf.ops.resizing import check_ref_fits
from crossnet_tf.pairs import folder_files
from crossnet_tf.pairs.base import PairDataset
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

    def sizes(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """Of every HR, by the files' headers; the whole pair is checked."""
        sizes = [
            folder_files.check_training_pair(files, self._scale)
            for files in self._files
        ]
        yield from zip([str(files.hr) for files in self._files], sizes)

    def elements(self, seed: int, with_flow: bool) -> tf.data.Dataset:
        """Endless: paths, each pair once per round in random order."""
        del with_flow  # It is unknown.
        paths = {
            kind: [str(getattr(files, kind)) for files in self._files]
            for kind in self._kinds()
        }
        dataset = tf.data.Dataset.from_tensor_slices(paths)
        return dataset.shuffle(len(self._files), seed).repeat()

    def decode(
        self, element: dict[str, tf.Tensor], with_flow: bool
    ) -> dict[str, tf.Tensor]:
        """Reads an element: `name` (HR's path), `hr`, `ref`, maybe `lr`."""
        del with_flow  # It is unknown.
        pair = {"name": element["hr"]}
        for kind in self._kinds():
            image = tf.numpy_function(
                _read, [element[kind]], tf.float32, stateful=False
            )
            pair[kind] = tf.ensure_shape(image, [None, None, 3])
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
            if files.lr is None:
                pair = pair_of_hr(files.name, "", hr, ref, scale)
            else:
                lr = images.read_image(files.lr, most)
                pair = Pair(files.name, "", lr, ref, hr)
            check_ref_fits(pair.lr.shape, pair.ref.shape, scale)
            if pair.hr is not None:
                check_ref_fits(pair.lr.shape, pair.hr.shape, scale)
        except ValueError as error:
            raise ValueError(f"{files.ref}: {error}") from error
        return pair

    def _kinds(self) -> tuple[str, ...]:
        made = self._files[0].lr is None
        return ("hr", "ref") if made else ("hr", "ref", "lr")


def _read(path: bytes) -> np.ndarray:
    return images.read_image(path.decode())
