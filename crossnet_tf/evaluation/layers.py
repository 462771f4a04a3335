"""Which implementation oneDNN takes for each convolution, and how fast it is.

oneDNN says so itself, line by line, where `ONEDNN_VERBOSE=1` is set. Layers of
equal shape are one row. What TensorFlow computes without oneDNN is not there,
nor is the time that it takes to lay kernels out anew.
"""

import collections
import dataclasses
import re
import statistics
from collections.abc import Iterable

CALLS = 6
"""How often `timing.time_calls` calls."""
ENVIRONMENT = {"ONEDNN_VERBOSE": "1"}
PROBE = (256, 256, 128, 3)
"""Channels in and out, side and kernel of the convolution that shares are
told of; no layer of a preset is like it."""

_KINDS = {
    "forward_training": "forward",
    "forward_inference": "forward",
    "backward_data": "inputs' gradient",
    "backward_weights": "kernel's gradient",
}
_LINE = re.compile(
    r"onednn_verbose.*?,exec,cpu,convolution,(?P<name>[^,]+),(?P<kind>\w+),"
    r".*,(?P<shape>mb\d+_[^,]+),(?P<time>[\d.]+(?:e-?\d+)?)\s*$"
)
_SHAPE = re.compile(
    r"mb(\d+)_(?:g\d+)?ic(\d+)oc(\d+)_ih(\d+)oh(\d+)kh(\d+)sh(\d+).*?"
    r"_iw(\d+)ow(\d+)kw(\d+)"
)


@dataclasses.dataclass(frozen=True)
class Layer:
    """Executions of equal convolutions.

    Attributes:
        kind: forward, or a gradient.
        shape: as oneDNN writes it.
        implementation: oneDNN's name of it.
        seconds: median of one execution.
        count: executions.
    """

    kind: str
    shape: str
    implementation: str
    seconds: float
    count: int

    @property
    def numbers(self) -> tuple[int, ...]:
        """Batch, inputs, outputs, then height, width and kernel."""
        found = _SHAPE.match(self.shape)
        if not found:
            raise ValueError(
                "`shape` must be one of a 2-D convolution. "
                f"Received: shape={self.shape!r}."
            )
        return tuple(int(number) for number in found.groups())

    @property
    def gflop(self) -> float:
        """Multiplications and additions of one execution."""
        batch, inputs, outputs, _, high, rows, _, _, wide, columns = (
            self.numbers
        )
        work = batch * inputs * outputs * high * wide * rows * columns
        return 2e-9 * work

    @property
    def rate(self) -> float:
        """GFLOP/s."""
        return self.gflop / max(self.seconds, 1e-9)


def parse(lines: Iterable[str]) -> list[Layer]:
    """The convolutions of a process's output, slowest first.

    Args:
        lines: all that it printed; other lines are passed over.
    """
    times = collections.defaultdict(list)
    for line in lines:
        found = _LINE.search(line)
        if found and _SHAPE.match(found["shape"]):
            kind = _KINDS.get(found["kind"], found["kind"])
            times[kind, found["shape"], found["name"]].append(
                float(found["time"]) / 1e3
            )
    layers = [
        Layer(*key, statistics.median(found), len(found))
        for key, found in times.items()
    ]
    return sorted(layers, key=lambda layer: -layer.seconds * layer.count)


def probe_rate(layers: Iterable[Layer]) -> float:
    """GFLOP/s of the convolution of `PROBE`; 0 if it was not run."""
    rates = [layer.rate for layer in layers if _is_probe(layer)]
    return max(rates, default=0.0)


def table(layers: list[Layer], calls: int) -> list[str]:
    """Markdown, a line per kind and shape.

    Args:
        layers: of `parse`, the probe among them.
        calls: how often the network was run.
    """
    whole = probe_rate(layers)
    lines = [
        "| convolution | what | times | ms | GFLOP/s | share "
        "| implementation |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for layer in layers:
        if _is_probe(layer):
            continue
        share = f"{100 * layer.rate / whole:.0f} %" if whole else ""
        lines.append(
            f"| {_name(layer)} | {layer.kind} | {layer.count / calls:.0f} "
            f"| {1e3 * layer.seconds:.2f} | {layer.rate:.0f} | {share} "
            f"| {layer.implementation} |"
        )
    return lines


def _name(layer: Layer) -> str:
    _, inputs, outputs, high, _, rows, stride, wide, _, columns = layer.numbers
    return (
        f"{rows}x{columns}, {inputs} to {outputs}, stride {stride}, "
        f"{high}x{wide}"
    )


def _is_probe(layer: Layer) -> bool:
    _, inputs, outputs, high, _, rows, *_ = layer.numbers
    return (inputs, outputs, high, rows) == PROBE
