"""Run directories: what a training run leaves and how it is read again.

    <run_dir>/config.json     every setting (`config.Config`)
    <run_dir>/checkpoints/    the newest checkpoints, to go on from
    <run_dir>/best/           the weights that did best on held-out pairs
    <run_dir>/events...       TensorBoard

A folder that `weight_files.save_weights` made, such as the shipped ones in
`crossnet_tf/weights/<name>/`, holds a model as well. `load_model` takes
either. The model is built from the settings, never unpickled: what is read
may come from a stranger.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
from collections.abc import Iterator, Sequence

import filelock
import keras

import crossnet_tf
from crossnet_tf import atomic
from crossnet_tf.baselines import registry
from crossnet_tf.baselines.registry import build_model
from crossnet_tf.config import SCALES, Config, ModelConfig
from crossnet_tf.model.base import System
from crossnet_tf.storage import checkpoints, weight_files

CONFIG_FILE = "config.json"
_MAX_CONFIG_BYTES = 1_000_000
_MAX_LISTED = 8
_LOCK_FILE = ".lock"
_SHIPPED = pathlib.Path(crossnet_tf.__file__).parent / "weights"


def save_config(config: Config, run_dir: str | os.PathLike) -> None:
    """Writes `<run_dir>/config.json` in one step; makes the folder.

    Raises:
        OSError: it cannot be written.
    """
    text = json.dumps(config.to_dict(), indent=2) + "\n"
    atomic.write(pathlib.Path(run_dir) / CONFIG_FILE, text.encode())


def load_config(run_dir: str | os.PathLike) -> Config:
    """Reads `<run_dir>/config.json`, trusting nothing in it.

    Raises:
        FileNotFoundError: there is none.
        ValueError: not JSON, unknown fields, wrong types, beyond the limits.
    """
    path = pathlib.Path(run_dir) / CONFIG_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"`run_dir` must hold a {CONFIG_FILE}. Received: run_dir={run_dir}"
        )
    if path.stat().st_size > _MAX_CONFIG_BYTES:
        raise ValueError(f"{path} is too large to be a config.")
    try:
        values = json.loads(path.read_text("utf-8"))
        if not isinstance(values, dict):
            raise ValueError("It must be a JSON object.")
        return Config.from_dict(values)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"Cannot use {path}: {error}") from error


@contextlib.contextmanager
def lock(run_dir: str | os.PathLike) -> Iterator[None]:
    """Keeps other processes from training in a run directory; makes it.

    The lock ends with the process, however that ends.

    Raises:
        ValueError: another process holds it.
    """
    path = pathlib.Path(run_dir) / _LOCK_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    held = filelock.FileLock(path)
    try:
        held.acquire(blocking=False)
    except filelock.Timeout:
        raise ValueError(
            "`run_dir` must not be in use by another training; wait for "
            f"it or take another. Received: run_dir={run_dir}"
        ) from None
    try:
        yield
    finally:
        held.release()


def check_same_model(saved: ModelConfig, given: ModelConfig) -> None:
    """Refuses to go on with another network than the one saved.

    Raises:
        ValueError: lists the fields that differ.
    """
    differing = [
        f"{field.name} (saved {before!r}, given {now!r})"
        for field in dataclasses.fields(saved)
        if (before := getattr(saved, field.name))
        != (now := getattr(given, field.name))
    ]
    if differing:
        raise ValueError(
            "`run_dir` holds a run with another network; take another "
            f"directory or the same settings. Differing: "
            f"{'; '.join(differing)}."
        )


def shipped() -> list[str]:
    """Names of the weights that come with the package.

    A wheel leaves out the large ones and those that are only compared with:
    it has those of preset `lite` alone.
    """
    return sorted(path.parent.name for path in _SHIPPED.glob("*/config.json"))


def is_known(source: str | os.PathLike) -> bool:
    """Whether `load_model` would find something of that name."""
    if _untrained(source):
        return True
    try:
        find(source)
    except FileNotFoundError:
        return False
    return True


def find(source: str | os.PathLike, flag: str = "weights") -> pathlib.Path:
    """The folder that `source` names.

    Args:
        source: a run directory, a folder of weights or a shipped name.
        flag: what the user gave it as, for the error.

    Raises:
        FileNotFoundError: none of these.
    """
    path = pathlib.Path(source)
    if str(source) and (path / CONFIG_FILE).is_file():
        return path
    if str(source) in shipped():
        return _SHIPPED / str(source)
    raise FileNotFoundError(
        f"`{flag}` must be a run directory or a folder of weights (with a "
        f"{CONFIG_FILE}), one of the shipped weights {shipped()}, or "
        f"SYSTEM-xSCALE. Received: {flag}={str(source)!r}."
    )


def config_of(source: str | os.PathLike, flag: str = "weights") -> Config:
    """The settings of what `load_model` takes.

    Args:
        source: as for `load_model`.
        flag: what the user gave it as, for the error.

    Raises:
        FileNotFoundError: no such run.
        ValueError: its settings cannot be used.
    """
    return _untrained(source) or load_config(find(source, flag))


def _untrained(source: str | os.PathLike) -> Config | None:
    """Settings of a system that has nothing to learn, such as bicubic-x4."""
    system, _, scale = str(source).rpartition("-x")
    entry = registry.REGISTRY.get(system)
    if entry is None or entry.learns or scale not in map(str, SCALES):
        return None
    return Config(model=ModelConfig(system=system, scale=int(scale)))


def load_model(
    source: str | os.PathLike,
    precision: str = "float32",
    flag: str = "weights",
) -> tuple[System, Config]:
    """Builds the network of a run and gives it the run's weights.

    Args:
        source: a run directory (its best weights, or else its last; averaged
            ones if it has them), a folder of weights, a shipped name, or
            SYSTEM-xSCALE for a system without weights (`patchmatch-x4`).
        precision: Keras policy to compute with.
        flag: what the user gave `source` as, for errors.

    Returns:
        The network (any system of `baselines.registry`) and all settings of
        its run.

    Raises:
        FileNotFoundError: no such run, or it has no weights yet.
        ValueError: damaged, or the weights do not fit the settings.
    """
    config = config_of(source, flag)
    model = build(config.model, precision)
    if _untrained(source):
        return model, config
    folder = find(source)
    if weight_files.weights_path(folder):
        weight_files.load_weights(model, folder)
        return model, config
    places = [folder / checkpoints.BEST, folder / checkpoints.CHECKPOINTS]
    if not checkpoints.restore_weights(places, model):
        raise FileNotFoundError(
            f"`{flag}` has no checkpoint yet. Received: {flag}={source}"
        )
    return model, config


def build(config: ModelConfig, precision: str) -> System:
    """`build_model` under a precision policy; the global one is put back."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        return build_model(config)
    finally:
        keras.config.set_dtype_policy(before)


