"""What every data set of pairs is: crops to train on, pairs to measure on.

A kind of data (`folders`, `light_field_pairs`, `motorcycle`) tells how its
elements are listed and decoded; what is the same for all of them stands here.
An element is small (encoded view pairs, paths), so that many can be passed
over at no cost, to go on where a run stopped; decoded, it is a dict of `name`,
`hr` and `ref` `[H, W, 3]` (uint8, or float32 in [0, 1]), maybe `lr` and `flow`
(as in `geometry`).
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

    def damaged_file(self) -> str:
        """The first file whose bytes have changed since it was made, or ""."""
        return ""

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
    def elements(
        self, seed: int, with_flow: bool, first: int = 0
    ) -> tf.data.Dataset:
        """Endless elements, still encoded, in random order.

        Args:
            seed: of the order, which depends on nothing else.
            with_flow: whether `decode` shall find what flow is made of.
            first: number of the element to begin with.
        """

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
        self,
        cut: Cut,
        seed: int,
        with_flow: bool,
        wanted: tf.data.Dataset,
        first: int,
    ) -> tf.data.Dataset:
        """Endless single crops, of those from number `first` on.

        Args:
            cut: makes one crop of a decoded pair, from a stateless seed.
            seed: of the order and the crops.
            with_flow: whether decoded pairs must have `flow`.
            wanted: for each crop whether it is wanted; the others are left
                out, and not decoded.
            first: how many crops were drawn before.
        """
        cuts = self.crops_per_element
        begin, passed = divmod(first, cuts)

        def make(number: tf.Tensor, wanted: tf.Tensor, element: Any) -> Any:
            pair = self.decode(element, with_flow)
            seed_here = tf.stack([tf.cast(seed, tf.int64), number])
            crops = [
                cut(pair, tf.random.fold_in(seed_here, i)) for i in range(cuts)
            ]
            if cuts == 1:
                return crops[0]
            stacked = tf.nest.map_structure(lambda *c: tf.stack(c), *crops)
            return wanted, stacked

        if passed:
            lead = tf.data.Dataset.from_tensors(False).repeat(passed)
            wanted = lead.concatenate(wanted)
        dataset = tf.data.Dataset.zip(
            tf.data.Dataset.counter(begin),
            wanted.batch(cuts, drop_remainder=True),
            self.elements(seed, with_flow, begin),
        ).filter(lambda number, wanted, element: tf.reduce_any(wanted))
        dataset = dataset.map(make, num_parallel_calls=tf.data.AUTOTUNE)
        if cuts == 1:
            return dataset
        dataset = dataset.unbatch().filter(lambda wanted, crop: wanted)
        return dataset.map(lambda wanted, crop: crop)

    def check(self, height: int, width: int, with_flow: bool) -> None:
        """Whether crops can be drawn as asked.

        Args:
            height: of the crops.
            width: of the crops.
            with_flow: whether decoded pairs must have `flow`.

        Raises:
            ValueError: flow is wanted but unknown, or crops do not fit.
        """
        if with_flow and not self.knows_flow:
            raise ValueError(
                "`flow_loss_weight` must be 0 for data without disparity, or "
                f"`flow_from_hr` on. Received: dataset={self.name!r}."
            )

        for name, have in self.sizes():
            if have[0] < height or have[1] < width:
                raise ValueError(
                    "`crop_height` and `crop_width` must be at most "
                    f"{have[0]} and {have[1]} for {name}. "
                    f"Received: crop_height={height}, crop_width={width}."
                )
