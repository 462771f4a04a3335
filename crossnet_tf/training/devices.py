"""Which devices train together.

All visible GPUs of this machine, or its CPU; over several machines if
`TF_CONFIG` is set (as TensorFlow's guides describe it: the same on each but
for the task's index). Every process reads its own share of the global batch,
and the first one alone, the chief, writes to the run directory, which all
must be able to read.
"""

import dataclasses
import os
from collections.abc import Sequence

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Devices:
    """Where a run computes.

    Attributes:
        strategy: creates variables on all devices and runs steps there.
        num_workers: processes that train together.
        worker: number of this process.
    """

    strategy: tf.distribute.Strategy
    num_workers: int = 1
    worker: int = 0

    @property
    def is_chief(self) -> bool:
        """Whether this process writes checkpoints, summaries and messages."""
        return self.worker == 0

    def local_batch(self, batch_size: int) -> int:
        """Samples per step for this process.

        Args:
            batch_size: samples per step over all devices.

        Raises:
            ValueError: it does not divide by the number of devices.
        """
        replicas = self.strategy.num_replicas_in_sync
        if batch_size % replicas:
            raise ValueError(
                "`batch_size` must be a multiple of the number of devices, "
                f"{replicas}. Received: batch_size={batch_size}."
            )
        return batch_size // self.num_workers


def find_devices(names: Sequence[str] = ()) -> Devices:
    """The devices of this machine, or of all those that `TF_CONFIG` names.

    Args:
        names: devices to use instead, like "/cpu:1", on this machine alone.
    """
    if names or not os.environ.get("TF_CONFIG"):
        return Devices(_mirrored(list(names)))
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    resolver = strategy.cluster_resolver
    tasks = resolver.cluster_spec().as_dict()
    num_chiefs = len(tasks.get("chief", []))
    worker = resolver.task_id
    if resolver.task_type != "chief":
        worker += num_chiefs
    num_workers = num_chiefs + len(tasks.get("worker", []))
    return Devices(strategy, num_workers, worker)


def _mirrored(names: list[str]) -> tf.distribute.MirroredStrategy:
    """Sums without collectives where there is no GPU.

    TensorFlow remembers the shapes of CPU collectives for the life of the
    process, by numbers that each strategy begins anew: the second training
    of a process would meet the shapes of the first.
    """
    on_gpu = bool(tf.config.list_logical_devices("GPU"))
    if on_gpu and not all("cpu" in name.lower() for name in names or ["gpu"]):
        return tf.distribute.MirroredStrategy(names or None)
    return tf.distribute.MirroredStrategy(
        names or None,
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )
