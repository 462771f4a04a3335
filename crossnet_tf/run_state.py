"""Everything that a training run works with, opened or gone on with.

`open_run` checks first and writes last: a mistake in settings, data or
devices ends before the run directory exists.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf
import tqdm

from crossnet_tf import (
    atomic,
    checkpoints,
    devices,
    evaluation,
    optimization,
    pipeline,
    runs,
    step,
    summaries,
    tiling,
)
from crossnet_tf.baselines import registry
from crossnet_tf.config import Config


@dataclasses.dataclass(frozen=True)
class Run:
    """An open run.

    Attributes:
        config: its settings.
        devices: where it computes.
        parts: network, optimiser, averaged weights, step counter.
        train_step: trains for some steps.
        input: iterator over training batches.
        best_psnr: variable: best held-out PSNR in dB.
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
    best_psnr: tf.Variable
    summaries: summaries.Summaries
    keeper: checkpoints.Checkpoints
    upscaler: tiling.Upscaler
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
            self.keeper.save(number)

    def evaluate(
        self, number: int, stop: Callable[[], bool] = lambda: False
    ) -> None:
        """Measures held-out pairs and keeps the weights if they are best.

        Args:
            number: of the step.
            stop: asked after each pair; True ends it without a result.
        """
        if not self.can_evaluate:
            return
        config = self.config
        rows = []
        for row in evaluation.measure(
            lambda lr, ref: self.upscaler(lr, ref)["sr"],
            _test_pairs(config),
            config.eval,
            config.model.scale,
            with_ssim=False,
        ):
            rows.append(row)
            if stop():
                return
        mean = evaluation.means(rows)
        psnr, bicubic = mean["psnr"], mean["bicubic_psnr"]
        self.summaries.scalars(number, {"held_out_psnr": psnr})
        best = psnr > float(self.best_psnr)
        if best:
            self.best_psnr.assign(psnr)
        if best and self.devices.is_chief:
            self.keeper.save_best(number)
        self.tell(
            f"Step {number}: held-out PSNR {psnr:.2f} dB "
            f"(bicubic {bicubic:.2f}){', the best so far' if best else ''}."
        )


def open_run(
    config: Config, run_dir: pathlib.Path, device_names: tuple[str, ...] = ()
) -> Run:
    """Opens a new run, or the one in `run_dir` to go on with it.

    Args:
        config: its settings; if `run_dir` has a run, of the same network.
        run_dir: as `training.train`.
        device_names: as `training.train`.

    Raises:
        FileNotFoundError: the data or `init_from` are missing.
        ValueError: settings that do not fit the run or the devices.
        OSError: `run_dir` cannot be written.
    """
    where = devices.find_devices(device_names)
    local_batch = where.local_batch(config.data.batch_size)
    saved = _saved_config(run_dir, config)
    # Before the data: TensorFlow's draws depend on this seed, too.
    keras.utils.set_random_seed(config.train.seed)
    pair = next(_test_pairs(config))
    dataset = _dataset(config, where, local_batch)
    with where.strategy.scope():
        parts = _make_parts(config)
    best = tf.Variable(float("-inf"), trainable=False)
    state = {
        "model": parts.model,
        "optimizer": parts.optimizer,
        "step": parts.step,
        "best": best,
        "input": iter(dataset),
    }
    if parts.average is not None:
        state["average"] = parts.average
    keeper = checkpoints.Checkpoints(
        run_dir, config.train.keep_checkpoints, state
    )
    _fill(keeper, parts, config, _leave_out(saved, config, where))
    if where.is_chief:
        atomic.clean(run_dir)
        runs.save_config(config, run_dir)
    upscaler = tiling.Upscaler(parts.average or parts.model)
    return Run(
        config=config,
        devices=where,
        parts=parts,
        train_step=step.TrainStep(config, parts, where.strategy, local_batch),
        input=state["input"],
        best_psnr=best,
        summaries=summaries.Summaries(
            run_dir if where.is_chief else "", pair, upscaler
        ),
        keeper=keeper,
        upscaler=upscaler,
        can_evaluate=pair.hr is not None,
    )


def _saved_config(run_dir: pathlib.Path, config: Config) -> Config | None:
    """Settings of the run to go on with; refuses another network."""
    if not (run_dir / runs.CONFIG_FILE).exists():
        return None
    saved = runs.load_config(run_dir)
    _check_goes_on(saved, config)
    return saved


def _check_goes_on(saved: Config, config: Config) -> None:
    runs.check_same_model(saved.model, config.model)
    before, now = saved.train.precision, config.train.precision
    if before != now and "mixed_float16" in (before, now):
        raise ValueError(
            "`precision` cannot change from or to mixed_float16 when a run "
            f"goes on. Saved: {before}. Received: precision={now}."
        )


def _leave_out(
    saved: Config | None, config: Config, where: devices.Devices
) -> tuple[str, ...]:
    """The input goes on where it was, if it is the same input."""
    same = saved is not None and _input(saved) == _input(config)
    return () if same and where.is_chief else ("input",)


def _input(config: Config) -> tuple:
    """All settings that shape the stream of training batches."""
    train = config.train
    with_flow = train.flow_loss_weight > 0
    return config.data, config.model.scale, train.seed, with_flow


def _test_pairs(config: Config) -> Iterator[pipeline.Pair]:
    return iter(
        pipeline.test_pairs(config.data, config.eval, config.model.scale)
    )


def _dataset(
    config: Config, where: devices.Devices, local_batch: int
) -> tf.data.Dataset:
    """This process's batches; each worker draws in its own order."""
    return pipeline.train_dataset(
        dataclasses.replace(config.data, batch_size=local_batch),
        config.model.scale,
        config.train.seed + where.worker,
        with_flow=config.train.flow_loss_weight > 0,
    )


def _make_parts(config: Config) -> step.Parts:
    system = config.model.system
    if not registry.REGISTRY[system].learns:
        raise ValueError(
            f"`system` must be one that learns. Received: system={system!r}."
        )
    precision = config.train.precision
    model = runs.build(config.model, precision)
    average = None
    if config.train.ema_decay:
        average = runs.build(config.model, precision)
        average.trainable = False
    optimizer = optimization.make_optimizer(config.train)
    optimizer.build(model.trainable_variables)
    counter = tf.Variable(
        0,
        dtype=tf.int64,
        trainable=False,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )
    return step.Parts(model, optimizer, average, counter)


def _fill(
    keeper: checkpoints.Checkpoints,
    parts: step.Parts,
    config: Config,
    leave_out: tuple[str, ...],
) -> None:
    """Weights from the run's checkpoint, from `init_from`, or as they are."""
    restored = keeper.restore(leave_out)
    if restored is None and config.train.init_from:
        source, _ = runs.load_model(config.train.init_from)
        runs.copy_weights(source, parts.model)
    if parts.average is not None and "average" not in (restored or ()):
        runs.copy_weights(parts.model, parts.average)
