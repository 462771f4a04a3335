r"""Times networks, training steps and the input pipeline on this machine.

    python -m crossnet_tf.benchmark
    python -m crossnet_tf.benchmark --presets=lite --sizes=512x512,1024x1024 \
        --precisions=float32,mixed_bfloat16 --output=benchmark.md

Seconds are medians of 5 after a warm-up, batch 1. GFLOP counts the
convolutions (three times as many in a training step); `share` is GFLOP/s
over the faster of a large matrix product and a large convolution, measured
in the same process. Memory is the peak of the row's own process. Other work
on the machine spoils the numbers.
"""

import json
import os
import pathlib
import platform
import re
import subprocess
import sys

import tqdm
from absl import flags

from crossnet_tf import atomic, cli, config

FLAGS = cli.define_flags()
PRESETS = flags.DEFINE_list(
    "presets", sorted(config.PRESETS), "Networks.", flag_values=FLAGS
)
SIZES = flags.DEFINE_list(
    "sizes", ["512x512"], "HR sizes of a forward pass.", flag_values=FLAGS
)
TRAIN_SIZES = flags.DEFINE_list(
    "train_sizes",
    ["320x512"],
    "HR sizes of a training step and of the input pipeline's crops.",
    flag_values=FLAGS,
)
PRECISIONS = flags.DEFINE_list(
    "precisions",
    ["float32", "mixed_bfloat16"],
    "Keras policies.",
    flag_values=FLAGS,
)
OUTPUT = flags.DEFINE_string(
    "output", None, "Markdown file to write as well.", flag_values=FLAGS
)


def main() -> None:
    """Measures what the flags say and prints the table."""
    rows = planned_rows()
    lines = [
        f"{machine()}",
        "",
        "| preset | what | size | precision | seconds | range | GFLOP "
        "| share | memory |",
        "| --- | --- | --- | --- | ---: | --- | ---: | ---: | ---: |",
    ]
    for row in tqdm.tqdm(rows, unit="row", desc="Measuring"):
        lines.append(table_row(row, _measured(row)))
    from crossnet_tf.evaluation import timing  # TensorFlow: the rows are done

    for size in TRAIN_SIZES.value:
        rate = timing.measure_pipeline(*_size(size))
        lines.append(
            f"{'' if lines[-1].startswith('Input') else chr(10)}"
            f"Input pipeline alone, {size}: {rate:.0f} crops per second."
        )
    text = "\n".join(lines)
    if OUTPUT.value:
        atomic.write(pathlib.Path(OUTPUT.value), f"{text}\n".encode())
    print(text)


def planned_rows() -> list[dict[str, object]]:
    """What the flags ask for, checked.

    Raises:
        ValueError: unknown preset or precision, or a size that is none.
    """
    for name, given, known in (
        ("presets", PRESETS.value, sorted(config.PRESETS)),
        ("precisions", PRECISIONS.value, list(config.PRECISIONS)),
    ):
        if not given or set(given) - set(known):
            raise ValueError(
                f"`{name}` must be some of {known}. Received: {name}={given}."
            )
    kinds = [(s, False) for s in SIZES.value]
    kinds += [(s, True) for s in TRAIN_SIZES.value]
    return [
        {
            "preset": preset,
            "height": _size(size)[0],
            "width": _size(size)[1],
            "precision": precision,
            "train": train,
        }
        for preset in PRESETS.value
        for size, train in kinds
        for precision in PRECISIONS.value
    ]


def table_row(row: dict[str, object], result: dict[str, float]) -> str:
    """One line of the table."""
    what = "training step" if row["train"] else "forward"
    return (
        f"| {row['preset']} | {what} | {row['height']}x{row['width']} "
        f"| {row['precision']} | {result['seconds']:.3f} "
        f"| {result['fastest']:.3f}-{result['slowest']:.3f} "
        f"| {result['gflop']:.0f} | {100 * result['share']:.0f} % "
        f"| {result['memory_gb']:.1f} GB |"
    )


def machine() -> str:
    """Processor, cores and matrix units of this machine, in one line."""
    name, extras = platform.processor() or platform.machine(), []
    info = pathlib.Path("/proc/cpuinfo")
    if info.is_file():
        text = info.read_text()
        found = re.search(r"model name\s*: (.*)", text)
        name = found.group(1) if found else name
        extras = [
            unit if re.search(rf"\b{flag}", text) else f"no {unit}"
            for unit, flag in (("AVX-512", "avx512"), ("AMX", "amx_"))
        ]
    cores = os.cpu_count()
    return f"{name}, {', '.join([f'{cores} cores', *extras])}."


def _measured(row: dict[str, object]) -> dict[str, float]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "crossnet_tf.evaluation.timing",
            json.dumps(row),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["killed"])[-1]
        raise ValueError(f"{row} cannot be measured here: {last}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if min(size) < 16 or any(side % 8 for side in size):
        raise ValueError(
            "Sizes must look like 320x512, height x width, in multiples of "
            f"8. Received: {text!r}."
        )
    return size


if __name__ == "__main__":
    cli.run(main, FLAGS)
