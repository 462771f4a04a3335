"""Super-resolves picture files: one pair, or as many as folders have.

Pictures are read and checked before the network is loaded, and each result
takes its name in one step. One bad file does not stop the others: what went
wrong is listed. While the network works on a pair, the next ones are decoded,
aligned and matched, and the last one is finished and encoded.
"""

import contextlib
import os
import pathlib
import time
from collections.abc import Iterator

import tqdm

from crossnet_tf.upscaling.jobs import (
    Job,
    Naming,
    find_jobs,
    is_many,
    output_name,
)
from crossnet_tf.upscaling.options import Options, Summary
from crossnet_tf.upscaling.overlap import overlapped
from crossnet_tf.upscaling.work import Work, is_small
from crossnet_tf.video.suffixes import is_video

FAILURES = (ValueError, OSError, MemoryError)
"""What a picture may fail with; anything else is a mistake in the program."""


def upscale(
    source: str | os.PathLike,
    lr: str | os.PathLike,
    ref: str | os.PathLike,
    output: str | os.PathLike,
    options: Options | None = None,
) -> Summary:
    """Super-resolves one pair of files, or all pairs of folders or patterns.

    Args:
        source: as `runs.load_model`.
        lr: a file, a folder or a pattern; or a video, as `clips` says.
        ref: the same, each picture `scale` times as large as its LR; a single
            file serves all; "": the upsampler alone.
        output: a file of a format that is written, or for several LR a folder
            (made if missing). Profile, depth and metadata of LR are kept.
        options: how.

    Returns:
        What was done, and a line for each picture that was not.

    Raises:
        FileNotFoundError: no such run or files.
        ValueError: a file of a single pair cannot be used.
        OSError: it cannot be read or written.
    """
    options = options or Options()
    if is_video(lr):
        return _upscale_clip(source, lr, ref, output, options)
    work = Work(source, options)
    summary = Summary()
    if options.debug_dir:
        pathlib.Path(options.debug_dir).mkdir(parents=True, exist_ok=True)
    if not is_many(lr):
        job = _single(lr, ref, output, options.naming)
        if options.skip_existing and job.output.exists():
            summary.skipped.append(job.output)
            return summary
        with _timed(summary, work):
            work.write(work.run(work.read(job)))
        _note_done(summary, work, job)
        return summary
    if options.compare or options.hr:
        raise ValueError(
            "`compare` and `hr` are for a single pair. Received: "
            f"lr={os.fspath(lr)}"
        )
    jobs, summary.problems = find_jobs(lr, ref, output, options.naming)
    if options.skip_existing:
        summary.skipped += [job.output for job in jobs if job.output.exists()]
        jobs = [job for job in jobs if not job.output.exists()]
    pathlib.Path(output).expanduser().mkdir(parents=True, exist_ok=True)
    with _timed(summary, work):
        _run_jobs(work, jobs, summary)
    return summary


@contextlib.contextmanager
def _timed(summary: Summary, work: Work) -> Iterator[None]:
    """Notes in `summary` how long what is inside took."""
    begin = time.monotonic()
    yield
    summary.seconds = time.monotonic() - begin
    summary.pixels, summary.network_seconds = work.pixels, work.seconds


def _upscale_clip(
    source: str | os.PathLike,
    lr: str | os.PathLike,
    ref: str | os.PathLike,
    output: str | os.PathLike,
    options: Options,
) -> Summary:
    try:
        from crossnet_tf.upscaling import clips
    except ModuleNotFoundError as error:
        if error.name != "av":
            raise
        raise ValueError(
            "Videos need one package more: pip install 'crossnet_tf[video]'"
        ) from None
    return clips.upscale_clip(source, lr, ref, output, options)


def _single(
    lr: str | os.PathLike,
    ref: str | os.PathLike,
    output: str | os.PathLike,
    naming: Naming,
) -> Job:
    lr, result = (pathlib.Path(p).expanduser() for p in (lr, output))
    if result.is_dir() and str(output):
        result = result / output_name(lr.stem, lr, naming)
    return Job(lr, pathlib.Path(ref).expanduser() if str(ref) else None, result)


def _run_jobs(work: Work, jobs: list[Job], summary: Summary) -> None:
    """Works on all jobs; notes what went wrong."""
    steps = work.read, work.run, work.write
    done = overlapped(jobs, *steps, FAILURES, is_small)
    bar = tqdm.tqdm(done, total=len(jobs), unit="image", desc="Upscaling")
    for job, error in bar:
        if error:
            summary.problems.append(f"{job.lr.name}: {error}")
        else:
            _note_done(summary, work, job)


def _note_done(summary: Summary, work: Work, job: Job) -> None:
    summary.done.append(job.output)
    summary.notes += work.notes.pop(job, [])
    if job.ref is None:
        summary.without_ref.append(job.lr)
