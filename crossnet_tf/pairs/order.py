"""Which sample comes when: a function of the seed and a number, no state.

Training draws an endless row of samples, numbered from 0. Which picture, which
views and which data set of a mix sample n takes is computed from n alone, so
that a run that was stopped goes on exactly from the number that it had come
to, however often; and with another batch size or on more machines the samples
are the same, dealt out differently.
"""

import dataclasses

import numpy as np
import tensorflow as tf

_CHUNK = 2**16
_NUMBERS = tf.int64


@dataclasses.dataclass(frozen=True)
class Place:
    """Where in the row a process begins, and which samples are its own.

    Of each batch the first process takes the first samples, and so on.

    Attributes:
        first: how many samples all processes have drawn before.
        worker: number of this process.
        num_workers: how many processes share each batch.
    """

    first: int = 0
    worker: int = 0
    num_workers: int = 1


def shuffled(number: tf.Tensor, count: int, seed: int) -> tf.Tensor:
    """The thing that comes at `number` if `count` things come in rounds.

    Args:
        number: scalar int64, at least 0.
        count: how many things there are; each comes once in a round.
        seed: of the order, which is another one in each round.

    Returns:
        Scalar int64 from 0 to `count` - 1.
    """
    number = tf.cast(number, _NUMBERS)
    seeds = tf.stack([tf.constant(seed, _NUMBERS), number // count])
    return tf.random.experimental.index_shuffle(
        number % count, seeds, tf.constant(count - 1, _NUMBERS)
    )


class Plan:
    """Which part of a mix each sample is of, and whether it is wanted here.

    Args:
        shares: of each part, summing to 1.
        seed: of the draws.
        batch_size: samples in a batch of all processes.
        place: where this process begins, and which samples are its own.
    """

    def __init__(
        self, shares: list[float], seed: int, batch_size: int, place: Place
    ) -> None:
        self._ends = np.cumsum(shares, dtype=np.float32)[:-1]
        self._seed, self._batch_size, self._place = seed, batch_size, place
        self._samples = self._all()

    def parts(self) -> tf.data.Dataset:
        """The parts of the samples that are wanted here, int64."""
        wanted = self._samples.filter(lambda part, own: own)
        return wanted.map(lambda part, own: part)

    def first(self, part: int) -> int:
        """How many samples of a part come before the first of this plan."""
        if not len(self._ends):
            return self._place.first
        whole, rest = divmod(self._place.first, _CHUNK)
        count = sum(
            int(np.count_nonzero(self._draw(tf.constant(chunk)) == part))
            for chunk in range(whole)
        )
        last = self._draw(tf.constant(whole))[:rest]
        return count + int(np.count_nonzero(last == part))

    def wanted(self, part: int) -> tf.data.Dataset:
        """For each further sample of a part whether it is wanted here."""
        of_part = self._samples.filter(lambda which, own: which == part)
        return of_part.map(lambda which, own: own)

    def _all(self) -> tf.data.Dataset:
        """(Part, wanted) of each sample from the first on."""
        first, batch = self._place.first, self._batch_size
        local = batch // self._place.num_workers
        chunks = tf.data.Dataset.counter(first // _CHUNK)
        parts = chunks.flat_map(
            lambda chunk: tf.data.Dataset.from_tensor_slices(self._draw(chunk))
        ).skip(first % _CHUNK)
        owner = tf.data.Dataset.counter().map(lambda n: n % batch // local)
        return tf.data.Dataset.zip(parts, owner).map(
            lambda part, owner: (part, owner == self._place.worker)
        )

    def _draw(self, chunk: tf.Tensor) -> tf.Tensor:
        """The parts of all samples of a chunk, `[_CHUNK]` int64."""
        if not len(self._ends):
            return tf.zeros([_CHUNK], _NUMBERS)
        seeds = tf.stack(
            [tf.constant(self._seed, _NUMBERS), tf.cast(chunk, _NUMBERS)]
        )
        draws = tf.random.stateless_uniform([_CHUNK], seeds)
        found = tf.searchsorted(self._ends, draws, side="right")
        return tf.cast(found, _NUMBERS)
