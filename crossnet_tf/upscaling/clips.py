"""Super-resolves a video, with stills or a sharper clip as references.

    lr.mp4 -> frames -> network, once per reference around -> blend -> segments
           -> sound and subtitles, copied --------------------------> out.mp4

Frames in equal frames out, each at its own time. One frame is in memory at a
time. What is done of a video lies in `.<output>.parts/` beside the output
until all of it is: the same command goes on there.
"""

import fractions
import functools
import json
import os
import pathlib
import shutil
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import tqdm

from crossnet_tf import atomic
from crossnet_tf.config import ModelConfig
from crossnet_tf.storage import runs
from crossnet_tf.upscaling import blending
from crossnet_tf.upscaling.inputs import Inputs, network_frames
from crossnet_tf.upscaling.jobs import Job
from crossnet_tf.upscaling.options import Options, Summary
from crossnet_tf.upscaling.references import Near, open_references
from crossnet_tf.upscaling.sizes import resized
from crossnet_tf.upscaling.upscaler import Upscaler
from crossnet_tf.upscaling.work import check_output, load_upscaler
from crossnet_tf.video import writing
from crossnet_tf.video.reading import Frame, Video, open_video

SEGMENT = 48
"""Frames of a segment: what a killed run does again at most."""
_JOB_FILE = "job.json"


def upscale_clip(
    source: str | os.PathLike,
    lr: str | os.PathLike,
    ref: str | os.PathLike,
    output: str | os.PathLike,
    options: Options,
) -> Summary:
    """Super-resolves a video.

    Args:
        source: as `runs.load_model`.
        lr: the video.
        ref: as `references.open_references`.
        output: the video to write.
        options: how; names in folders do not count.

    Raises:
        FileNotFoundError: no such run, video or reference.
        ValueError: a video cannot be used, or a reference does not fit.
        OSError: the output cannot be written.
    """
    lr, output = (pathlib.Path(p).expanduser() for p in (lr, output))
    writing.check_output(output)
    if output.exists() and options.skip_existing:
        return Summary(skipped=[output])
    check_output(Job(lr, pathlib.Path(ref).expanduser(), output))
    model = runs.config_of(source).model
    parts = output.parent / f".{output.name}.parts"
    _begin(parts, _job(source, lr, ref, options))
    codec = writing.CODECS[output.suffix.lower()]
    with open_video(lr) as video, open_references(ref, video.rate) as near:
        network = _Frames(source, options, model)
        segments = _write_segments(video, near, network, parts, codec)
    writing.join(segments, lr, output)
    shutil.rmtree(parts)
    return Summary(done=[output])


def _job(
    source: str | os.PathLike,
    lr: pathlib.Path,
    ref: str | os.PathLike,
    options: Options,
) -> dict:
    """What must be the same for segments to count again."""
    status = lr.stat()
    return {
        "lr": [str(lr.resolve()), status.st_size, status.st_mtime_ns],
        "ref": str(ref),
        "weights": str(source),
        "options": options.of_pixels,
    }


def _begin(parts: pathlib.Path, job: dict) -> None:
    """Keeps the segments of the same job, and no others."""
    path = parts / _JOB_FILE
    text = json.dumps(job)
    if parts.exists() and not (path.exists() and path.read_text() == text):
        shutil.rmtree(parts)
    parts.mkdir(exist_ok=True)
    atomic.write(path, text.encode())


def _write_segments(
    video: Video,
    near: Callable[[fractions.Fraction], Near],
    network: "_Frames",
    parts: pathlib.Path,
    codec: str,
) -> list[pathlib.Path]:
    segments: list[pathlib.Path] = []
    bar = tqdm.tqdm(
        video.frames(), total=video.stream.frames or None, unit="frame"
    )
    results = _Results(bar, video, near, network)
    while results.next:
        path = parts / f"{len(segments):06d}.nut"
        if path.exists():
            results.skip(SEGMENT)
        else:
            writing.write_segment(path, results.take(SEGMENT), video, codec)
        segments.append(path)
    if not segments:
        raise ValueError(f"Video `{video.path}` must have frames.")
    return segments


class _Results:
    """Frames of a video, super-resolved or skipped.

    Attributes:
        next: the frame that comes next; None: there is none.
    """

    def __init__(
        self,
        frames: Iterable[Frame],
        video: Video,
        near: Callable[[fractions.Fraction], Near],
        network: "_Frames",
    ):
        self._frames, self._near, self._network = iter(frames), near, network
        self._base = fractions.Fraction(video.time_base)
        self.next = next(self._frames, None)
        self._start = self.next.time if self.next else 0

    def skip(self, count: int) -> None:
        """Goes on without the next `count` frames."""
        for _ in range(count):
            self.next = next(self._frames, None)

    def take(self, count: int) -> Iterator[tuple[int, np.ndarray]]:
        """Times and pixels of the next `count` frames, or fewer."""
        for _ in range(count):
            if self.next is None:
                return
            frame = self.next
            seconds = (frame.time - self._start) * self._base
            yield frame.time, self._network(frame.rgb(), self._near(seconds))
            self.next = next(self._frames, None)


_Prepares = Callable[[np.ndarray], Inputs]


class _Frames:
    """Super-resolves one frame with the references around it."""

    def __init__(
        self, source: str | os.PathLike, options: Options, model: ModelConfig
    ):
        self._source, self._options, self._model = source, options, model
        self._prepared: list[tuple[np.ndarray, _Prepares]] = []

    def __call__(self, frame: np.ndarray, near: Near) -> np.ndarray:
        """`[H, W, 3]` uint8."""
        lr = np.asarray(frame, np.float32) / 255
        results, weights = [], []
        self._keep([ref for _, ref in near])
        for _, prepares in self._prepared:
            pair = prepares(lr)
            names = ("sr", "flow_0") if len(near) > 1 else ("sr",)
            outputs = self._network(pair.lr, pair.ref, names, pair.cover)
            results.append(pair.finished(outputs["sr"]))
            if len(near) > 1:
                flow = outputs["flow_0"]
                weights.append(
                    blending.explained(
                        pair.lr, pair.ref, flow, self._model.scale
                    )
                )
        sr = results[0]
        if len(near) > 1:
            distances = [float(distance) for distance, _ in near]
            sr = blending.blended(results, weights, distances)
        sr = resized(sr, self._options.size.of(lr.shape, self._model.scale))
        return np.floor(np.clip(sr, 0, 1) * 255 + 0.5).astype(np.uint8)

    def _keep(self, refs: list[np.ndarray]) -> None:
        """What prepares frames with each of `refs`, in turn, and no others."""
        known = {id(ref): prepares for ref, prepares in self._prepared}
        how = self._model, self._options
        self._prepared = [
            (ref, known.get(id(ref)) or network_frames(ref, *how))
            for ref in refs
        ]

    @functools.cached_property
    def _network(self) -> Upscaler:
        return load_upscaler(self._source, self._options)
