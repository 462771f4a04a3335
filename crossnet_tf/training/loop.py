"""Trains a network: `train(config, run_dir)`.

The loop asks `step.TrainStep` for as many steps as there are until something
is due (scalars, pictures, evaluation, checkpoint, the end of the flow's extra
losses) and does what is due. All that it needs to go on lies in the run's
checkpoints, so that the same call continues a run that was stopped: by
SIGTERM or Ctrl-C (a checkpoint is written first), by a crash (the last
checkpoint counts), or because it was done (`num_steps` is larger now).
"""

import contextlib
import dataclasses
import os
import pathlib
import signal
import sys
import threading
import time
from collections.abc import Iterator

import tensorflow as tf
import tqdm

from crossnet_tf import footprint, processor
from crossnet_tf.baselines import registry
from crossnet_tf.config import Config, TrainConfig
from crossnet_tf.pairs import datasets
from crossnet_tf.training.phases import phase_at
from crossnet_tf.training.run import Run, open_run

_SECONDS_PER_CALL = 0.5
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclasses.dataclass(frozen=True)
class Result:
    """How a call of `train` ended.

    Attributes:
        step: steps done, those of earlier calls included.
        best_psnr: held-out PSNR in dB; -inf if never measured.
        signal: number of the signal that ended it early, or 0.
    """

    step: int
    best_psnr: float
    signal: int = 0


def train(
    config: Config,
    run_dir: str | os.PathLike,
    device_names: tuple[str, ...] = (),
) -> Result:
    """Trains until `num_steps`, from the run's last checkpoint if it has one.

    Args:
        config: all settings; the network must be that of the run.
        run_dir: where checkpoints, the best weights, settings and TensorBoard
            files go; made when the data are known to be there.
        device_names: instead of all GPUs or the CPU.

    Raises:
        FileNotFoundError: the data or `init_from` are missing.
        ValueError: settings that do not fit the run or the devices.
        FloatingPointError: loss or gradients are not finite; the checkpoints
            are the last good ones.
        OSError: a checkpoint cannot be written; the earlier ones are intact.
    """
    path = pathlib.Path(run_dir)
    with (
        datasets.damage_named(config.data, config.eval),
        open_run(config, path, device_names) as run,
    ):
        return _train(run, run_dir)


def _train(run: Run, run_dir: str | os.PathLike) -> Result:
    config = run.config
    begin = run.steps_done
    num_steps = config.train.num_steps
    if begin >= num_steps:
        if _make_up_evaluation(run, _Stop(run)):
            run.save(begin)
        run.tell(
            f"{run_dir} is finished: {begin} steps. A larger --num_steps "
            "goes on."
        )
        return _result(run, begin)
    if begin:
        run.tell(f"Going on from step {begin} in {run_dir}.")
    if advice := processor.advice(config.train.precision):
        run.tell(advice)
    with (
        _stop_signals(run) as wanted,
        _progress(run, begin) as bar,
        _rescued(run),
    ):
        _make_up_evaluation(run, wanted)
        step = _train_on(run, wanted, bar)
        stopped = wanted.agreed if step < num_steps else 0
        if stopped:
            run.save(step)
    return _result(run, step, stopped)


def _result(run: Run, step: int, stopped: int = 0) -> Result:
    return Result(step, float(run.progress.best_psnr), stopped)


