"""One pair of files on its way: read, super-resolved, written."""

import functools
import os
import pathlib
import time
import typing
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from crossnet_tf import atomic, images
from crossnet_tf.baselines import registry
from crossnet_tf.images import formats
from crossnet_tf.images.picture import Picture
from crossnet_tf.ops.resizing import check_ref_fits, upscale_cubic
from crossnet_tf.storage import runs
from crossnet_tf.upscaling import colors, looks, page
from crossnet_tf.upscaling.inputs import Inputs, network_pair
from crossnet_tf.upscaling.jobs import Job
from crossnet_tf.upscaling.options import Options
from crossnet_tf.upscaling.sizes import resized
from crossnet_tf.upscaling.tile_bar import TileBar
from crossnet_tf.upscaling.upscaler import Upscaler

# Pixels of a result up to which a few pairs are in memory at once: each takes
# some 60 bytes a pixel.
_SMALL = 2**20


class PairRead(typing.NamedTuple):
    """A pair as it was read: the files' pictures, the network's inputs."""

    job: Job
    picture: Picture
    inputs: Inputs


class Finished(typing.NamedTuple):
    """A picture to write, and what was asked to be drawn beside it, by name."""

    job: Job
    picture: Picture
    drawn: dict[str, np.ndarray]


class Work:
    """Reads, super-resolves and writes pairs; loads the network once.

    Args:
        source: as `runs.load_model`.
        options: how.
        network: that of `source`, if it is loaded already.
        progress: called after each tile of a large picture with the number
            of those done and of all.

    Attributes:
        notes: what to tell of a job that is done.
        pixels: of all that the network has made.
        seconds: that the network took for them, its loading left out.
    """

    def __init__(
        self,
        source: str | os.PathLike,
        options: Options,
        network: Upscaler | None = None,
        progress: Callable[[int, int], None] | None = None,
    ):
        self._source, self._options, self._loaded = source, options, network
        self._progress = progress
        self._model = runs.config_of(source).model
        self._scale = self._model.scale
        self._size = options.size
        self.notes: dict[Job, list[str]] = {}
        self.pixels, self.seconds = 0, 0.0

    def load(self) -> None:
        """Loads the network now, and not with the first pair."""
        self._network  # noqa: B018

    def do(self, job: Job) -> list[str]:
        """One job, from files to file; returns what to tell of it.

        Raises:
            ValueError: a file cannot be used.
            OSError: it cannot be read or written.
        """
        try:
            self.write(self.run(self.read(job)))
        finally:
            notes = self.notes.pop(job, [])
        return notes

    def read(self, job: Job) -> PairRead:
        """Reads and checks; nothing of the network is needed."""
        check_output(job)
        picture = images.read_picture(job.lr, self._options.max_pixels)
        images.check_output_path(job.output, alpha=picture.alpha is not None)
        reference = None
        if job.ref is not None:
            reference = images.read_picture(job.ref, self._options.max_pixels)
        lr, ref = colors.network_inputs(picture, reference)
        self.notes[job] = _notes(job, picture, reference)
        if job.ref is None or ref is None:
            large = upscale_cubic(lr, self._scale).numpy()
            return PairRead(job, picture, Inputs(lr, large))
        pair = network_pair(lr, ref, self._model, self._options)
        self.notes[job] += [f"{job.ref.name}: {note}." for note in pair.notes]
        return PairRead(job, picture, pair)

    def run(self, read: PairRead) -> Callable[[], Finished]:
        """The network's work; what is returned does the rest, or has done it.

        Small pictures are finished while the network works on the next one.
        """
        looked_at = self._options.debug_dir or self._options.compare
        names = ["sr", *(["lr_up", "flow_0"] if looked_at else [])]
        aligns = registry.REGISTRY[self._model.system].aligns
        if read.job.ref is None and aligns:
            names = ["lr_up"]
        outputs = self._outputs(read, names)
        finish = functools.partial(self._finished, read, outputs, names[0])
        if is_small(read):
            return finish
        finished = finish()
        return lambda: finished

    def _finished(
        self, read: PairRead, outputs: dict[str, np.ndarray], name: str
    ) -> Finished:
        size = self._size.of(read.inputs.lr.shape, self._scale)
        sr = resized(read.inputs.result(outputs[name]), size)
        alpha = read.picture.alpha
        if alpha is not None:
            alpha = resized(alpha[..., None], size)[..., 0]
        finished = colors.finished(sr, read.picture, alpha)
        drawn = {}
        if "flow_0" in outputs:
            drawn = looks.drawn(read.inputs, outputs)
            if self._options.compare:
                self._write_page(read, outputs)
        drawn = drawn if self._options.debug_dir else {}
        return Finished(read.job, finished, drawn)

    def _outputs(
        self, read: PairRead, names: list[str]
    ) -> dict[str, np.ndarray]:
        """What the network makes, with a bar for a large picture's tiles."""
        network, inputs = self._network, read.inputs
        begin = time.monotonic()
        with TileBar(read.job.output.name, self._progress) as bar:
            try:
                outputs = network(
                    inputs.lr,
                    inputs.ref,
                    names,
                    inputs.cover,
                    bar.show,
                    inputs.share,
                    inputs.holds,
                )
            except tf.errors.InvalidArgumentError as error:
                raise ValueError(str(error.message)) from error
        self.seconds += time.monotonic() - begin
        if bar.total:
            name = read.job.lr.name
            self.notes[read.job].append(f"{name}: in {bar.total} tiles.")
        self.pixels += inputs.ref.shape[0] * inputs.ref.shape[1]
        return outputs

    def write(self, finish: Callable[[], Finished]) -> None:
        """Writes what `run` has returned, and pictures of the flow."""
        job, picture, drawn = finish()
        for name, pixels in drawn.items():
            folder = pathlib.Path(self._options.debug_dir)
            path = folder / f"{job.output.stem}_{name}.png"
            images.write_image(path, np.clip(pixels, 0.0, 1.0))
        job.output.parent.mkdir(parents=True, exist_ok=True)
        images.write_picture(job.output, picture)

    def _write_page(
        self, read: PairRead, outputs: dict[str, np.ndarray]
    ) -> None:
        hr = None
        if self._options.hr:
            hr = images.read_image(pathlib.Path(self._options.hr).expanduser())
            check_ref_fits(read.inputs.lr.shape, hr.shape, self._scale)
        small, _ = colors.network_inputs(read.picture, None)
        look = looks.look_of(small, read.inputs, outputs, self._scale, hr)
        text = page.comparison_page(
            read.job.output.name, look, self.notes[read.job]
        )
        path = pathlib.Path(self._options.compare).expanduser()
        atomic.write(path, text.encode())

    @functools.cached_property
    def _network(self) -> Upscaler:
        return self._loaded or load_upscaler(self._source, self._options)


