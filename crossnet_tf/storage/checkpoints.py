"""Checkpoints of a training run that survive being killed at any moment.

`<run_dir>/checkpoints` holds all that training needs to go on exactly (model,
optimiser, step, samples drawn, best metric, averaged weights), the newest
few; `<run_dir>/best` holds the weights that did best on held-out pairs.
TensorFlow writes a checkpoint under a temporary name first, and its index
last. What there is to read or to delete is told by the names in the folder
alone, never by a list in a file: a run may come from a stranger, or be
damaged. The newest is read first, and a checkpoint that cannot be read is
passed over with a warning.

Weights are saved by their names and not as a Keras model, because TensorFlow
does not find the layers that a Keras model keeps in lists.
"""

import contextlib
import logging
import os
import pathlib
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from crossnet_tf.storage import bundles, weight_files

CHECKPOINTS = "checkpoints"
BEST = "best"

# What reading a damaged file leads to.
_DAMAGED = (
    tf.errors.OpError,
    AssertionError,  # `assert_existing_objects_matched`
    DecodeError,
    OSError,
    ValueError,
)
_FINISHED = re.compile(r"ckpt-(\d+)\.index")
_OURS = re.compile(r"ckpt-(\d+)\.(index|data-\d{5}-of-\d{5})")
_UNFINISHED = re.compile(
    r"ckpt-\d+(_temp|\.(index|data-\d{5}-of-\d{5})\.tempstate\d+)"
)
_OLD_LIST = "checkpoint"  # TensorFlow's, which earlier releases wrote
# Of the weights' bytes: two slots of the optimiser and averages fit twice;
# and what else earlier releases kept.
_DATA_FACTOR, _DATA_BYTES = 8, 2**26
_LOG = logging.getLogger(__name__)


class Checkpoints:
    """Saves and restores the state of one training run.

    Args:
        run_dir: the run directory.
        keep: number of newest checkpoints to keep.
        state: what to save, by name: `model`, maybe `average` (a second
            model with averaged weights), `optimizer`, and all else that
            `tf.train.Checkpoint` takes.
    """

    def __init__(
        self, run_dir: pathlib.Path, keep: int, state: Mapping[str, Any]
    ):
        self._state = {n: _trackable(part) for n, part in state.items()}
        self._directory = pathlib.Path(run_dir) / CHECKPOINTS
        self._best_directory = pathlib.Path(run_dir) / BEST
        self._keep = keep

    def clean(self) -> None:
        """Removes what a killed process left; for the process that writes."""
        for directory in (self._directory, self._best_directory):
            clean(directory)

    def save(self, step: int) -> None:
        """Writes checkpoint number `step` and drops the oldest.

        Raises:
            OSError: it could not be written; the older ones are intact.
        """
        _write(self._state, self._directory, step)
        older = sorted(n for n in _numbers(self._directory) if n < step)
        _delete(self._directory, older[: max(0, len(older) + 1 - self._keep)])

    def save_best(self, step: int) -> None:
        """Replaces the best weights with the present ones; as `save`."""
        weights = self._state.get("average", self._state["model"])
        _write({"model": weights}, self._best_directory, step)
        others = set(_numbers(self._best_directory)) - {step}
        _delete(self._best_directory, others)

    def restore(self) -> set[str] | None:
        """Reads the newest checkpoint that can be read.

        Returns:
            The names in `state` that were restored, which are all that the
            checkpoint holds; None if there is no checkpoint.

        Raises:
            ValueError: there are checkpoints, but none can be read.
        """

        def choose(held: set[str]) -> dict[str, Any]:
            return {name: self._state[name] for name in held & set(self._state)}

        limit = _data_limit(self._state["model"])
        return _restore_first(_newest_first(self._directory), choose, limit)


def restore_weights(
    directories: Sequence[pathlib.Path], model: keras.Model
) -> bool:
    """Gives `model` the weights of the first checkpoint that can be read.

    Args:
        directories: searched in this order, newest checkpoint first.
        model: a built network; gets the averaged weights if there are any.

    Returns:
        False if there is no checkpoint.

    Raises:
        ValueError: there are checkpoints, but none can be read.
    """
    weights = _trackable(model)

    def choose(held: set[str]) -> dict[str, Any]:
        return {"average" if "average" in held else "model": weights}

    prefixes = [prefix for d in directories for prefix in _newest_first(d)]
    return _restore_first(prefixes, choose, _data_limit(weights)) is not None


