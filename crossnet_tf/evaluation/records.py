"""What was measured of one method on one image; kept as it is measured.

A comparison takes hours, so that each record goes to a file, one JSON object
per line, as soon as it is there. A process that is killed leaves at most one
torn line, which is passed over.
"""

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

# Lengths of flow in pixels between which errors are summed up for the plot.
BIN_EDGES = (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 20.0, 30.0)


@dataclasses.dataclass(frozen=True)
class Record:
    """One method on one image.

    Attributes:
        dataset: where the image is from.
        scale: HR size / LR size.
        method: how tables call it.
        system: a name of `baselines.registry`.
        name: of the light field or picture.
        view: which view LR shows.
        psnr: dB.
        ssim: up to 1.
        ifc: `ifc(sr, hr)`, the order of the paper's tables.
        ifc_hr_first: `ifc(hr, sr)`, the order of the metric's definition.
        seconds: of the system on this image.
        peak_mb: most memory that the process has held while it ran.
        epe: end-point error of the flow in pixels; NaN if unknown.
        squared: per bin of `BIN_EDGES`, sum of squared errors.
        counts: per bin, samples; empty if the flow is not known.
        made_with: what must be the same for the record to count again.
    """

    dataset: str
    scale: int
    method: str
    system: str
    name: str
    view: str
    psnr: float
    ssim: float
    ifc: float
    ifc_hr_first: float
    seconds: float
    peak_mb: float
    epe: float = math.nan
    squared: tuple[float, ...] = ()
    counts: tuple[float, ...] = ()
    made_with: str = ""

    @property
    def key(self) -> tuple:
        """Says which measurement this is."""
        return (
            self.dataset,
            self.scale,
            self.method,
            self.name,
            self.view,
            self.made_with,
        )


def append(path: pathlib.Path, record: Record) -> None:
    """Adds a record to the file, which is made if missing.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A torn line, if any, ends here and does not spoil this one.
    line = json.dumps(dataclasses.asdict(record)) + "\n"
    if path.exists() and path.read_bytes()[-1:] not in (b"", b"\n"):
        line = "\n" + line
    with open(path, "a", encoding="utf-8") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def load(path: pathlib.Path) -> dict[tuple, Record]:
    """Records by key; the last one of a key counts. Empty without a file."""
    if not path.exists():
        return {}
    found = {}
    for line in path.read_text("utf-8", errors="replace").splitlines():
        try:
            values = json.loads(line)
            for name in ("squared", "counts"):
                values[name] = tuple(values[name])
            record = Record(**values)
        except (ValueError, TypeError, KeyError):
            continue  # torn by a kill, or from another version
        found[record.key] = record
    return found


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


def mean(records: Iterable[Record], name: str) -> float:
    """Mean of a number over the images; NaN ones do not count."""
    values = [getattr(record, name) for record in records]
    values = [value for value in values if not math.isnan(value)]
    return float(np.mean(values)) if values else math.nan


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
