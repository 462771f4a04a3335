"""Which processes train together: what `TF_CONFIG` says, checked.

    {"cluster": {"worker": ["host0:2222", "host1:2222"]},
     "task": {"type": "worker", "index": 0}}

A task of type "chief" may come before the workers. Processes are numbered in
this order, and number 0 is the chief, whatever its type.

Reference: https://www.tensorflow.org/guide/distributed_training (TF_CONFIG).
"""

import dataclasses
import json
import os
import re
from typing import Any

VARIABLE = "TF_CONFIG"
_JOBS = ("chief", "worker")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(\d{1,5})")
_SHOWN = 200


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The processes of a training, and which of them this one is.

    Attributes:
        addresses: "host:port" of each, the chief's first.
        worker: number of this process.
    """

    addresses: tuple[str, ...]
    worker: int

    def name(self, worker: int) -> str:
        """What messages call a process."""
        return f"worker {worker} ({self.addresses[worker]})"

    def place(self, worker: int) -> tuple[str, int]:
        """Host and port of a process."""
        host, _, port = self.addresses[worker].rpartition(":")
        return host.strip("[]"), int(port)


def read_cluster() -> Cluster | None:
    """The cluster of `TF_CONFIG`; None if it is not set.

    Raises:
        ValueError: it is set, but names no cluster and task.
    """
    text = os.environ.get(VARIABLE, "")
    if not text.strip():
        return None
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise _error("be JSON", text) from None
    if not isinstance(values, dict):
        raise _error("be a JSON object", text)
    missing = {"cluster", "task"} - set(values)
    if missing:
        raise _error(
            "have a `cluster` and a `task`, or not be set for a training on "
            "this machine alone",
            text,
        )
    jobs = _jobs(values["cluster"], text)
    return Cluster(
        tuple(jobs.get("chief", []) + jobs.get("worker", [])),
        _number(values["task"], jobs, text),
    )


def _jobs(cluster: Any, text: str) -> dict[str, list[str]]:
    """Addresses by the type of their tasks."""
    if not isinstance(cluster, dict) or not set(cluster) <= set(_JOBS):
        raise _error(f"have a `cluster` of {' and '.join(_JOBS)} tasks", text)
    jobs: dict[str, list[str]] = {}
    for job, addresses in cluster.items():
        jobs[job] = addresses if isinstance(addresses, list) else []
        if not jobs[job] or not all(map(_is_address, jobs[job])):
            raise _error('name each task as "host:port"', text)
    found = [address for addresses in jobs.values() for address in addresses]
    if len(set(found)) < len(found):
        raise _error("name each address once", text)
    if not found or len(jobs.get("chief", [])) > 1:
        raise _error("have at least one task, and one chief at most", text)
    return jobs


def _is_address(value: Any) -> bool:
    match = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    return match is not None and 0 < int(match[2]) < 2**16


def _number(task: Any, jobs: dict[str, list[str]], text: str) -> int:
    """Number of this process."""
    task = task if isinstance(task, dict) else {}
    job, index = task.get("type"), task.get("index")
    if isinstance(index, str) and index.isdecimal():
        index = int(index)  # as TensorFlow takes it
    is_number = isinstance(index, int) and not isinstance(index, bool)
    if job not in jobs or not is_number or not 0 <= index < len(jobs[job]):
        raise _error(
            "have a `task` whose type and index are in the cluster", text
        )
    return index + (len(jobs.get("chief", [])) if job == "worker" else 0)


def _error(rule: str, text: str) -> ValueError:
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return ValueError(f"`{VARIABLE}` must {rule}. Received: {VARIABLE}={short}")
