"""Which devices train together, `--strategy`.

    one_device    the first GPU, or the CPU
    mirrored      all visible GPUs of this machine, or its CPU
    multi_worker  those of all processes that `TF_CONFIG` names
    auto          the last one where `TF_CONFIG` names several, or `mirrored`

Every process reads its own share of the global batch, and the first one
alone, the chief, measures and writes to the run directory, which all must be
able to read.
"""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence

import tensorflow as tf
import tqdm
from tensorflow.python.distribute import collective_all_reduce_strategy
from tensorflow.python.eager import context

from crossnet_tf import terminal
from crossnet_tf.config import Config, TrainConfig
from crossnet_tf.training import cluster as clusters
from crossnet_tf.training.meeting import Meeting
from crossnet_tf.training.team import Team

# May differ from process to process.
_OWN = ("data.data_dir", "train.wait_for_workers")
# What TensorFlow says of a process that it cannot reach.
_PEER_ERRORS = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
    tf.errors.UnknownError,
)


@dataclasses.dataclass(frozen=True)
class Devices:
    """Where a run computes.

    Attributes:
        strategy: creates variables on all devices and runs steps there.
        num_workers: processes that train together.
        worker: number of this process.
        team: the other processes, if there are any.
    """

    strategy: tf.distribute.Strategy
    num_workers: int = 1
    worker: int = 0
    team: Team | None = None

    @property
    def is_chief(self) -> bool:
        """Whether this process writes checkpoints, summaries and messages."""
        return self.worker == 0

    @property
    def asked_to_stop(self) -> bool:
        """Whether another process was asked to stop, or is lost."""
        return self.team is not None and self.team.asked_to_stop

    def turn(self, step: int, most: int, signal: int) -> tuple[int, int]:
        """As `team.Team.turn`; alone, what this process wants."""
        if self.team is None:
            return (0 if signal else most), signal
        return self.team.turn(step, most, signal)

    def local_batch(self, config: Config) -> int:
        """Samples per step for this process.

        Args:
            config: has the samples per step over all devices, and into how
                many parts each device splits its share.

        Raises:
            ValueError: they do not divide.
        """
        replicas = self.strategy.num_replicas_in_sync
        parts, size = config.train.grad_accumulation, config.data.batch_size
        if size % (replicas * parts):
            times = (
                "" if parts == 1 else f", times `grad_accumulation`, {parts}"
            )
            raise ValueError(
                "`batch_size` must be a multiple of the number of devices, "
                f"{replicas}{times}. Received: batch_size={size}."
            )
        return size // self.num_workers


def find_cluster(
    train: TrainConfig, names: Sequence[str] = ()
) -> clusters.Cluster | None:
    """The processes that train together; None: this one alone.

    Args:
        train: has the strategy.
        names: devices of this machine to use instead.

    Raises:
        ValueError: `TF_CONFIG` cannot be used, or is missing.
    """
    if names or train.strategy in ("one_device", "mirrored"):
        return None
    found = clusters.read_cluster()
    if train.strategy == "multi_worker" and found is None:
        raise ValueError(
            "`TF_CONFIG` must be set for several workers, on each of them. "
            "Received: strategy='multi_worker' without it."
        )
    alone = found is not None and len(found.addresses) == 1
    return None if alone else found


@contextlib.contextmanager
def opened(
    config: Config,
    cluster: clusters.Cluster | None,
    names: Sequence[str] = (),
) -> Iterator[Devices]:
    """The devices of this machine, or of all processes of a cluster.

    Those wait for each other, and end together, however they end.

    Args:
        config: the settings, the same in all processes.
        cluster: as `find_cluster` returns it.
        names: devices to use instead, like "/cpu:1", on this machine alone.

    Raises:
        ConnectionError: another process ended or fell silent.
        TimeoutError: not all came.
    """
    if cluster is None:
        yield Devices(_local(config.train.strategy, list(names)))
        return
    limit = config.train.wait_for_workers
    meeting = Meeting(cluster, _shared(config), limit, _tell)
    team = Team(cluster, meeting.hold())
    try:
        team.when_lost(_abort)
        strategy = _multi_worker()
        num_workers = len(cluster.addresses)
        yield Devices(strategy, num_workers, cluster.worker, team)
        team.finish()
    except _PEER_ERRORS as error:
        reason = team.reason()
        team.fail(reason or str(error))
        if reason:
            raise ConnectionError(reason) from error
        raise
    except BaseException as error:
        team.fail(str(error) or type(error).__name__)
        raise


def _shared(config: Config) -> dict[str, object]:
    """The settings that all processes must have alike, by name."""
    return {
        f"{section}.{name}": value
        for section, values in config.to_dict().items()
        for name, value in values.items()
        if f"{section}.{name}" not in _OWN
    }


def _tell(text: str) -> None:
    tqdm.tqdm.write(terminal.printable(text))


def _local(strategy: str, names: list[str]) -> tf.distribute.Strategy:
    """Of this machine alone."""
    if strategy == "one_device" and not names:
        gpus = tf.config.list_logical_devices("GPU")
        return tf.distribute.OneDeviceStrategy("/gpu:0" if gpus else "/cpu:0")
    return _mirrored(names)


def _mirrored(names: list[str]) -> tf.distribute.MirroredStrategy:
    """Sums without collectives where there is no GPU.

    TensorFlow remembers the shapes of CPU collectives for the life of the
    process, by numbers that each strategy begins anew: the second training
    of a process would meet the shapes of the first.
    """
    if not names:
        found = tf.config.list_logical_devices("GPU")
        found = found or tf.config.list_logical_devices("CPU")
        names = [device.name for device in found]
    operations = tf.distribute.ReductionToOneDevice()
    if not all("cpu" in name.lower() for name in names):
        operations = None  # TensorFlow's choice.
    with _no_cluster():
        return tf.distribute.MirroredStrategy(names, operations)


@contextlib.contextmanager
def _no_cluster() -> Iterator[None]:
    """Hides `TF_CONFIG`, which TensorFlow reads even where it ignores it."""
    text = os.environ.pop(clusters.VARIABLE, None)
    try:
        yield
    finally:
        if text is not None:
            os.environ[clusters.VARIABLE] = text


def _multi_worker() -> tf.distribute.Strategy:
    """Without TensorFlow's own watch over the processes.

    Its coordination service waits an hour for who does not come, deaf to
    signals, and ends the others of one that is lost by an abort, with a
    page of text. `team` does both.
    """
    extended = collective_all_reduce_strategy.CollectiveAllReduceExtended
    extended._enable_check_health = False
    context.context().configure_coordination_service(service_type="")
    return tf.distribute.MultiWorkerMirroredStrategy()


def _abort(reason: str) -> None:
    """Ends what TensorFlow waits for, on whichever thread."""
    context.context().abort_collective_ops(tf.errors.UNAVAILABLE, reason)
