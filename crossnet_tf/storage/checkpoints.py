"""Checkpoints of a training run that survive being killed at any moment.

`<run_dir>/checkpoints` holds all that training needs to go on exactly (model,
optimiser, step, best metric, input iterator, averaged weights), the newest
few; `<run_dir>/best` holds the weights that did best on held-out pairs.
TensorFlow writes a checkpoint under a temporary name first. Reading does not
trust TensorFlow's own list of checkpoints, a file that may be damaged too:
the folder is searched, newest first, and a checkpoint that cannot be read is
passed over with a warning.

Weights are saved by their names and not as a Keras model, because TensorFlow
does not find the layers that a Keras model keeps in lists.
"""

import contextlib
import logging
import pathlib
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from google.protobuf.message import DecodeError

from crossnet_tf.storage import weight_files

CHECKPOINTS = "checkpoints"
BEST = "best"

# Reading a damaged file raises whatever its bytes lead to.
_DAMAGED = (
    tf.errors.OpError,
    AssertionError,
    DecodeError,
    IndexError,
    KeyError,
    RuntimeError,
    TypeError,
    ValueError,
)
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
        for directory in (self._directory, self._best_directory):
            clean(directory)
        self._manager = _manager(self._state, self._directory, keep)
        weights = self._state.get("average", self._state["model"])
        self._best = _manager({"model": weights}, self._best_directory, 1)

    def save(self, step: int) -> None:
        """Writes checkpoint number `step` and drops the oldest.

        Raises:
            OSError: it could not be written; the older ones are intact.
        """
        with _writing(self._directory):
            self._manager.save(checkpoint_number=step)

    def save_best(self, step: int) -> None:
        """Replaces the best weights with the present ones; as `save`."""
        with _writing(self._best_directory):
            self._best.save(checkpoint_number=step)

    def restore(self, leave_out: Sequence[str] = ()) -> set[str] | None:
        """Reads the newest checkpoint that can be read.

        Args:
            leave_out: names in `state` that stay as they are.

        Returns:
            The names in `state` that were restored, which are all that the
            checkpoint holds; None if there is no checkpoint.

        Raises:
            ValueError: there are checkpoints, but none can be read.
        """

        def choose(held: set[str]) -> dict[str, Any]:
            names = held & set(self._state) - set(leave_out)
            return {name: self._state[name] for name in names}

        return _restore_first(_newest_first(self._directory), choose)


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
    return _restore_first(prefixes, choose) is not None


def clean(directory: pathlib.Path) -> None:
    """Removes what a killed process left half-written in `directory`."""
    for path in directory.glob("ckpt-*"):
        index = directory / f"{path.name.split('.')[0]}.index"
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif not index.exists() or "tempstate" in path.name:
            path.unlink(missing_ok=True)


def _trackable(part: Any) -> Any:
    """What `tf.train.Checkpoint` can save, all of it."""
    if isinstance(part, keras.Model):
        weights = weight_files.by_name(part)
        return {name: weight.value for name, weight in weights.items()}
    if isinstance(part, keras.optimizers.Optimizer):
        return [variable.value for variable in part.variables]
    return part


def _manager(
    state: Mapping[str, Any], directory: pathlib.Path, keep: int
) -> tf.train.CheckpointManager:
    checkpoint = tf.train.Checkpoint(**state)
    try:
        return tf.train.CheckpointManager(checkpoint, str(directory), keep)
    except ValueError:  # the manager's own list is damaged
        (directory / "checkpoint").unlink()
        return tf.train.CheckpointManager(checkpoint, str(directory), keep)


def _newest_first(directory: pathlib.Path) -> list[str]:
    found = {}
    for path in directory.glob("ckpt-*.index"):
        if match := re.fullmatch(r"ckpt-(\d+)\.index", path.name):
            found[int(match[1])] = str(path.with_suffix(""))
    return [found[step] for step in sorted(found, reverse=True)]


def _restore_first(
    prefixes: Sequence[str], choose: Callable[[set[str]], dict[str, Any]]
) -> set[str] | None:
    """Restores what `choose` picks, given the names that a file holds."""
    problems = []
    for prefix in prefixes:
        try:
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