def is_small(read: PairRead) -> bool:
    """Whether several such pairs may be in memory at once."""
    height, width = read.inputs.ref.shape[:2]
    return height * width <= _SMALL


def load_upscaler(source: str | os.PathLike, options: Options) -> Upscaler:
    """The network that `source` names, as `options` ask for it."""
    model, _ = runs.load_model(source, options.precision)
    return Upscaler(model, options.max_side, options.margin)


def check_output(job: Job) -> None:
    """Refuses an output that is one of the inputs.

    Raises:
        ValueError: it is, by this name or by another.
    """
    inputs: Iterable[pathlib.Path] = filter(None, (job.lr, job.ref))
    if any(_same(job.output, path) for path in inputs):
        raise ValueError(
            "`output` must not be one of the inputs. "
            f"Received: output={job.output}"
        )


def _same(one: pathlib.Path, other: pathlib.Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one.resolve() == other.resolve()


def _notes(job: Job, lr: Picture, ref: Picture | None) -> list[str]:
    notes = [f"{job.lr.name}: {note}." for note in lr.notes]
    if job.ref is not None and ref is not None:
        notes += [f"{job.ref.name}: {note}." for note in ref.notes]
    kind = formats.WRITABLE.get(job.output.suffix.lower())
    if lr.exif and kind not in formats.KEEPS_EXIF:
        notes.append(f"{job.lr.name}: its EXIF data are not kept in {kind}.")
    if lr.bit_depth == 16 and kind not in formats.DEEP:
        notes.append(f"{job.lr.name}: has 16 bits, of which {kind} keeps 8.")
    return notes