def clean(directory: pathlib.Path) -> None:
    """Removes what a killed process left half-written in `directory`."""
    finished = set(_numbers(directory))
    for path in _listed(directory):
        match = _OURS.fullmatch(path.name)
        if _UNFINISHED.fullmatch(path.name):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        elif match and int(match[1]) not in finished:
            path.unlink(missing_ok=True)


def _trackable(part: Any) -> Any:
    """What `tf.train.Checkpoint` can save, all of it."""
    if isinstance(part, keras.Model):
        weights = weight_files.by_name(part)
        return {name: weight.value for name, weight in weights.items()}
    if isinstance(part, keras.optimizers.Optimizer):
        return [variable.value for variable in part.variables]
    return part


def _write(
    state: Mapping[str, Any], directory: pathlib.Path, number: int
) -> None:
    with _writing(directory):
        tf.train.Checkpoint(**state).write(str(directory / f"ckpt-{number}"))


def _delete(directory: pathlib.Path, numbers: Collection[int]) -> None:
    """Deletes checkpoints, and TensorFlow's list of them."""
    for path in _listed(directory):
        match = _OURS.fullmatch(path.name)
        if path.name == _OLD_LIST or (match and int(match[1]) in numbers):
            path.unlink(missing_ok=True)


def _listed(directory: pathlib.Path) -> list[pathlib.Path]:
    """Indices first: data without an index are no checkpoint."""
    if not directory.is_dir():
        return []
    paths = [directory / name for name in os.listdir(directory)]
    return sorted(paths, key=lambda path: (path.suffix != ".index", path.name))


def _numbers(directory: pathlib.Path) -> list[int]:
    """Of the checkpoints that are whole."""
    matches = (_FINISHED.fullmatch(path.name) for path in _listed(directory))
    return [int(match[1]) for match in matches if match]


def _newest_first(directory: pathlib.Path) -> list[str]:
    numbers = sorted(_numbers(directory), reverse=True)
    return [str(directory / f"ckpt-{number}") for number in numbers]


def _data_limit(weights: Mapping[str, tf.Variable]) -> int:
    """How many bytes a checkpoint with these weights has at most."""
    size = sum(
        np.prod(weight.shape, dtype=int) * weight.dtype.size
        for weight in weights.values()
    )
    return _DATA_FACTOR * int(size) + _DATA_BYTES


def _restore_first(
    prefixes: Sequence[str],
    choose: Callable[[set[str]], dict[str, Any]],
    limit: int,
) -> set[str] | None:
    """Restores what `choose` picks, given the names that a file holds.

    Args:
        prefixes: checkpoints, the first choice first.
        choose: what to restore, by name.
        limit: of bytes in a checkpoint.
    """
    problems = []
    for prefix in prefixes:
        try:
            bundles.check(prefix, limit)
            held = set(tf.train.CheckpointView(prefix).children(0))
            wanted = choose(held)
            status = tf.train.Checkpoint(**wanted).read(prefix)
            status.assert_existing_objects_matched().expect_partial()
        except _DAMAGED as error:
            problem = f"{prefix}: {_first_line(error)}"
            _LOG.warning("Warning: cannot read checkpoint %s", problem)
            problems.append(problem)
        else:
            return set(wanted)
    if problems:
        raise ValueError(f"No checkpoint can be read: {'; '.join(problems)}")
    return None


@contextlib.contextmanager
def _writing(directory: pathlib.Path) -> Iterator[None]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        yield
    except tf.errors.OpError as error:
        clean(directory)
        raise OSError(
            f"Cannot write a checkpoint in {directory}: {_first_line(error)}. "
            "The earlier ones are intact."
        ) from error


def _first_line(error: Exception) -> str:
    text = re.sub(r"\{\{.*?\}\} ?", "", str(error)).strip()
    lines = text.splitlines() or [type(error).__name__]
    return lines[0][:200]
