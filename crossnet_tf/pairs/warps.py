"""Training pairs from single photographs, `warps:PATH`, with true flow.

Any pictures under PATH serve; there need be no two of one scene. `layers`
makes the pairs, another one each time, with displacements up to `motion`
pixels, which can grow from `first_motion` over the first `motion_pairs`
crops: a flow estimator learns small displacements first.
"""

import os
import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from crossnet_tf import config as config_lib
from crossnet_tf import images
from crossnet_tf.images import listing
from crossnet_tf.pairs import layers
from crossnet_tf.pairs.base import PairDataset
from crossnet_tf.pairs.left_out import LeftOut
from crossnet_tf.pairs.pair import Pair

PREFIX = "warps:"


class Warps(PairDataset):
    """Photographs as a data set of pairs, for training only.

    Args:
        name: "warps:PATH".
        data: sizes of crops, how many are cut from a pair, displacements.

    Raises:
        FileNotFoundError: there is no such folder, or no picture in it.
    """

    knows_flow = True

    def __init__(self, name: str, data: config_lib.DataConfig) -> None:
        super().__init__(name)
        self.crops_per_element = data.pairs_per_scene
        self._data = data
        self._margin = int(np.ceil(data.motion * (1 + 2 * layers.BENDING)))
        more = 1 if data.pairs_per_scene == 1 else 1.5
        self._side = int(more * max(data.crop_height, data.crop_width))
        self._paths = _pictures(name.removeprefix(PREFIX))
        self._bad = LeftOut(
            data.skip_bad_examples, len(self._paths), "photograph"
        )

    def sizes(self) -> list[tuple[str, tuple[int, int]]]:
        """Of what is made, once the photographs that are too small are out.

        Raises:
            ValueError: no picture is large enough.
        """
        needed = self._side + 2 * self._margin
        large = [path for path in self._paths if self._side_of(path) >= needed]
        if not large:
            raise ValueError(
                f"`{PREFIX}PATH` must hold a picture of at least {needed} x "
                f"{needed} pixels for these crops and this `motion`. "
                f"Received: {self.name}."
            )
        self._paths = large
        return [(self.name, (self._side, self._side))]

    def _side_of(self, path: pathlib.Path) -> int:
        """The shorter side of a photograph in pixels; 0: it is left out."""
        try:
            return min(images.read_info(path).upright_size)
        except (ValueError, OSError) as error:
            self._bad.add(str(path), error)
            return 0

    def elements(
        self, seed: int, with_flow: bool, first: int = 0
    ) -> tf.data.Dataset:
        """Endless: numbers; the photographs depend on number and seed."""
        del with_flow  # It is always known.
        seeds = tf.constant(seed, tf.int64)
        numbers = tf.data.Dataset.counter(first)
        return numbers.map(lambda number: tf.stack([seeds, number]))

    def decode(
        self, element: tf.Tensor, with_flow: bool
    ) -> dict[str, tf.Tensor]:
        """Makes the pair of a number: `name`, `hr`, `ref`, maybe `flow`."""
        size = self._side + 2 * self._margin
        textures = tf.numpy_function(
            self._textures, [element], tf.float32, stateful=False
        )
        textures = tf.ensure_shape(textures, [layers.NUM_LAYERS, size, size, 3])
        motion = self._motion_of(element[1])
        pair = layers.layered_pair(textures, self._margin, motion, element)
        if not with_flow:
            del pair["flow"]
        return {"name": tf.constant(self.name), **pair}

    def count(self) -> int:
        """None: there is nothing real to measure on."""
        return 0

    def test_pairs(self, problems: list[str] | None = None) -> Iterator[Pair]:
        """Refuses.

        Raises:
            ValueError: always.
        """
        del problems
        raise ValueError(
            f"`eval_dataset` must be data to measure on; {PREFIX}PATH only "
            f"trains. Received: {self.name}."
        )

    def _motion_of(self, number: tf.Tensor) -> tf.Tensor:
        """The largest shift of the pair of that number, in pixels."""
        data = self._data
        if not data.motion_pairs:
            return tf.constant(data.motion)
        crops = tf.cast(number, tf.float32) * self.crops_per_element
        share = tf.minimum(crops / data.motion_pairs, 1.0)
        return data.first_motion + share * (data.motion - data.first_motion)

    def _textures(self, element: np.ndarray) -> np.ndarray:
        """One window of a photograph per layer, mirrored and turned."""
        random = np.random.default_rng([int(part) for part in element])
        size = self._side + 2 * self._margin
        windows = []
        for _ in range(layers.NUM_LAYERS):
            picture = self._picture(random)
            top, left = (
                random.integers(have - size + 1) for have in picture.shape[:2]
            )
            window = picture[top : top + size, left : left + size]
            window = np.rot90(window, int(random.integers(4)))
            windows.append(window[:, :: random.choice([-1, 1])])
        return np.ascontiguousarray(np.stack(windows))

    def _picture(self, random: np.random.Generator) -> np.ndarray:
        """A photograph that can be read."""
        while True:
            path = self._paths[random.integers(len(self._paths))]
            if str(path) not in self._bad:
                try:
                    return images.read_image(path)
                except (ValueError, OSError) as error:
                    self._bad.add(str(path), error)


def _pictures(path: str) -> list[pathlib.Path]:
    """Every picture under a folder, sorted."""
    folder = pathlib.Path(os.path.expanduser(path))
    if not path or not folder.is_dir():
        raise FileNotFoundError(
            f"`{PREFIX}PATH` must be a folder of photographs. Received: "
            f"{PREFIX}{path}."
        )
    found = listing.pictures(folder, recursive=True)
    if not found:
        raise FileNotFoundError(
            f"`{PREFIX}PATH` must hold pictures. Received: {PREFIX}{path}, "
            "which has none."
        )
    return found
