"""What the page asks for: one pair at a time, on networks that stay loaded."""

import dataclasses
import os
import pathlib
import shutil
import time
from collections.abc import Callable, Sequence

from crossnet_tf import images
from crossnet_tf.images.picture import Picture
from crossnet_tf.ops.resizing import upscale_cubic
from crossnet_tf.storage import runs
from crossnet_tf.upscaling import colors
from crossnet_tf.upscaling.jobs import Job
from crossnet_tf.upscaling.options import Options
from crossnet_tf.upscaling.upscaler import Upscaler
from crossnet_tf.upscaling.work import Work, load_upscaler

_LOOKS = {
    "warped_ref": "REF, moved to where LR shows the same",
    "flow": "From where in REF: colours are directions",
    "lr_up": "What the network makes of LR alone",
}


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of a pair; its files last until the next one.

    Attributes:
        before: LR, enlarged by bicubic interpolation.
        after: the result.
        looks: pictures of what the network found, each with a caption.
        notes: what was done, a line each.
    """

    before: pathlib.Path
    after: pathlib.Path
    looks: list[tuple[pathlib.Path, str]]
    notes: list[str]


class Session:
    """Super-resolves pairs of files; call it on one at a time.

    Args:
        sources: as `runs.load_model`, one for each scale.
        options: how, apart from what a call says.
        folder: for the results; what is called `result` there is replaced.

    Raises:
        FileNotFoundError: there is no such network.
        ValueError: it is damaged, or two have one scale.
    """

    def __init__(
        self,
        sources: Sequence[str | os.PathLike],
        options: Options,
        folder: pathlib.Path,
    ):
        self._options, self._folder = options, folder / "result"
        self._sources: dict[int, str | os.PathLike] = {}
        self._networks: dict[int, Upscaler] = {}
        for source in sources:
            scale = runs.config_of(source).model.scale
            if scale in self._sources:
                raise ValueError(
                    f"`weights` must have one network for x{scale}. Received: "
                    f"{self._sources[scale]} and {source}."
                )
            self._sources[scale] = source

    @property
    def scales(self) -> list[int]:
        """Scales that there are networks for, smallest first."""
        return sorted(self._sources)

    def __call__(
        self,
        lr: str | os.PathLike | None,
        ref: str | os.PathLike | None,
        scale: int,
        align: bool = True,
        match: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> Result:
        """Super-resolves one pair.

        Args:
            lr: a picture file; None is refused.
            ref: a picture file; None: the upsampler alone.
            scale: one of `scales`.
            align: lay REF over LR, whatever its size, zoom and turn.
            match: bring REF to LR's camera.
            progress: as `work.Work`.

        Raises:
            ValueError: a picture is missing or cannot be used.
            OSError: it cannot be read.
        """
        if lr is None:
            raise ValueError("Give a small picture first.")
        if scale not in self._sources:
            raise ValueError(
                f"`scale` must be one of {self.scales}. Received: {scale!r}."
            )
        begin = time.monotonic()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        job = Job(
            pathlib.Path(lr),
            pathlib.Path(ref) if ref else None,
            self._folder / f"{pathlib.Path(lr).stem[:80]}_x{scale}.png",
        )
        options = dataclasses.replace(
            self._options,
            align="auto" if align else "none",
            match="auto" if match else "none",
            debug_dir=str(self._folder) if ref else "",
        )
        source = self._sources[scale]
        if scale not in self._networks:
            self._networks[scale] = load_upscaler(source, options)
        work = Work(source, options, self._networks[scale], progress)
        read = work.read(job)
        work.write(work.run(read))
        before = self._folder / "before.png"
        images.write_picture(before, _cubic(read.picture, scale))
        seconds = time.monotonic() - begin
        return Result(
            before=before,
            after=job.output,
            looks=self._looks(job),
            notes=[*_notes(work, job), f"Took {seconds:.1f} s."],
        )

    def _looks(self, job: Job) -> list[tuple[pathlib.Path, str]]:
        paths = {
            text: self._folder / f"{job.output.stem}_{name}.png"
            for name, text in _LOOKS.items()
        }
        return [(path, text) for text, path in paths.items() if path.exists()]


def _cubic(lr: Picture, scale: int) -> Picture:
    small, _ = colors.network_inputs(lr, None)
    return colors.finished(upscale_cubic(small, scale).numpy(), lr, None)


def _notes(work: Work, job: Job) -> list[str]:
    if job.ref is None:
        return ["Without REF, by the upsampler alone.", *work.notes[job]]
    return work.notes[job] or [f"{job.ref.name}: taken as it is."]
