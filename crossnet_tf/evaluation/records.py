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
        psnr: dB; infinite if the output equals the truth.
        ssim: up to 1; NaN, as IFC, if the picture is too small for it.
        ifc: `ifc(sr, hr)`, the order of the paper's tables; NaN, too, if the
            output equals the truth, for which it has no meaning.
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
    def is_exact(self) -> bool:
        """Whether the output equals the truth."""
        return self.psnr == math.inf

    @property
    def place(self) -> tuple:
        """Says which picture was measured, by whatever method."""
        return self.dataset, self.scale, self.name, self.view

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
    line = json.dumps(dataclasses.asdict(record)).encode() + b"\n"
    with open(path, "ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            # A torn line ends here and does not spoil this one.
            if file.read(1) != b"\n":
                line = b"\n" + line
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
