"""Sends a load of equal requests and measures the answers."""

import concurrent.futures
import dataclasses
import time
from collections import Counter
from collections.abc import Callable

import numpy as np

from .failures import RequestError

_PERCENTILES = (50, 90, 99)


@dataclasses.dataclass(frozen=True)
class Report:
    """What a load showed.

    Attributes:
        seconds: wall time of the whole load.
        latencies: of each good request, in seconds.
        errors: how often each message came.
    """

    seconds: float
    latencies: tuple[float, ...]
    errors: dict[str, int]

    def __str__(self) -> str:
        rate = len(self.latencies) / self.seconds
        lines = [f"{len(self.latencies)} answers, {rate:.2f} requests/s"]
        if self.latencies:
            values = np.percentile(self.latencies, _PERCENTILES)
            shown = [
                f"p{p} {value * 1000:.0f} ms"
                for p, value in zip(_PERCENTILES, values)
            ]
            shown.append(f"max {max(self.latencies) * 1000:.0f} ms")
            lines.append("latency " + ", ".join(shown))
        lines += [
            f"{count} failed: {text}" for text, count in self.errors.items()
        ]
        return "\n".join(lines)


def run(
    call: Callable[[], object],
    num_requests: int,
    concurrency: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Calls `call` many times from several threads.

    Args:
        call: sends one request and waits for its answer.
        num_requests: how often.
        concurrency: how many at a time.
        progress: called with the numbers of requests done and of all.
    """

    def timed(_: int) -> float:
        begin = time.perf_counter()
        call()
        return time.perf_counter() - begin

    latencies: list[float] = []
    errors: Counter[str] = Counter()
    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(concurrency) as pool:
        jobs = [pool.submit(timed, i) for i in range(num_requests)]
        done = concurrent.futures.as_completed(jobs)
        for number, job in enumerate(done, 1):
            try:
                latencies.append(job.result())
            except RequestError as error:
                errors[str(error)] += 1
            progress(number, num_requests)
    seconds = time.perf_counter() - begin
    return Report(seconds, tuple(latencies), dict(errors))
