"""One method at one scale on one data set: the unit of a comparison."""

import dataclasses
import hashlib
import pathlib
import time

import numpy as np
import tqdm

from crossnet_tf import metrics
from crossnet_tf.config import Config
from crossnet_tf.evaluation import measure, memory, outputs, records
from crossnet_tf.evaluation.methods import Method
from crossnet_tf.ops.quantization import quantize
from crossnet_tf.pairs import datasets
from crossnet_tf.pairs.pair import Pair
from crossnet_tf.upscaling import upscaler

RECORDS_FILE = "records.jsonl"
_LEVELS = 4


class Job:
    """Measures what has not been measured yet, and keeps each result at once.

    Args:
        config: protocol and data (`eval`), precision.
        method: what is measured.
        scale: HR size / LR size.
        folder: of the report.
        num_pictures: keep the outputs of the first so many pairs of a view.
    """

    def __init__(
        self,
        config: Config,
        method: Method,
        scale: int,
        folder: pathlib.Path,
        num_pictures: int,
    ):
        self._config, self._method, self._scale = config, method, scale
        self._folder, self._num_pictures = folder, num_pictures
        self._upscaler: upscaler.Upscaler | None = None
        self._seen: dict[str, int] = {}
        protocol = dataclasses.asdict(config.eval)
        for name in ("lr_views", "num_eval_images", "max_pixels"):
            protocol.pop(name)  # They choose images, but do not change them.
        weights = method.source, method.model, method.stamp
        facts = (protocol, config.train.precision, *weights)
        self._facts = hashlib.sha256(repr(facts).encode())

    def run(
        self, known: dict[tuple, records.Record], problems: list[str]
    ) -> list[records.Record]:
        """Measures the pairs that are not known yet.

        Args:
            known: records by key.
            problems: gets one line for each pair that is left out.

        Raises:
            ValueError: the data have no ground truth.
            OSError: the report's folder cannot be written.
        """
        config = self._config
        pairs = datasets.test_pairs(
            config.data, config.eval, self._scale, problems
        )
        total = datasets.count_pairs(config.data, config.eval)
        title = f"{self._method.label} x{self._scale}"
        found = []
        memory.reset_peak()
        for pair in tqdm.tqdm(pairs, title, total, unit=" images"):
            measure.truth_of(pair)  # Refuses data that have none.
            record = known.get(self._key(pair))
            if record is None or self._picture_is_missing(pair):
                try:
                    record, made = self._measure(pair)
                except (ValueError, MemoryError) as error:
                    problems.append(f"{pair.name}: {title}: {error}")
                    continue
                self._keep(pair, record, made)
            self._seen[pair.view] = self._seen.get(pair.view, 0) + 1
            found.append(record)
        return found

    def _key(self, pair: Pair) -> tuple:
        dataset, label = self._config.eval.eval_dataset, self._method.label
        place = dataset, self._scale, label, pair.name, pair.view
        return (*place, self._made_with(pair))

    def _made_with(self, pair: Pair) -> str:
        """A digest of protocol, weights and pictures."""
        digest = self._facts.copy()
        for image in (pair.lr, pair.ref, pair.hr):
            digest.update(np.ascontiguousarray(image).data)
        return digest.hexdigest()[:16]

    def _measure(
        self, pair: Pair
    ) -> tuple[records.Record, dict[str, np.ndarray]]:
        if self._upscaler is None:
            precision = self._config.train.precision
            self._upscaler = self._method.upscaler(self._scale, precision)
            # The first call builds the graph, which is not the image's time.
            self._upscaler(pair.lr, pair.ref)
        names = self._names(pair)
        begin = time.perf_counter()
        made = self._upscaler(pair.lr, pair.ref, names)
        seconds = time.perf_counter() - begin
        sr, hr = quantize(made["sr"]), measure.truth_of(pair)
        squared: tuple[float, ...] = ()
        counts: tuple[float, ...] = ()
        if pair.flow is not None:
            squared, counts = measure.binned(sr, hr, pair.flow)
        scores = measure.scores(sr, hr, self._config.eval)
        record = records.Record(
            dataset=self._config.eval.eval_dataset,
            scale=self._scale,
            method=self._method.label,
            system=self._method.model.system,
            name=pair.name,
            view=pair.view,
            **dataclasses.asdict(scores),
            seconds=seconds,
            peak_mb=memory.peak_mb(),
            epe=self._end_point_error(pair, made),
            squared=squared,
            counts=counts,
            made_with=self._made_with(pair),
        )
        return record, made

    def _names(self, pair: Pair) -> tuple[str, ...]:
        """Coarser flows do not come in tiles."""
        if not self._method.entry.aligns:
            return ("sr",)
        whole = pair.ref.shape[0] * pair.ref.shape[1] <= upscaler.MAX_SIDE**2
        levels = range(_LEVELS if whole else 1)
        return ("sr", *(f"flow_{level}" for level in levels))

    def _end_point_error(
        self, pair: Pair, made: dict[str, np.ndarray]
    ) -> float:
        if pair.flow is None or not self._method.entry.aligns:
            return float("nan")
        return metrics.end_point_error(made["flow_0"], pair.flow)

    def _keep(
        self, pair: Pair, record: records.Record, made: dict[str, np.ndarray]
    ) -> None:
        if self._keeps_pictures(pair):
            outputs.write(self._place(pair), self._method.slug, pair, made)
        records.append(self._folder / RECORDS_FILE, record)

    def _keeps_pictures(self, pair: Pair) -> bool:
        return self._seen.get(pair.view, 0) < self._num_pictures

    def _picture_is_missing(self, pair: Pair) -> bool:
        path = self._place(pair) / f"{self._method.slug}.png"
        return self._keeps_pictures(pair) and not path.exists()

    def _place(self, pair: Pair) -> pathlib.Path:
        dataset = self._config.eval.eval_dataset
        return outputs.folder_of(self._folder, dataset, self._scale, pair)
