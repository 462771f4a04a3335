"""Measures a network on held-out pairs, and bicubic upscaling beside it.

The protocol is the one of the paper's tables: outputs clipped and rounded to
8 bits, PSNR over all RGB samples, SSIM on grey, no border left out, the mean
of the values per image. What a run changes of that stands in its report.
"""

import csv
import dataclasses
import io
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import tqdm

from crossnet_tf import atomic
from crossnet_tf.config import Config, EvalConfig
from crossnet_tf.metrics import psnr, ssim
from crossnet_tf.ops import quantization, resizing
from crossnet_tf.pairs import datasets
from crossnet_tf.pairs.pair import Pair
from crossnet_tf.storage import runs
from crossnet_tf.upscaling.upscaler import Upscaler

CSV_FILE = "per_image.csv"
REPORT_FILE = "report.md"


@dataclasses.dataclass(frozen=True)
class Row:
    """One pair's results; PSNR in dB, SSIM up to 1.

    Attributes:
        name: of the light field or picture.
        view: which view is LR.
        psnr: of the network's output.
        ssim: of the network's output; NaN if not asked for.
        bicubic_psnr: of LR upscaled alone.
        bicubic_ssim: of LR upscaled alone; NaN if not asked for.
    """

    name: str
    view: str
    psnr: float
    ssim: float
    bicubic_psnr: float
    bicubic_ssim: float


def measure(
    upscale: Callable[[np.ndarray, np.ndarray], np.ndarray],
    pairs: Iterable[Pair],
    settings: EvalConfig,
    scale: int,
    with_ssim: bool = True,
) -> Iterator[Row]:
    """Yields the results of one pair after the other.

    Args:
        upscale: LR and REF to SR, float32 images in [0, 1].
        pairs: as `pipeline.test_pairs` yields them, each with `hr`.
        settings: `border` and `channel` of the metrics.
        scale: HR size / LR size.
        with_ssim: leave False to save the time.

    Raises:
        ValueError: a pair has no ground truth.
    """
    for pair in pairs:
        if pair.hr is None:
            raise ValueError(
                f"Evaluation needs the ground truth: {pair.name!r} has no "
                "picture in `hr/`."
            )
        outputs = (
            upscale(pair.lr, pair.ref),
            resizing.upscale_cubic(pair.lr, scale),
        )
        scores = []
        for output in outputs:
            output = quantization.quantize(np.asarray(output))
            border = settings.border
            scores.append(psnr(output, pair.hr, border, settings.channel))
            scores.append(
                ssim(output, pair.hr, border) if with_ssim else float("nan")
            )
        yield Row(pair.name, pair.view, *map(float, scores))


def evaluate(config: Config, source: str | os.PathLike) -> list[Row]:
    """Measures a run's network on the pairs that `config` names.

    Args:
        config: data, protocol and precision; the network is the run's.
        source: as `runs.load_model`.

    Raises:
        FileNotFoundError: no such run, or no data.
        ValueError: damaged weights, or pairs without ground truth.
    """
    scale = config.model.scale
    pairs = datasets.test_pairs(config.data, config.eval, scale)
    model, _ = runs.load_model(source, config.train.precision)
    upscaler = Upscaler(model)
    rows = measure(
        lambda lr, ref: upscaler(lr, ref)["sr"], pairs, config.eval, scale
    )
    total = datasets.count_pairs(config.data, config.eval)
    rows = list(tqdm.tqdm(rows, "Evaluating", total, unit=" images"))
    if not rows:
        raise ValueError(
            f"`test_split` must hold images. "
            f"Received: test_split={config.eval.test_split!r}."
        )
    return rows


def means(rows: Sequence[Row]) -> dict[str, float]:
    """Mean of every number over the images, by field name."""
    names = ("psnr", "ssim", "bicubic_psnr", "bicubic_ssim")
    return {n: float(np.mean([getattr(row, n) for row in rows])) for n in names}


def write_report(
    rows: Sequence[Row],
    config: Config,
    source: str,
    report_dir: str | os.PathLike,
) -> pathlib.Path:
    """Writes `per_image.csv` and `report.md`; makes the folder.

    Args:
        rows: what `measure` yielded.
        config: what was measured, and how.
        source: where the weights come from.
        report_dir: the folder.

    Returns:
        The path of `report.md`.

    Raises:
        OSError: it cannot be written.
    """
    folder = pathlib.Path(report_dir)
    atomic.write(folder / CSV_FILE, _csv(rows).encode())
    report = _markdown(rows, config, source)
    atomic.write(folder / REPORT_FILE, report.encode())
    return folder / REPORT_FILE


def table(rows: Sequence[Row]) -> str:
    """The means per view and over all, against bicubic, as Markdown."""
    lines = [
        "| LR view | images | PSNR | bicubic | gain | SSIM | bicubic |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    views = sorted({row.view for row in rows})
    groups = [(v, [r for r in rows if r.view == v]) for v in views]
    if len(groups) > 1:
        groups.append(("all", list(rows)))
    for view, group in groups:
        mean = means(group)
        gain = mean["psnr"] - mean["bicubic_psnr"]
        lines.append(
            f"| {view} | {len(group)} | {mean['psnr']:.2f} "
            f"| {mean['bicubic_psnr']:.2f} | {gain:+.2f} "
            f"| {mean['ssim']:.4f} | {mean['bicubic_ssim']:.4f} |"
        )
    return "\n".join(lines)


def _csv(rows: Sequence[Row]) -> str:
    file = io.StringIO()
    names = [field.name for field in dataclasses.fields(Row)]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        values = (getattr(row, name) for name in names)
        writer.writerow(
            f"{v:.6f}" if isinstance(v, float) else v for v in values
        )
    return file.getvalue()


def _markdown(rows: Sequence[Row], config: Config, source: str) -> str:
    settings, model = config.eval, config.model
    dataset = settings.eval_dataset or config.data.dataset
    channel = "all RGB samples" if settings.channel == "rgb" else "BT.601 luma"
    return f"""# Evaluation of `{source}`

{table(rows)}

- Weights: `{source}`, preset `{model.preset}`, x{model.scale}.
- Data: `{dataset}`, split `{settings.test_split}`; REF is view \
{settings.ref_view}; {len(rows)} images, one by one in `{CSV_FILE}`.
- Outputs are clipped and rounded to 8 bits; PSNR in dB over {channel}, SSIM \
on grey (11x11 Gaussian window); {settings.border} pixels left out at each \
border; means of the values per image.
- Bicubic: LR upscaled alone, Keys' cubic (a = -0.5), measured alike.
"""
