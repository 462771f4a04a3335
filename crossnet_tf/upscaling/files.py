"""Super-resolves picture files: one pair, or folders of pairs.

In folders, LR and REF belong together if their names are equal up to the
suffix. One bad file does not stop the others: what went wrong is listed.
Pictures are read and checked before the network is loaded, and each result
takes its name in one step.
"""

import dataclasses
import os
import pathlib
from collections.abc import Iterator

import numpy as np
import tqdm

from crossnet_tf import images
from crossnet_tf.drawing import pictures
from crossnet_tf.ops import resizing
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.storage import runs
from crossnet_tf.upscaling.upscaler import MARGIN, MAX_SIDE, Upscaler

_SUFFIXES = (".png", ".jpg", ".jpeg")
_OUTPUT_SUFFIX = ".png"


@dataclasses.dataclass(frozen=True)
class Job:
    """Three files: LR and REF to read, the output to write."""

    lr: pathlib.Path
    ref: pathlib.Path
    output: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Options:
    """How to upscale.

    Attributes:
        precision: Keras policy to compute with.
        max_side: as `tiling.Upscaler`.
        margin: as `tiling.Upscaler`.
        max_pixels: refuse larger pictures.
        skip_existing: leave outputs that are there as they are.
        debug_dir: folder for pictures of flow, warped REF and upscaled LR;
            empty: none.
    """

    precision: str = "float32"
    max_side: int = MAX_SIDE
    margin: int = MARGIN
    max_pixels: int = images.MAX_PIXELS
    skip_existing: bool = False
    debug_dir: str = ""


def upscale(
    source: str | os.PathLike,
    lr: str | os.PathLike,
    ref: str | os.PathLike,
    output: str | os.PathLike,
    options: Options | None = None,
) -> list[str]:
    """Super-resolves one pair of files, or all pairs of two folders.

    Args:
        source: as `runs.load_model`.
        lr: a file or a folder.
        ref: likewise; each picture `scale` times as large as its LR.
        output: a PNG or JPEG file, or a folder (made if missing) for
            `<name>.png`. 16-bit LR gives 16-bit PNG.
        options: how.

    Returns:
        One line for each pair of the folders that failed.

    Raises:
        FileNotFoundError: no such run or files.
        ValueError: a file of a single pair cannot be used.
        OSError: it cannot be read or written.
    """
    options = options or Options()
    scale = runs.config_of(source).model.scale
    lr, ref, output = map(pathlib.Path, (lr, ref, output))
    if options.debug_dir:
        pathlib.Path(options.debug_dir).mkdir(parents=True, exist_ok=True)
    if not lr.is_dir():
        job = Job(lr, ref, output)
        _check_output(job)
        if not (options.skip_existing and output.exists()):
            pair = _Pair(job, scale, options.max_pixels)
            pair.write(_upscaler(source, options), options.debug_dir)
        return []
    jobs, problems = _find_jobs(lr, ref, output)
    output.mkdir(parents=True, exist_ok=True)
    if options.skip_existing:
        jobs = [job for job in jobs if not job.output.exists()]
    if jobs:
        problems += _run_jobs(source, jobs, scale, options)
    return problems


def _run_jobs(
    source: str | os.PathLike, jobs: list[Job], scale: int, options: Options
) -> Iterator[str]:
    """Works on all jobs; yields what went wrong."""
    upscaler = _upscaler(source, options)
    for job in tqdm.tqdm(jobs, unit="image", desc="Upscaling"):
        try:
            _check_output(job)
            pair = _Pair(job, scale, options.max_pixels)
            pair.write(upscaler, options.debug_dir)
        except (ValueError, OSError, MemoryError) as error:
            yield f"{job.lr.name}: {error}"


def _find_jobs(
    lr: pathlib.Path, ref: pathlib.Path, output: pathlib.Path
) -> tuple[list[Job], list[str]]:
    """Pairs of two folders by stem, and the LR files that have no pair."""
    if not ref.is_dir():
        raise FileNotFoundError(
            f"`ref` must be a folder as `lr` is. Received: ref={ref}"
        )
    if output.resolve() in (lr.resolve(), ref.resolve()):
        raise ValueError(
            "`output` must be another folder than `lr` and `ref`. "
            f"Received: output={output}"
        )
    lr_files, ref_files = _pictures(lr), _pictures(ref)
    if not lr_files:
        raise FileNotFoundError(
            f"`lr` must hold PNG or JPEG files. Received: lr={lr}"
        )
    jobs, problems = [], []
    for stem, paths in sorted(lr_files.items()):
        partners = ref_files.get(stem, [])
        if len(paths) == len(partners) == 1:
            result = output / f"{stem}{_OUTPUT_SUFFIX}"
            jobs.append(Job(paths[0], partners[0], result))
        elif partners:
            problems.append(f"{stem}: several files of this name.")
        else:
            problems.append(f"{paths[0].name}: no {stem}.* in {ref}.")
    return jobs, problems


def _pictures(folder: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    found: dict[str, list[pathlib.Path]] = {}
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith(".")
        if path.suffix.lower() in _SUFFIXES and path.is_file() and not hidden:
            found.setdefault(path.stem, []).append(path)
    return found


def _check_output(job: Job) -> None:
    images.check_output_path(job.output)
    if job.output.resolve() in (job.lr.resolve(), job.ref.resolve()):
        raise ValueError(
            "`output` must not be one of the inputs. "
            f"Received: output={job.output}"
        )


def _upscaler(source: str | os.PathLike, options: Options) -> Upscaler:
    model, _ = runs.load_model(source, options.precision)
    return Upscaler(model, options.max_side, options.margin)


class _Pair:
    """A pair that has been read and fits."""

    def __init__(self, job: Job, scale: int, max_pixels: int):
        self._job = job
        self._lr, info = images.read_image_with_info(job.lr, max_pixels)
        self._ref = images.read_image(job.ref, max_pixels)
        resizing.check_pair(self._lr.shape, self._ref.shape, scale)
        png = job.output.suffix.lower() == ".png"
        self._bit_depth = 16 if png and info.bit_depth == 16 else 8

    def write(self, upscaler: Upscaler, debug_dir: str) -> None:
        """Super-resolves and writes the output, and pictures of the flow."""
        names = ("sr", "lr_up", "flow_0") if debug_dir else ("sr",)
        outputs = upscaler(self._lr, self._ref, names)
        if debug_dir:
            self._write_debug(outputs, pathlib.Path(debug_dir))
        sr = np.clip(outputs["sr"], 0.0, 1.0)
        images.write_image(self._job.output, sr, self._bit_depth)

    def _write_debug(
        self, outputs: dict[str, np.ndarray], folder: pathlib.Path
    ) -> None:
        flow = outputs["flow_0"]
        warped = backward_warp(self._ref[None], flow[None])[0].numpy()
        drawn = {
            "lr_up": outputs["lr_up"],
            "warped_ref": warped,
            "flow": pictures.flow_to_rgb(flow),
        }
        for name, picture in drawn.items():
            path = folder / f"{self._job.output.stem}_{name}.png"
            images.write_image(path, np.clip(picture, 0.0, 1.0))
