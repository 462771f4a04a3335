"""Everything that a training run works with, opened or gone on with.

`open_run` checks first and writes last: a mistake in settings, data or
devices ends before the run directory exists.
"""

import contextlib
import dataclasses
import math
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf
import tqdm

from crossnet_tf import atomic
from crossnet_tf.baselines import registry
from crossnet_tf.config import Config
from crossnet_tf.evaluation import averages, measure
from crossnet_tf.pairs import crops, datasets
from crossnet_tf.pairs.order import Place
from crossnet_tf.pairs.pair import Pair
from crossnet_tf.storage import checkpoints, runs
from crossnet_tf.training import (
    devices,
    resuming,
    service_watch,
    step,
    summaries,
)
from crossnet_tf.training.optimizer import make_optimizer
from crossnet_tf.training.progress import Progress
from crossnet_tf.upscaling.upscaler import Upscaler


@dataclasses.dataclass(frozen=True)
class Run:
    """An open run.

    Attributes:
        config: its settings.
        devices: where it computes.
        parts: network, optimiser, averaged weights, step counter.
        train_step: trains for some steps.
        input: iterator over training batches.
        progress: best result, samples drawn, what was evaluated.
        summaries: writer for TensorBoard.
        keeper: writes and reads its checkpoints.
        upscaler: the network to evaluate.
        can_evaluate: whether held-out pairs have their ground truth.
    """

    config: Config
    devices: devices.Devices
    parts: step.Parts
    train_step: step.TrainStep
    input: Iterator
    progress: Progress
    summaries: summaries.Summaries
    keeper: checkpoints.Checkpoints
    upscaler: Upscaler
    can_evaluate: bool

    @property
    def steps_done(self) -> int:
        """Steps whose updates the weights have."""
        return int(self.parts.step.numpy())

    def tell(self, message: str) -> None:
        """Prints a line above the progress bar; on the chief only."""
        if self.devices.is_chief:
            tqdm.tqdm.write(message)

    def save(self, number: int) -> None:
        """Writes the checkpoint of step `number`; on the chief only."""
        if self.devices.is_chief:
            self.progress.save_at(number)
            self.keeper.save(number)

    def has_good_weights(self) -> bool:
        """Whether all weights are finite, and so worth keeping."""
        return all(
            bool(tf.reduce_all(tf.math.is_finite(weight.value)))
            for weight in self.parts.model.weights
        )

    def evaluate(
        self, number: int, stop: Callable[[], bool] = lambda: False
    ) -> None:
        """Measures held-out pairs and keeps the weights if they are best.

        On the chief only.

        Args:
            number: of the step.
            stop: asked after each pair; True ends it without a result.
        """
        if not self.can_evaluate or not self.devices.is_chief:
            return
        config = self.config
        measured = []
        for row in measure.psnr_and_bicubic(
            lambda lr, ref: self.upscaler(lr, ref)["sr"],
            _test_pairs(config),
            config.eval,
            config.model.scale,
        ):
            measured.append(row)
            if stop():
                return
        psnr, bicubic = (averages.mean_of(v) for v in zip(*measured))
        self.summaries.scalars(number, {"held_out_psnr": psnr})
        best = math.isfinite(psnr) and psnr > float(self.progress.best_psnr)
        if best:
            self.keeper.save_best(number)
            self.progress.best_psnr.assign(psnr)
        self.progress.note_evaluated(number)
        self.tell(
            f"Step {number}: held-out PSNR {psnr:.2f} dB "
            f"(bicubic {bicubic:.2f}){', the best so far' if best else ''}."
        )