class _Stop:
    """Whether the training shall stop.

    Attributes:
        received: numbers of the signals that this process received.
        agreed: the signal that all processes stop for, or 0.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self.received: list[int] = []
        self.agreed = 0
        if run.devices.team is not None:
            run.devices.team.tell_of(lambda: self.signal)

    @property
    def signal(self) -> int:
        """The first signal that this process received, or 0."""
        return self.received[0] if self.received else 0

    def __bool__(self) -> bool:
        return bool(self.received) or self._run.devices.asked_to_stop


def _train_on(run: Run, wanted: _Stop, bar: tqdm.tqdm) -> int:
    """Until the end or a signal; returns the steps done."""
    footprint.let_go_of_libraries()
    window, step = _Window(), run.steps_done
    for count, scalars in _steps(run, wanted):
        step += count
        window.add(count, scalars)
        bar.set_postfix(_shown(scalars), refresh=False)
        bar.update(count)
        _do_what_is_due(run, step, window, wanted)
    return step


@contextlib.contextmanager
def _rescued(run: Run) -> Iterator[None]:
    """Whatever ends the training, the steps done so far are kept.

    Not where the loss is not finite: the checkpoints from before are better.
    """
    begin = run.steps_done
    try:
        yield
    except FloatingPointError:
        raise
    except Exception:
        step = run.steps_done
        with contextlib.suppress(Exception):  # the first error is the reason
            if step > begin and run.has_good_weights():
                run.save(step)
                run.tell(
                    f"Wrote a checkpoint of step {step} before ending; the "
                    "same command goes on from there."
                )
        raise


def _make_up_evaluation(run: Run, wanted: _Stop) -> bool:
    """The one that a signal or an error kept from happening, if any did."""
    settings, step = run.config.train, run.steps_done
    due = step > 0 and (
        step % settings.eval_every == 0 or step >= settings.num_steps
    )
    missing = due and run.progress.evaluated_until < step
    if missing:
        run.evaluate(step, stop=lambda: bool(wanted))
    return missing


def _steps(run: Run, wanted: _Stop) -> Iterator[tuple[int, dict[str, float]]]:
    """Trains; yields how many steps were done at once, and their means.

    Several processes agree on each number of steps, and on stopping.
    """
    settings = run.config.train
    step = run.steps_done
    pace = _SECONDS_PER_CALL
    while step < settings.num_steps:
        phase = phase_at(settings, step)
        # A flow estimator that stands still has nothing to be taught.
        teach = phase.teaches and _teaches(run.config, step)
        most = max(1, int(_SECONDS_PER_CALL / pace))
        count = min(most, _until_due(settings, step, teach))
        count = min(count, phase.end - step)
        count, wanted.agreed = run.devices.turn(step, count, wanted.signal)
        if wanted.agreed:
            return
        began = time.perf_counter()
        finite, means = run.train_step(
            run.input, tf.constant(count), teach, phase.name
        )
        scalars = {name: float(mean) for name, mean in means.items()}
        pace = min(pace, (time.perf_counter() - began) / count)
        if not finite:
            raise FloatingPointError(
                f"Loss or gradients are not finite at step "
                f"{run.steps_done + 1}: training stops, the checkpoints "
                "are those from before. A smaller --learning_rate or "
                "--clip_norm=1 may help."
            )
        step += count
        yield count, scalars


def _teaches(config: Config, step: int) -> bool:
    """Whether the flow's extra losses take part in the next step."""
    settings = config.train
    weights = settings.warp_loss_weight, settings.flow_loss_weight
    fading = settings.auxiliary_steps
    aligns = registry.REGISTRY[config.model.system].aligns
    return aligns and any(weights) and (not fading or step < fading)


def _until_due(settings: TrainConfig, step: int, teach: bool) -> int:
    """Steps until something else has to be done."""
    every = (
        settings.log_every,
        settings.picture_every,
        settings.eval_every,
        settings.checkpoint_every,
    )
    counts = [period - step % period for period in every]
    counts.append(settings.num_steps - step)
    if teach and settings.auxiliary_steps:
        counts.append(settings.auxiliary_steps - step)
    return min(counts)


def _do_what_is_due(
    run: Run,
    step: int,
    window: "_Window",
    wanted: _Stop,
) -> None:
    """Scalars, pictures, evaluation, checkpoint.

    Nothing is begun once a signal is received: its sender may soon lose
    patience, and `train` writes a checkpoint then.
    """
    settings = run.config.train
    end = step == settings.num_steps
    if end or step % settings.log_every == 0:
        rate = float(run.parts.optimizer.learning_rate)
        values = {**window.take(), "learning_rate": rate}
        run.summaries.scalars(step, values)
    if not wanted and (end or step % settings.picture_every == 0):
        run.summaries.pictures(step)
    if not wanted and (end or step % settings.eval_every == 0):
        run.evaluate(step, stop=lambda: bool(wanted))
    if end or (not wanted and step % settings.checkpoint_every == 0):
        run.save(step)


class _Window:
    """Means over the steps since they were last taken."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._sums: dict[str, float] = {}
        self._count = 0
        self._began = time.perf_counter()

    def add(self, count: int, means: dict[str, float]) -> None:
        for name, mean in means.items():
            self._sums[name] = self._sums.get(name, 0.0) + count * mean
        self._count += count

    def take(self) -> dict[str, float]:
        seconds = time.perf_counter() - self._began
        means = {name: s / self._count for name, s in self._sums.items()}
        means["steps_per_second"] = self._count / seconds
        self._clear()
        return means


def _shown(scalars: dict[str, float]) -> dict[str, str]:
    names = {"loss": ".4g", "psnr": ".2f", "flow": ".3f"}
    return {n: f"{scalars[n]:{f}}" for n, f in names.items() if n in scalars}


def _progress(run: Run, begin: int) -> tqdm.tqdm:
    """A bar on a terminal; a line every half minute elsewhere."""
    return tqdm.tqdm(
        total=run.config.train.num_steps,
        initial=begin,
        unit="step",
        disable=not run.devices.is_chief,
        mininterval=0.5 if sys.stderr.isatty() else 30.0,
        dynamic_ncols=True,
    )


@contextlib.contextmanager
def _stop_signals(run: Run) -> Iterator[_Stop]:
    """Collects SIGTERM and Ctrl-C instead of dying; a second one kills."""
    wanted = _Stop(run)

    def note(number: int, frame: object) -> None:
        if wanted.received:
            raise KeyboardInterrupt
        wanted.received.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield wanted
        return
    before = {number: signal.signal(number, note) for number in _STOP_SIGNALS}
    try:
        yield wanted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
