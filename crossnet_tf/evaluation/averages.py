"""Means of records, and which of them belong together.

One value that is not finite must not spoil a mean: metrics that are unknown
for a picture (too small, no true flow) are left out of it, and pictures that
came out exactly, whose PSNR is infinite, are counted apart.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from crossnet_tf.evaluation.records import Record


def mean(records: Iterable[Record], name: str) -> float:
    """Mean of a number over the images where it is finite; NaN if none."""
    return mean_of(getattr(record, name) for record in records)


def mean_of(values: Iterable[float]) -> float:
    """Mean of the finite values; NaN if there are none."""
    finite = [value for value in values if math.isfinite(value)]
    return float(np.mean(finite)) if finite else math.nan


def count_exact(records: Iterable[Record]) -> int:
    """How many outputs equal the truth."""
    return sum(record.is_exact for record in records)


def beside(
    records: Iterable[Record], others: Iterable[Record]
) -> list[tuple[Record, Record]]:
    """Pairs of records of the same picture.

    Args:
        records: of one method.
        others: of another one; pictures that only one has are left out.
    """
    known = {other.place: other for other in others}
    return [(r, known[r.place]) for r in records if r.place in known]


def in_order(values: Iterable) -> list:
    """Each value once, in the order of first appearance."""
    return list(dict.fromkeys(values))


def groups(records: Sequence[Record], *names: str) -> dict[tuple, list[Record]]:
    """Records by the values of some fields, in order of appearance."""
    found: dict[tuple, list[Record]] = {}
    for record in records:
        key = tuple(getattr(record, name) for name in names)
        found.setdefault(key, []).append(record)
    return found
