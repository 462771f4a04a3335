"""What a training run begins with, and whether it may go on as asked.

A run goes on with the network that it has. Other settings may change: other
data are drawn from the number of samples on that the run had come to, and
averaged weights that are new begin as the weights.
"""

import pathlib

import tqdm

from crossnet_tf.baselines import registry
from crossnet_tf.config import Config, TrainConfig
from crossnet_tf.storage import checkpoints, fitting, runs
from crossnet_tf.training import phases, start, step

_MAX_LISTED = 5


def check(config: Config, run_dir: pathlib.Path) -> Config | None:
    """Refuses settings that cannot be trained, here or at all.

    Args:
        config: the settings asked for.
        run_dir: where there may be a run.

    Returns:
        The settings of the run in `run_dir`, or None.

    Raises:
        FileNotFoundError: `init_from` is missing.
        ValueError: a system that does not learn, a damaged config, another
            network, phases or a start that the network does not have, loss
            scaling that begins or ends.
    """
    system = config.model.system
    if not registry.REGISTRY[system].learns:
        raise ValueError(
            f"`system` must be one that learns. Received: system={system!r}."
        )
    phases.check(config)
    start.check(config)
    if config.train.init_from:
        runs.config_of(config.train.init_from, flag="init_from")
    if not (run_dir / runs.CONFIG_FILE).exists():
        return None
    saved = runs.load_config(run_dir)
    runs.check_same_model(saved.model, config.model)
    before, now = saved.train.precision, config.train.precision
    if before != now and "mixed_float16" in (before, now):
        raise ValueError(
            "`precision` cannot change from or to mixed_float16 when a run "
            f"goes on. Saved: {before}. Received: precision={now}."
        )
    return saved


def restore(
    keeper: checkpoints.Checkpoints,
    parts: step.Parts,
    config: Config,
) -> set[str] | None:
    """Weights from the run's checkpoint, from `init_from`, or as they are.

    Args:
        keeper: reads the run's checkpoints.
        parts: get their values.
        config: the settings.

    Returns:
        The names that the run's checkpoint has; None: there is none.

    Raises:
        ValueError: no checkpoint can be read, or `init_from` has another
            network.
    """
    restored = keeper.restore()
    if restored is None:
        _begin(parts, config.train)
    if parts.average is not None and "average" not in (restored or ()):
        runs.copy_weights(parts.model, parts.average)
    return restored


def _begin(parts: step.Parts, train: TrainConfig) -> None:
    """The weights of a run that is new."""
    if train.start == "matching":
        start.matching(parts.model, train.seed)
    if train.init_from:
        source, _ = runs.load_model(train.init_from, flag="init_from")
        if train.init_fitting:
            taken, missing = fitting.copy_fitting(source, parts.model)
            tqdm.tqdm.write(_what_fits(train.init_from, taken, missing))
        else:
            runs.copy_weights(source, parts.model, train.init_parts)


def _what_fits(source: str, taken: int, missing: list[str]) -> str:
    some = ", ".join(missing[:_MAX_LISTED])
    more = ", ..." if len(missing) > _MAX_LISTED else ""
    return (
        f"Took {taken} weights of {source}; {len(missing)} begin as without "
        f"it{': ' if missing else ''}{some}{more}."
    )
