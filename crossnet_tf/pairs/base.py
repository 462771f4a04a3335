"""What every data set of pairs is: crops to train on, pairs to measure on.

A kind of data (`folders`, `light_field_pairs`, `motorcycle`) tells how its
elements are listed and decoded; what is the same for all of them stands here.
An element is small (encoded view pairs, paths), so that many can be shuffled;
decoded, it is a dict of `name`, `hr` and `ref` `[H, W, 3]` (uint8, or float32
in [0, 1]), maybe `lr` and `flow` (as in `geometry`).
"""

import abc
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tensorflow as tf

from crossnet_tf.pairs.geometry import Sample
from crossnet_tf.pairs.pair import Pair

Cut = Callable[[Sample, tf.Tensor], Any]


class PairDataset(abc.ABC):
    """Pairs of one kind of data.

    Attributes:
        name: what the user calls the data, as `--dataset` takes it.
        crops_per_element: how many crops are cut from an element each time
            that it is decoded.

    Args:
        name: as above.
    """

    crops_per_element = 1

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    @abc.abstractmethod
    def knows_flow(self) -> bool:
        """Whether the true flow from HR to REF comes with the data."""

    @abc.abstractmethod
    def sizes(self) -> Iterable[tuple[str, tuple[int, int]]]:
        """Names and (rows, columns) of pictures that crops must fit.

        Raises:
            ValueError: they cannot be trained on.
        """

    @abc.abstractmethod
    def elements(self, seed: int, with_flow: bool) -> tf.data.Dataset:
        """Endless elements, still encoded, in random order."""

    @abc.abstractmethod
    def decode(self, element: Any, with_flow: bool) -> Sample:
        """One element as a sample, inside `tf.data`."""

    @abc.abstractmethod
    def count(self) -> int:
        """How many pairs `test_pairs` yields, if none is bad."""

    @abc.abstractmethod
    def test_pairs(self, problems: list[str] | None = None) -> Iterator[Pair]:
        """Whole pairs to measure on, in a fixed order.

        Args:
            problems: gets one line for each pair that cannot be used, which
                is then left out; None: such a pair is an error.

        Raises:
            ValueError: the settings do not fit the data, or a bad pair.
            OSError: a file that cannot be read.
        """

    def crops(
        self, cut: Cut, height: int, width: int, seed: int, with_flow: bool
    ) -> tf.data.Dataset:
        """Endless single crops.

        Args:
            cut: makes one crop of a decoded pair, from a stateless seed.
            height: of the crops.
            width: of the crops.
            seed: of the order and the crops.
            with_flow: whether decoded pairs must have `flow`.

        Raises:
            ValueError: flow is wanted but unknown, or crops do not fit.
        """
        if with_flow:
            self._check_flow()
        self._check_crop(height, width)

        def make(number: tf.Tensor, element: Any) -> Any:
            pair = self.decode(element, with_flow)
            seed_here = tf.stack([tf.cast(seed, tf.int64), number])
            crops = [
                cut(pair, tf.random.fold_in(seed_here, i))
                for i in range(self.crops_per_element)
            ]
            if len(crops) == 1:
                return crops[0]
            return tf.nest.map_structure(lambda *crop: tf.stack(crop), *crops)

        dataset = self.elements(seed, with_flow).enumerate()
        dataset = dataset.map(make, num_parallel_calls=tf.data.AUTOTUNE)
        return dataset.unbatch() if self.crops_per_element > 1 else dataset

    def _check_flow(self) -> None:
        if not self.knows_flow:
            raise ValueError(
                "`flow_loss_weight` must be 0 for data without disparity, or "
                f"`flow_from_hr` on. Received: dataset={self.name!r}."
            )

    def _check_crop(self, height: int, width: int) -> None:
        for name, have in self.sizes():
            if have[0] < height or have[1] < width:
                raise ValueError(
                    "`crop_height` and `crop_width` must be at most "
                    f"{have[0]} and {have[1]} for {name}. "
                    f"Received: crop_height={height}, crop_width={width}."
                )
