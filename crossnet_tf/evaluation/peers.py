"""Times a network here and the same layers in PyTorch, in turn.

Each way of computing has a process of its own, which waits until it is its
turn:

    python -m crossnet_tf.evaluation.peers '{"form": "compiled", ...}'

computes once for each line that it reads, and prints the seconds that passed
and those that processors were busy with it. So a neighbour's work on the
machine, or its heat, falls on all alike; and on a machine that is never quiet
the second number still says something. PyTorch is imported in these processes
only.
"""

import contextlib
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from crossnet_tf import config as config_lib

OURS = "crossnet_tf"
FORMS = ("plain", "channels_last", "compiled")
PRESETS = ("official", "paper")
_PRECISIONS = {"float32": "float32", "mixed_bfloat16": "bfloat16"}


class Seconds(NamedTuple):
    """Of one call."""

    passed: float
    processor: float


def check() -> None:
    """Refuses where there is no PyTorch.

    Raises:
        ValueError: it is not installed.
    """
    if importlib.util.find_spec("torch") is None:
        raise ValueError(
            "`peers` needs PyTorch, which is not installed: "
            "pip install torch. Received: peers=True."
        )


def measure(
    row: dict[str, Any], rounds: int
) -> tuple[dict[str, list[Seconds]], dict[str, str]]:
    """Seconds of `rounds` calls of each way that works, in turn.

    Args:
        row: as `timing.measure_network` takes it; presets of `PRESETS`.
        rounds: calls of each, after one that does not count.

    Returns:
        Seconds by `OURS` and `FORMS`; and why others could not be measured.
    """
    failed: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        workers = {}
        for form in (OURS, *FORMS):
            worker = stack.enter_context(_worker({**row, "form": form}))
            if _answer(worker) == "ready":
                workers[form] = worker
            else:
                errors = worker.communicate()[1].strip().splitlines()
                failed[form] = (errors or ["it ended without a word"])[-1]
        seconds: dict[str, list[Seconds]] = {form: [] for form in workers}
        for _ in range(rounds):
            for form, worker in workers.items():
                worker.stdin.write("\n")
                worker.stdin.flush()
                numbers = map(float, _answer(worker).split())
                seconds[form].append(Seconds(*numbers))
    return seconds, failed


@contextlib.contextmanager
def _worker(job: dict[str, Any]) -> Iterator[Any]:
    command = [sys.executable, "-m", __name__, json.dumps(job)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _answer(worker: Any) -> str:
    """The next line that is one of ours; empty at the end."""
    for line in worker.stdout:
        if line.startswith("> "):
            return line[2:].strip()
    return ""


def torch_call(
    form: str,
    preset: str,
    height: int,
    width: int,
    precision: str,
    train: bool,
) -> Callable[[], Any]:
    """A forward pass or a training step with Adam in PyTorch, batch 1.

    Args:
        form: of `FORMS`.
        preset: of `PRESETS`.
        height: of HR.
        width: of HR.
        precision: Keras policy; bfloat16 by PyTorch's autocast.
        train: a step instead of a forward pass.
    """
    import torch

    from crossnet_tf.evaluation import torch_network

    config = config_lib.model_config(preset, upsampler="bicubic")
    weights = torch_network.random_weights(config)
    lr_up, ref = torch.rand(2, 1, 3, height, width)
    if form == "channels_last":
        lr_up, ref = (_channels_last(image) for image in (lr_up, ref))
        weights = {n: _channels_last(w) for n, w in weights.items()}

    def network() -> Any:
        dtype = getattr(torch, _PRECISIONS[precision])
        with torch.autocast("cpu", dtype, enabled=precision != "float32"):
            sr = torch_network.super_resolve(config, weights, lr_up, ref)
        return sr.float()

    run = torch.compile(network) if form == "compiled" else network
    if not train:
        return torch.no_grad()(run)
    optimizer = torch.optim.Adam(weights.values(), 1e-6)

    def step() -> None:
        optimizer.zero_grad()
        torch.sqrt((run() - ref) ** 2 + 1e-6).sum().backward()
        optimizer.step()

    return step


def _channels_last(tensor: Any) -> Any:
    import torch

    if tensor.dim() != 4:
        return tensor
    moved = tensor.detach().contiguous(memory_format=torch.channels_last)
    return moved.requires_grad_(tensor.requires_grad)


def _serve(job: dict[str, Any]) -> None:
    """Computes once per line of stdin."""
    form = job.pop("form")
    if form == OURS:
        from crossnet_tf.evaluation import timing

        call = timing.network_call(**job)[0]
    else:
        call = torch_call(form, **job)
    call()
    print("> ready", flush=True)
    for _ in sys.stdin:
        began, busy = time.perf_counter(), time.process_time()
        call()
        passed = time.perf_counter() - began
        print(f"> {passed} {time.process_time() - busy}", flush=True)


if __name__ == "__main__":
    _serve(json.loads(sys.argv[1]))
