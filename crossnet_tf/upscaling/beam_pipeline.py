"""Super-resolves the pairs of a table on Apache Beam, on many machines.

    manifest -> rows -> shuffled -> pictures, one network per worker
                                        -> failures, by line -> one file

A picture is made by the same `work.Work` as on one machine, and takes its name
in one step, so that a bundle that a runner tries again does no harm. Files
must be where every worker can open them, such as on a shared file system.
"""

import json
import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import (
    PipelineOptions,
    StandardOptions,
)
from apache_beam.utils import shared

from crossnet_tf import atomic
from crossnet_tf.storage import runs
from crossnet_tf.upscaling.files import FAILURES
from crossnet_tf.upscaling.manifest import Row, read_manifest
from crossnet_tf.upscaling.options import Options
from crossnet_tf.upscaling.work import Work

LOCAL_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""Beam's own in Python. Its `DirectRunner` would download another first."""
_FAILED = "failed"
_DONE, _SKIPPED = "done", "skipped"


def upscale_manifest(
    source: str | os.PathLike,
    manifest: str | os.PathLike,
    failures: str | os.PathLike,
    options: Options,
    arguments: Iterable[str] = (),
) -> dict[str, int]:
    """Super-resolves all pairs of a table.

    Args:
        source: as `runs.load_model`, for every worker.
        manifest: as `manifest.read_manifest`.
        failures: JSON lines to write: what was not done, and why. Empty if
            all was done; a table of pairs itself.
        options: how; names in folders do not count.
        arguments: Beam's own, such as "--runner=FlinkRunner".

    Returns:
        How many were "done", "skipped" and "failed".

    Raises:
        FileNotFoundError: no such run or manifest.
        ValueError: the manifest as a whole, or an argument, is wrong.
    """
    manifest = pathlib.Path(manifest).expanduser().resolve()
    failures = pathlib.Path(failures).expanduser().resolve()
    if failures == manifest:
        raise ValueError(
            "`failures` must be another file than `manifest`. Received: "
            f"failures={failures}"
        )
    settings = pipeline_options(arguments)
    runs.config_of(source)
    next(read_manifest(manifest), None)  # a wrong header is told at once
    pipeline = beam.Pipeline(options=settings)
    _build(pipeline, source, manifest, failures, options)
    result = pipeline.run()
    result.wait_until_finish()
    failed = len(failures.read_text().splitlines())
    return {**_counts(result), _FAILED: failed}


def pipeline_options(arguments: Iterable[str]) -> PipelineOptions:
    """Beam's options, on the local runner if they name none.

    Raises:
        ValueError: Beam knows no such option.
    """
    arguments = list(arguments)
    settings = PipelineOptions(arguments)
    everything = settings.get_all_options(retain_unknown_options=True)
    unknown = set(everything) - set(settings.get_all_options())
    loose = [text for text in arguments if not text.startswith("--")]
    if unknown or loose:
        name = sorted(unknown)[0] if unknown else loose[0]
        raise ValueError(
            "`pipeline_options` must be options of Apache Beam, "
            f"--name=value. Received: {name}"
        )
    standard = settings.view_as(StandardOptions)
    standard.runner = standard.runner or LOCAL_RUNNER
    return settings


def _build(
    pipeline: beam.Pipeline,
    source: str | os.PathLike,
    manifest: pathlib.Path,
    failures: pathlib.Path,
    options: Options,
) -> None:
    results = (
        pipeline
        | "Manifest" >> beam.Create([str(manifest)])
        | "Rows" >> beam.FlatMap(read_manifest)
        | "Shuffle" >> beam.Reshuffle()
        | "Upscale"
        >> beam.ParDo(_Upscale(os.fspath(source), options)).with_outputs(
            _FAILED
        )
    )
    (
        results[_FAILED]
        | "Gather" >> beam.combiners.ToList()
        | "Write" >> beam.Map(_write_failures, str(failures))
    )


class _Upscale(beam.DoFn):
    """Rows to pictures; yields those that fail, with the reason.

    Args:
        source: as `runs.load_model`.
        options: how.
    """

    def __init__(self, source: str, options: Options):
        self._source, self._options = source, options
        self._shared = shared.Shared()

    def setup(self) -> None:
        """Loads the network, once for all threads of a worker."""
        self._work = self._shared.acquire(self._loaded)

    def _loaded(self) -> Work:
        work = Work(self._source, self._options)
        work.load()
        return work

    def process(self, row: Row) -> Iterator[Any]:
        """Writes the row's picture."""
        problem = row.problem
        if row.job and self._options.skip_existing and row.job.output.exists():
            _count(_SKIPPED)
            return
        if row.job:
            try:
                row.job.output.parent.mkdir(parents=True, exist_ok=True)
                self._work.do(row.job)
            except FAILURES as error:
                problem = str(error) or type(error).__name__
        if problem:
            yield beam.pvalue.TaggedOutput(_FAILED, _failure(row, problem))
        else:
            _count(_DONE)


def _failure(row: Row, problem: str) -> dict[str, Any]:
    paths = row.given
    if row.job:
        known = {"lr": row.job.lr, "ref": row.job.ref, "output": row.job.output}
        paths = {name: str(path or "") for name, path in known.items()}
    return {"line": row.line, **paths, "reason": " ".join(problem.split())}


def _write_failures(found: list[dict[str, Any]], path: str) -> None:
    found = sorted(found, key=lambda failure: failure["line"])
    lines = [json.dumps(failure, ensure_ascii=False) for failure in found]
    atomic.write(path, "".join(f"{line}\n" for line in lines).encode())


def _count(name: str) -> None:
    beam.metrics.Metrics.counter("crossnet_tf", name).inc()


def _counts(result: Any) -> dict[str, int]:
    """How many pictures were done and skipped."""
    found = {_DONE: 0, _SKIPPED: 0}
    for counter in result.metrics().query()["counters"]:
        if counter.key.metric.name in found:
            found[counter.key.metric.name] = counter.result
    return found