@contextlib.contextmanager
def open_run(
    config: Config, run_dir: pathlib.Path, device_names: tuple[str, ...] = ()
) -> Iterator[Run]:
    """Opens a new run, or the one in `run_dir` to go on with it.

    No other process can open it meanwhile.

    Args:
        config: its settings; if `run_dir` has a run, of the same network.
        run_dir: as `training.train`.
        device_names: as `training.train`.

    Yields:
        The run.

    Raises:
        FileNotFoundError: the data or `init_from` are missing.
        ValueError: settings that do not fit the run or the devices, or
            another process has the run open.
        OSError: `run_dir` cannot be written, or other workers do not come
            or end.
    """
    is_new = not run_dir.exists()
    with contextlib.ExitStack() as stack:
        opened = _opened(config, run_dir, device_names)
        where, saved = stack.enter_context(opened)
        local_batch = where.local_batch(config)
        pair = next(_test_pairs(config))
        with where.strategy.scope():
            parts = _make_parts(config)
        progress = Progress(config)
        keeper = checkpoints.Checkpoints(
            run_dir,
            config.train.keep_checkpoints,
            {**_state_of(parts), **progress.state},
        )
        restored = resuming.restore(keeper, parts, config)
        done = int(parts.step.numpy())
        first = progress.begin(done, restored, saved)
        where.turn(done, most=1, signal=0)  # All begin alike.
        batches = iter(_dataset(config, where, first))
        if where.is_chief and is_new:
            stack.enter_context(runs.lock(run_dir))
        if where.is_chief:
            keeper.clean()
            atomic.clean(run_dir)
            runs.save_config(config, run_dir)
        upscaler = Upscaler(parts.average or parts.model)
        folder = run_dir if where.is_chief else ""
        writer = summaries.Summaries(folder, pair, upscaler)
        stack.enter_context(contextlib.closing(writer))
        take = step.TrainStep(config, parts, where.strategy, local_batch)
        yield Run(
            config=config,
            devices=where,
            parts=parts,
            train_step=take,
            input=batches,
            progress=progress,
            summaries=writer,
            keeper=keeper,
            upscaler=upscaler,
            can_evaluate=pair.hr is not None,
        )


@contextlib.contextmanager
def _opened(
    config: Config, run_dir: pathlib.Path, device_names: tuple[str, ...]
) -> Iterator[tuple[devices.Devices, Config | None]]:
    """Its devices, and the settings that it had, if it was there."""
    cluster = devices.find_cluster(config.train, device_names)
    writes = cluster is None or cluster.worker == 0
    with contextlib.ExitStack() as stack:
        if writes and run_dir.exists():
            stack.enter_context(runs.lock(run_dir))
        saved = resuming.check(config, run_dir)
        opened = devices.opened(config, cluster, device_names)
        where = stack.enter_context(opened)
        stack.enter_context(service_watch.watched(config.data.data_service))
        yield where, saved


def _test_pairs(config: Config) -> Iterator[Pair]:
    return iter(
        datasets.test_pairs(config.data, config.eval, config.model.scale)
    )


def _dataset(
    config: Config, where: devices.Devices, first: int
) -> tf.data.Dataset:
    """This process's share of the batches that all draw together."""
    aligns = registry.REGISTRY[config.model.system].aligns
    return crops.train_dataset(
        config.data,
        config.model.scale,
        config.train.seed,
        with_flow=config.train.flow_loss_weight > 0 and aligns,
        flow_optional=config.train.flow_from_hr,
        place=Place(first, where.worker, where.num_workers),
    )


def _state_of(parts: step.Parts) -> dict[str, Any]:
    """The parts by the names that checkpoints have for them."""
    fields = dataclasses.fields(parts)
    values = {field.name: getattr(parts, field.name) for field in fields}
    return {n: part for n, part in values.items() if part is not None}


def _make_parts(config: Config) -> step.Parts:
    keras.utils.set_random_seed(config.train.seed)
    precision = config.train.precision
    model = runs.build(config.model, precision)
    average = None
    if config.train.ema_decay:
        average = runs.build(config.model, precision)
        average.trainable = False
    optimizer = make_optimizer(config.train)
    optimizer.build(model.trainable_variables)
    counter = tf.Variable(
        0,
        dtype=tf.int64,
        trainable=False,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )
    return step.Parts(model, optimizer, average, counter)