def copy_weights(
    source: keras.Model, target: keras.Model, parts: Sequence[str] = ()
) -> None:
    """Gives `target` the weights of `source`.

    Args:
        source: a built network.
        target: one whose weights have the same names and shapes.
        parts: names of the layers whose weights count, such as
            "flow_estimator"; empty: all.

    Raises:
        ValueError: they are not networks of the same shape, listing where,
            or a part that neither has.
    """
    theirs, ours = (
        {
            name: weight
            for name, weight in weight_files.by_name(model).items()
            if not parts or name.partition("/")[0] in parts
        }
        for model in (source, target)
    )
    unknown = set(parts) - {name.partition("/")[0] for name in ours}
    if unknown:
        has = {n.partition("/")[0] for n in weight_files.by_name(target)}
        raise ValueError(
            f"`init_parts` must be of {sorted(has)}. "
            f"Received: {sorted(unknown)}."
        )
    problems = [
        f"{name} ({_shape(theirs, name)}, {_shape(ours, name)} wanted)"
        for name in sorted(set(theirs) | set(ours))
        if _shape(theirs, name) != _shape(ours, name)
    ]
    if problems:
        raise ValueError(
            f"`init_from` has another network; {len(problems)} weights do "
            f"not fit: {'; '.join(problems[:_MAX_LISTED])}."
        )
    for name, weight in ours.items():
        weight.assign(theirs[name])


def _shape(weights: dict[str, keras.Variable], name: str) -> str:
    return str(tuple(weights[name].shape)) if name in weights else "none"
