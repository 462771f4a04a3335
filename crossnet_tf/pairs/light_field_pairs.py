"""Prepared light fields as pairs of views.

Trained on are any two views that are near and far enough; measured on is
view (i, i) against a fixed one, as in the published tables.
"""

import functools
import sys
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from crossnet_tf import config as config_lib
from crossnet_tf.pairs import light_fields, order
from crossnet_tf.pairs.base import PairDataset
from crossnet_tf.pairs.pair import Pair, pair_of_hr
from crossnet_tf.pairs.prepared import PreparedLightFields, parse


class LightFields(PairDataset):
    """View pairs of a prepared data set.

    Args:
        name: as `prepared.find_prepared` takes it.
        data: how training pairs are drawn, and where prepared data are.
        eval: which pairs are measured on, and of how many light fields.
        scale: HR size / LR size.

    Raises:
        ValueError: it is no data set of light fields.
        FileNotFoundError: it is not prepared.
    """

    def __init__(
        self,
        name: str,
        data: config_lib.DataConfig,
        eval: config_lib.EvalConfig,
        scale: int,
    ) -> None:
        super().__init__(name)
        self._data, self._eval, self._scale = data, eval, scale
        self._prepared = PreparedLightFields(name, data.data_dir)

    def damaged_file(self) -> str:
        """The first record file that is damaged, of both splits."""
        splits = self._data.train_split, self._eval.test_split
        known = (s for s in dict.fromkeys(splits) if self._prepared.has(s))
        files = (self._prepared.records(split).damaged() for split in known)
        return next(filter(None, files), "")

    @property
    def knows_flow(self) -> bool:
        """Whether disparity is known."""
        return self._prepared.has_disparity

    @functools.cached_property
    def _first(self) -> dict[str, tf.Tensor]:
        """A light field to check settings on: the first, which must do."""
        first = next(iter(self._prepared.examples(self._data.train_split)))
        rows, cols = first["rows"], first["cols"]
        if not len(self._view_pairs(rows, cols)):
            raise ValueError(
                "`min_disparity` and `max_disparity` must leave a pair of "
                f"{rows} x {cols} views. Received: "
                f"min_disparity={self._data.min_disparity}, "
                f"max_disparity={self._data.max_disparity}."
            )
        return first

    def sizes(self) -> list[tuple[str, tuple[int, int]]]:
        """The first view's."""
        view = tf.io.decode_png(self._first["views"][0])
        return [(self.name, tuple(view.shape[:2]))]

    def elements(
        self, seed: int, with_flow: bool, first: int = 0
    ) -> tf.data.Dataset:
        """Endless view pairs, still encoded.

        All light fields come once per round, in random order. If each gives
        several pairs, those of some light fields are mixed, so that a batch
        does not show one scene alone: as many as `shuffle_buffer` holds.
        """
        split, pairs = self._data.train_split, self._data.pairs_per_scene
        records = self._prepared.records(split)
        together = max(1, self._data.shuffle_buffer // pairs)
        block = together * pairs

        def pick(number: tf.Tensor) -> dict[str, tf.Tensor]:
            index = order.shuffled(number, records.count, seed)
            example = parse(records.read(index), with_flow)
            chosen = light_fields.sample_view_pairs(
                self._view_pairs(example["rows"], example["cols"]),
                pairs,
                [tf.cast(seed, tf.int64), number],
            )
            return light_fields.select_views(example, chosen)

        begin, passed = divmod(first, block)
        if pairs == 1:  # nothing to mix
            begin, together, passed = first, 1, 0
        dataset = tf.data.Dataset.counter(begin * together)
        dataset = dataset.map(pick, num_parallel_calls=tf.data.AUTOTUNE)
        if pairs == 1:
            return dataset.unbatch()
        blocks = tf.data.Dataset.zip(
            tf.data.Dataset.counter(begin),
            dataset.batch(together, drop_remainder=True),
        )
        return (
            blocks.map(lambda number, chosen: _mixed(chosen, number, seed))
            .unbatch()
            .skip(passed)
        )

    def decode(
        self, element: dict[str, tf.Tensor], with_flow: bool
    ) -> dict[str, tf.Tensor]:
        """Decodes an element: `name`, `hr`, `ref`, maybe `flow`."""
        del with_flow  # What `elements` was asked for is in the element.
        return light_fields.decode_views(element)

    def count(self) -> int:
        """Light fields of the test split, times the views measured."""
        most = self._eval.num_eval_images or sys.maxsize
        found = self._prepared.count(self._eval.test_split)
        return min(found, most) * len(self._eval.lr_views)

    def test_pairs(self, problems: list[str] | None = None) -> Iterator[Pair]:
        """The views asked for of each light field of the test split."""
        examples = self._prepared.examples(
            self._eval.test_split, self.knows_flow
        )
        for example in examples.take(1):
            _check_views(example, self._eval)
        examples = examples.take(self._eval.num_eval_images or -1)
        return self._pairs_of(examples, problems)

    def _pairs_of(
        self, examples: tf.data.Dataset, problems: list[str] | None
    ) -> Iterator[Pair]:
        try:
            for example in examples:
                for i in self._eval.lr_views:
                    try:
                        yield self._test_pair(example, i)
                    except (ValueError, tf.errors.InvalidArgumentError) as e:
                        if problems is None:
                            raise
                        is_ours = isinstance(e, ValueError)
                        why = e if is_ours else "a view cannot be decoded."
                        name = example["scene"].numpy().decode()
                        problems.append(f"{name}, view {i}: {why}")
        except tf.errors.DataLossError:
            if problems is None:
                raise
            split = self._eval.test_split
            path = self._prepared.records(split).damaged()
            problems.append(
                f"{self.name}: `{path}` of split `{split}` is damaged; what "
                "follows in it is left out."
            )

    def _test_pair(self, example: dict[str, tf.Tensor], i: int) -> Pair:
        """View i of a light field, with the view that `eval` has as REF."""
        _check_views(example, self._eval)
        rows, cols = int(example["rows"]), int(example["cols"])
        ref_view = self._eval.ref_view[0] * cols + self._eval.ref_view[1]
        row, col = _view(i, rows, cols)
        numbers = tf.constant([[row * cols + col, ref_view]])
        chosen = light_fields.select_views(example, numbers)
        pair = light_fields.decode_views(
            {key: value[0] for key, value in chosen.items()}
        )
        hr, ref = (
            pair[key].numpy().astype(np.float32) / 255 for key in ("hr", "ref")
        )
        flow = pair["flow"].numpy() if "flow" in pair else None
        name = example["scene"].numpy().decode()
        return pair_of_hr(name, f"({row},{col})", hr, ref, self._scale, flow)

    def _view_pairs(self, rows: tf.Tensor, cols: tf.Tensor) -> tf.Tensor:
        return light_fields.view_pairs(
            rows, cols, self._data.min_disparity, self._data.max_disparity
        )


def _mixed(
    chosen: dict[str, tf.Tensor], number: tf.Tensor, seed: int
) -> dict[str, tf.Tensor]:
    """The pairs of some light fields, `[N, P, ...]`, in one row, `[N * P]`.

    Args:
        chosen: what the pairs have, by name.
        number: of this block of light fields.
        seed: of the order.
    """
    scenes, pairs = chosen["scene"].shape
    count = scenes * pairs
    places = tf.map_fn(
        lambda place: order.shuffled(number * count + place, count, seed),
        tf.range(count, dtype=tf.int64),
    )
    rows = {
        key: tf.reshape(value, [count, *value.shape[2:]])
        for key, value in chosen.items()
    }
    return {key: tf.gather(row, places) for key, row in rows.items()}


def _check_views(
    example: dict[str, tf.Tensor], eval: config_lib.EvalConfig
) -> None:
    """Checks that the light field has the views that `eval` asks for."""
    rows, cols = int(example["rows"]), int(example["cols"])
    shorter, longer = sorted((rows, cols))
    last = (longer if shorter == 1 else shorter) - 1
    inside = all(0 <= i <= last for i in eval.lr_views)
    if not eval.lr_views or not inside:
        raise ValueError(
            f"`lr_views` must be from 0 to {last} for "
            f"{rows} x {cols} views. Received: lr_views={eval.lr_views}."
        )
    ref = eval.ref_view
    fits = len(ref) == 2 and 0 <= ref[0] < rows and 0 <= ref[1] < cols
    views = [_view(i, rows, cols) for i in eval.lr_views]
    if not fits or ref in views:
        raise ValueError(
            f"`ref_view` must be one of {rows} x {cols} views and none of "
            f"`lr_views`. Received: ref_view={ref}, lr_views={eval.lr_views}."
        )


def _view(i: int, rows: int, cols: int) -> tuple[int, int]:
    """Row and column of view i: on the diagonal, or along a single line."""
    return min(i, rows - 1), min(i, cols - 1)
