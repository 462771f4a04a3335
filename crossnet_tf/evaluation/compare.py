"""Measures several systems on the same pairs, for the paper's tables.

One method is loaded at a time and sees one pair at a time, so that memory
does not grow with the number of either. Each result is kept in the report's
folder at once:

    <report_dir>/records.jsonl       one line per method and image
    <report_dir>/pictures/...        outputs of the first pairs, for the page

A comparison that was cut off goes on where it stopped, and one with more
methods, views or images only measures what is new. A result counts again only
if data, protocol and the weights are the same.
"""

import dataclasses
import hashlib
import os
import pathlib
import re
import time
from collections.abc import Sequence

import numpy as np
import tqdm

from crossnet_tf import images, metrics
from crossnet_tf.config import SCALES, Config
from crossnet_tf.drawing.colors import flow_to_rgb
from crossnet_tf.evaluation import memory, records
from crossnet_tf.evaluation import report as report_files
from crossnet_tf.evaluation.methods import Method
from crossnet_tf.ops import quantization
from crossnet_tf.pairs import datasets
from crossnet_tf.pairs.pair import Pair
from crossnet_tf.upscaling import upscaler

RECORDS_FILE = "records.jsonl"
PICTURES = "pictures"
_LEVELS = 4


def compare(
    config: Config,
    methods: Sequence[Method],
    datasets: Sequence[str],
    scales: Sequence[int],
    report_dir: str | os.PathLike,
    num_pictures: int = 1,
) -> list[records.Record]:
    """Measures what has not been measured yet.

    Args:
        config: protocol (`eval`), where data are, precision.
        methods: what to compare, in the table's order.
        datasets: as `data.dataset`.
        scales: in the table's order; a run takes part at its own.
        report_dir: the folder; made if missing.
        num_pictures: keep the outputs of the first so many pairs per data
            set, scale and view.

    Returns:
        All records of this comparison, in the table's order.

    Raises:
        FileNotFoundError: no such data.
        ValueError: pairs without ground truth, or nothing to measure.
        OSError: the folder cannot be written.
    """
    wrong = [scale for scale in scales if scale not in SCALES]
    if wrong or not scales:
        raise ValueError(
            f"`scales` must be of {list(SCALES)}. Received: scales={scales}."
        )
    folder = pathlib.Path(report_dir)
    known = records.load(folder / RECORDS_FILE)
    found = []
    for dataset in datasets:
        settings = dataclasses.replace(config.eval, eval_dataset=dataset)
        own = dataclasses.replace(config, eval=settings)
        for scale in scales:
            for method in methods:
                if method.serves(scale):
                    job = _Job(own, method, scale, folder, num_pictures)
                    found += job.run(known)
    if not found:
        raise ValueError(
            "`scales` must have pairs and a method that serves them. "
            f"Received: scales={tuple(scales)}."
        )
    return found


def report(
    config: Config,
    methods: Sequence[Method],
    datasets: Sequence[str],
    scales: Sequence[int],
    report_dir: str | os.PathLike,
    num_pictures: int = 1,
) -> tuple[str, pathlib.Path]:
    """Compares, as `compare`, and writes the report.

    Returns:
        The tables as Markdown, and where the page is.
    """
    arguments = (config, methods, datasets, scales, report_dir, num_pictures)
    found = compare(*arguments)
    folder = pathlib.Path(report_dir)
    folders = {}
    for record in found:
        place = pictures_of(folder, record.dataset, record.scale, record)
        if place.is_dir():
            key = record.dataset, record.scale, record.name, record.view
            folders[key] = place
    table = report_files.write(
        found,
        config,
        {f"{m.label} x{m.model.scale}": m.source for m in methods if m.source},
        {method.label: method.slug for method in methods},
        folders,
        folder,
    )
    return table, folder / report_files.PAGE_FILE


