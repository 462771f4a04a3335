"""What may be asked of upscaling files, and what is said of it at the end."""

import dataclasses
import pathlib
from typing import Any

from crossnet_tf import images
from crossnet_tf.upscaling.jobs import Naming
from crossnet_tf.upscaling.sizes import OutputSize

_MAX_NAMED = 20
# Options of names and of what is written beside a result.
_BESIDE = frozenset(
    ("skip_existing", "debug_dir", "recursive", "suffix", "format")
) | {"max_pixels", "compare", "hr"}


@dataclasses.dataclass(frozen=True)
class Options:
    """How to upscale.

    Attributes:
        precision: Keras policy to compute with.
        max_side: as `upscaler.Upscaler`.
        margin: as `upscaler.Upscaler`.
        max_pixels: refuse larger pictures.
        skip_existing: leave outputs that are there as they are.
        debug_dir: folder for pictures of flow, warped REF and upscaled LR;
            empty: none.
        recursive: as `jobs.Naming`.
        suffix: as `jobs.Naming`.
        format: as `jobs.Naming`.
        scale: as `sizes.OutputSize`.
        width: as `sizes.OutputSize`.
        height: as `sizes.OutputSize`.
        align: "auto" lays REF over HR's grid; "none": it must fit.
        match: "auto" brings REF to LR's camera; "none" leaves it.
        compare: HTML page to write of a single pair; empty: none.
        hr: the truth, for the page's metrics; empty: unknown.
    """

    precision: str = "float32"
    max_side: int | None = None
    margin: int | None = None
    max_pixels: int = images.MAX_PIXELS
    skip_existing: bool = False
    debug_dir: str = ""
    recursive: bool = False
    suffix: str = ""
    format: str = "png"
    scale: float = 0.0
    width: int = 0
    height: int = 0
    align: str = "auto"
    match: str = "auto"
    compare: str = ""
    hr: str = ""

    @property
    def of_pixels(self) -> dict[str, Any]:
        """Those by name that may change what a result looks like."""
        every = dataclasses.asdict(self)
        return {k: v for k, v in every.items() if k not in _BESIDE}

    @property
    def naming(self) -> Naming:
        """How outputs in folders are called."""
        return Naming(self.suffix, self.format, self.recursive)

    @property
    def size(self) -> OutputSize:
        """The size of the outputs."""
        return OutputSize(self.scale, self.width, self.height)


@dataclasses.dataclass
class Summary:
    """What became of the pictures.

    Attributes:
        done: outputs that were written.
        skipped: outputs that were there already.
        without_ref: LR files that had no REF: the upsampler alone did them.
        notes: a line for each thing that a user should know.
        problems: a line for each picture that was not done.
        pixels: of the network's pictures.
        seconds: from reading the first to writing the last.
        network_seconds: those of them in the network, its loading left out.
    """

    done: list[pathlib.Path] = dataclasses.field(default_factory=list)
    skipped: list[pathlib.Path] = dataclasses.field(default_factory=list)
    without_ref: list[pathlib.Path] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)
    pixels: int = 0
    seconds: float = 0.0
    network_seconds: float = 0.0

    def __str__(self) -> str:
        names = ", ".join(path.name for path in self.done[:_MAX_NAMED])
        more = ", ..." if len(self.done) > _MAX_NAMED else ""
        named = f" ({names}{more})" if names else ""
        parts = [f"{len(self.done)} written{named}"]
        if self.skipped:
            parts.append(f"{len(self.skipped)} there already")
        if self.problems:
            parts.append(f"{len(self.problems)} not done")
        text = ", ".join(parts) + "."
        if self.without_ref:
            names = ", ".join(path.name for path in self.without_ref)
            text += f" Without REF, by the upsampler alone: {names}."
        return "\n".join([text, *self._times(), *self.notes])

    def _times(self) -> list[str]:
        """How long it took, where anything was timed."""
        if not self.pixels:
            return []
        mega = self.pixels / 1e6
        return [
            f"{mega:.3g} megapixels in {self.seconds:.1f} s: "
            f"{self.seconds / mega:.3g} s per megapixel, "
            f"{self.network_seconds / mega:.3g} s in the network."
        ]
