"""Measures one output against the truth.

The protocol is the one of the paper's tables, but for SSIM, which is the usual
one unless `protocol` says otherwise: outputs clipped and rounded to 8 bits,
PSNR over all RGB samples, SSIM and IFC on grey, no border left out. What is
changed of that stands in each report.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from crossnet_tf import metrics
from crossnet_tf.config import EvalConfig
from crossnet_tf.evaluation.records import BIN_EDGES
from crossnet_tf.metrics import inputs
from crossnet_tf.ops.quantization import quantize
from crossnet_tf.ops.resizing import upscale_cubic
from crossnet_tf.pairs.pair import Pair


@dataclasses.dataclass(frozen=True)
class Scores:
    """How close an output is to the truth; as the fields of `Record`."""

    psnr: float
    ssim: float
    ifc: float
    ifc_hr_first: float


def truth_of(pair: Pair) -> np.ndarray:
    """HR of a pair, `[H, W, 3]`; a pair without it is refused.

    Raises:
        ValueError: says how to give one.
    """
    if pair.hr is None:
        raise ValueError(
            f"Evaluation needs the ground truth: {pair.name!r} has no "
            "picture in `hr/`."
        )
    return pair.hr


def scores(sr: np.ndarray, hr: np.ndarray, settings: EvalConfig) -> Scores:
    """All metrics of one output.

    Args:
        sr: `[H, W, 3]` float, as a network gives it.
        hr: the same shape, in [0, 1].
        settings: border, channel and protocol.

    Returns:
        The scores; NaN for metrics whose window is larger than the picture.

    Raises:
        ValueError: different shapes, or the border leaves nothing.
    """
    sr, border = quantize(np.asarray(sr)), settings.border
    psnr = metrics.psnr(sr, hr, border, settings.channel)
    one, other = (inputs.without_border(p, border) for p in (sr, hr))
    side = min(one.shape[:2])
    ssim = ifc = ifc_hr_first = math.nan
    if side >= metrics.SSIM_MIN_SIZE:
        thin_out = settings.protocol == "paper"
        ssim = metrics.ssim(one, other, thin_out=thin_out)
    if side >= metrics.IFC_MIN_SIZE and psnr != math.inf:
        ifc, ifc_hr_first = metrics.ifc(one, other), metrics.ifc(other, one)
    return Scores(psnr, ssim, ifc, ifc_hr_first)


def psnr_and_bicubic(
    upscale: Callable[[np.ndarray, np.ndarray], np.ndarray],
    pairs: Iterable[Pair],
    settings: EvalConfig,
    scale: int,
) -> Iterator[tuple[float, float]]:
    """PSNR of one system and of bicubic upscaling, pair by pair.

    Args:
        upscale: LR and REF to SR, float32 images in [0, 1].
        pairs: as `datasets.test_pairs` yields them, each with `hr`.
        settings: border and channel.
        scale: HR size / LR size.

    Raises:
        ValueError: a pair has no ground truth.
    """
    for pair in pairs:
        hr = truth_of(pair)
        outputs = (
            upscale(pair.lr, pair.ref),
            upscale_cubic(pair.lr, scale),
        )
        ours, bicubic = (
            metrics.psnr(
                quantize(np.asarray(output)),
                hr,
                settings.border,
                settings.channel,
            )
            for output in outputs
        )
        yield ours, bicubic


def binned(
    sr: np.ndarray, hr: np.ndarray, flow: np.ndarray
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Squared errors by the length of the true flow.

    Args:
        sr: `[H, W, 3]` in [0, 1].
        hr: the same shape.
        flow: `[H, W, 3]`: dx, dy, weight.

    Returns:
        Per bin, the sum of the squared errors and the number of samples.
    """
    error = np.square(np.float64(sr) - hr).sum(-1)
    known = flow[..., 2] > 0
    length = np.hypot(flow[..., 0], flow[..., 1])[known]
    edges = (*BIN_EDGES, np.inf)
    squared, _ = np.histogram(length, edges, weights=error[known])
    counts, _ = np.histogram(length, edges)
    samples = 3 * counts
    return tuple(map(float, squared)), tuple(map(float, samples))