class _Job:
    """One method at one scale on one data set."""

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
        facts = (protocol, config.train.precision, method.source, method.stamp)
        digest = hashlib.sha256(repr(facts).encode()).hexdigest()
        self._made_with = digest[:16]

    def run(self, known: dict[tuple, records.Record]) -> list[records.Record]:
        """Measures the pairs that are not known yet."""
        config = self._config
        pairs = datasets.test_pairs(config.data, config.eval, self._scale)
        total = datasets.count_pairs(config.data, config.eval)
        title = f"{self._method.label} x{self._scale}"
        found = []
        memory.reset_peak()
        for pair in tqdm.tqdm(pairs, title, total, unit=" images"):
            if pair.hr is None:
                raise ValueError(
                    f"Evaluation needs the ground truth: {pair.name!r} has no "
                    "picture in `hr/`."
                )
            record = known.get(self._key(pair))
            if record is None or self._picture_is_missing(pair):
                record = self._measure(pair)
                records.append(self._folder / RECORDS_FILE, record)
            self._seen[pair.view] = self._seen.get(pair.view, 0) + 1
            found.append(record)
        return found

    def _key(self, pair: Pair) -> tuple:
        dataset = self._config.eval.eval_dataset
        label, made_with = self._method.label, self._made_with
        return dataset, self._scale, label, pair.name, pair.view, made_with

    def _measure(self, pair: Pair) -> records.Record:
        if self._upscaler is None:
            precision = self._config.train.precision
            self._upscaler = self._method.upscaler(self._scale, precision)
            # The first call builds the graph, which is not the image's time.
            self._upscaler(pair.lr, pair.ref)
        names = self._names(pair)
        begin = time.perf_counter()
        outputs = self._upscaler(pair.lr, pair.ref, names)
        seconds = time.perf_counter() - begin
        sr = quantization.quantize(outputs["sr"])
        border = self._config.eval.border
        squared, counts = (), ()
        if pair.flow is not None:
            squared, counts = records.binned(sr, pair.hr, pair.flow)
        if self._keeps_pictures(pair):
            self._write_pictures(pair, outputs)
        inner = np.s_[border:-border, border:-border] if border else np.s_[:]
        return records.Record(
            dataset=self._config.eval.eval_dataset,
            scale=self._scale,
            method=self._method.label,
            system=self._method.model.system,
            name=pair.name,
            view=pair.view,
            psnr=metrics.psnr(sr, pair.hr, border, self._config.eval.channel),
            ssim=metrics.ssim(sr, pair.hr, border),
            ifc=metrics.ifc(sr[inner], pair.hr[inner]),
            ifc_hr_first=metrics.ifc(pair.hr[inner], sr[inner]),
            seconds=seconds,
            peak_mb=memory.peak_mb(),
            epe=self._end_point_error(pair, outputs),
            squared=squared,
            counts=counts,
            made_with=self._made_with,
        )

    def _names(self, pair: Pair) -> tuple[str, ...]:
        """Coarser flows do not come in tiles."""
        if not self._method.entry.aligns:
            return ("sr",)
        whole = pair.ref.shape[0] * pair.ref.shape[1] <= upscaler.MAX_SIDE**2
        levels = range(_LEVELS if whole else 1)
        return ("sr", *(f"flow_{level}" for level in levels))

    def _end_point_error(
        self, pair: Pair, outputs: dict[str, np.ndarray]
    ) -> float:
        if pair.flow is None or not self._method.entry.aligns:
            return float("nan")
        return metrics.end_point_error(outputs["flow_0"], pair.flow)

    def _keeps_pictures(self, pair: Pair) -> bool:
        return self._seen.get(pair.view, 0) < self._num_pictures

    def _picture_is_missing(self, pair: Pair) -> bool:
        path = self._pictures(pair) / f"{self._method.slug}.png"
        return self._keeps_pictures(pair) and not path.exists()

    def _pictures(self, pair: Pair) -> pathlib.Path:
        name = self._config.eval.eval_dataset
        return pictures_of(self._folder, name, self._scale, pair)

    def _write_pictures(
        self, pair: Pair, outputs: dict[str, np.ndarray]
    ) -> None:
        folder = self._pictures(pair)
        folder.mkdir(parents=True, exist_ok=True)
        slug = self._method.slug
        drawn = {"_hr": pair.hr, "_ref": pair.ref, "_lr": pair.lr}
        flows = {
            f"{slug}_{name}": value * 2.0 ** int(name[-1])
            for name, value in outputs.items()
            if name.startswith("flow")
        }
        longest = flows.get(f"{slug}_flow_0", 0.0)
        if pair.flow is not None:
            known = pair.flow[..., 2:] > 0
            flows["_flow"] = np.where(known, pair.flow[..., :2], np.nan)
            longest = np.where(known, pair.flow[..., :2], 0.0)
        # In full-size pixels and one measure, so that colours compare.
        longest = max(1.0, float(np.abs(longest).max()))
        for name, flow in flows.items():
            drawn[name] = flow_to_rgb(flow, longest)
        drawn[slug] = outputs["sr"]
        for name, picture in drawn.items():
            path = folder / f"{name}.png"
            images.write_image(path, np.clip(picture, 0.0, 1.0))


def pictures_of(
    folder: pathlib.Path,
    dataset: str,
    scale: int,
    pair: Pair | records.Record,
) -> pathlib.Path:
    """Where the outputs of one pair are kept.

    Args:
        folder: of the report.
        dataset: its name.
        scale: HR size / LR size.
        pair: has `name` and `view`.
    """
    parts = (dataset, f"x{scale}", f"{pair.name}_{pair.view}")
    safe = [re.sub(r"[^A-Za-z0-9+.,()-]+", "_", part) for part in parts]
    return pathlib.Path(folder, PICTURES, *safe)
