r"""Times networks, training steps and the input pipeline on this machine.

    python -m crossnet_tf.benchmark
    python -m crossnet_tf.benchmark --presets=lite --sizes=512x512,1024x1024 \
        --precisions=float32,mixed_bfloat16 --output=benchmark.md
    python -m crossnet_tf.benchmark --presets=official,paper --peers --layers

Seconds are medians of 5 after a warm-up, batch 1. GFLOP counts the
convolutions (three times as many in a training step); `share` is GFLOP/s
over the faster of a large matrix product and a large convolution, measured
in the same process. Memory is the peak of the row's own process. Other work
on the machine spoils the numbers.

`--peers` computes the same layers in PyTorch, plain, in channels_last and
compiled, in turn with ours: one call of each, then the next round; seconds
that passed, and those that processors were busy, threads that wait for work
in a loop included. `--layers`
lists the convolutions as oneDNN tells them.
"""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import tqdm
from absl import flags

from crossnet_tf import atomic, cli, config, processor

if TYPE_CHECKING:
    from crossnet_tf.evaluation import peers

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
RECOMPUTE = flags.DEFINE_bool(
    "recompute",
    False,
    "Training steps that compute parts again instead of keeping them.",
    flag_values=FLAGS,
)
PEERS = flags.DEFINE_bool(
    "peers",
    False,
    "Time the layers of `official` and `paper` in PyTorch as well, which "
    "must be installed (pip install torch).",
    flag_values=FLAGS,
)
ROUNDS = flags.DEFINE_integer(
    "rounds",
    3,
    "Calls of each program with --peers, in turn.",
    lower_bound=1,
    flag_values=FLAGS,
)
LAYERS = flags.DEFINE_bool(
    "layers",
    False,
    "List each convolution: milliseconds, GFLOP/s, share of the machine's "
    "convolution rate, oneDNN's implementation.",
    flag_values=FLAGS,
)
OUTPUT = flags.DEFINE_string(
    "output", None, "Markdown file to write as well.", flag_values=FLAGS
)


def main() -> None:
    """Measures what the flags say; prints, and writes, each line when known."""
    rows = planned_rows()
    lines = []
    for line in _lines(rows):
        lines.append(line)
        print(line, flush=True)
        if OUTPUT.value:
            text = "\n".join([*lines, ""])
            atomic.write(pathlib.Path(OUTPUT.value), text.encode())


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield from [f"{processor.describe()}.", *_advice(), ""]
    yield from _measured_rows(rows)
    if PEERS.value:
        yield ""
        yield from _peer_rows(rows)
    if LAYERS.value:
        yield from _layer_rows(rows)
    from crossnet_tf.evaluation import timing  # TensorFlow: the rows are done

    yield ""
    for size in TRAIN_SIZES.value:
        rate = timing.measure_pipeline(*_size(size))
        yield f"Input pipeline alone, {size}: {rate:.0f} crops per second."


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
    if PEERS.value:
        from crossnet_tf.evaluation import peers

        peers.check()
    kinds = [(s, False) for s in SIZES.value]
    kinds += [(s, True) for s in TRAIN_SIZES.value]
    return [
        {
            "preset": preset,
            "height": _size(size)[0],
            "width": _size(size)[1],
            "precision": precision,
            "train": train,
            "recompute": train and RECOMPUTE.value,
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


def peer_rows(
    row: dict[str, Any],
    seconds: dict[str, list["peers.Seconds"]],
    failed: dict[str, str],
) -> list[str]:
    """Lines of one network, ours first, and what it takes of the fastest."""
    medians = {
        form: [statistics.median(kind) for kind in zip(*calls, strict=True)]
        for form, calls in seconds.items()
    }
    what = "training step" if row["train"] else "forward"
    name = (
        f"| {row['preset']} | {what} | {row['height']}x{row['width']} "
        f"| {row['precision']} |"
    )
    ours, *others = medians
    fastest = [min(kind) for kind in zip(*(medians[form] for form in others))]
    lines = []
    for form, (passed, busy) in medians.items():
        ratio = ""
        if form == ours and fastest:
            ratio = (
                f"{passed / fastest[0]:.2f}, {busy / fastest[1]:.2f} "
                "of the fastest"
            )
        spread = [call.passed for call in seconds[form]]
        lines.append(
            f"{name} {form if form == ours else _torch(form)} "
            f"| {passed:.3f} | {min(spread):.3f}-{max(spread):.3f} "
            f"| {busy:.3f} | {ratio} |"
        )
    return lines + [
        f"{name} {_torch(form)} | | | | {reason[:80]} |"
        for form, reason in failed.items()
    ]


def _torch(form: str) -> str:
    return f"PyTorch, {form}"


def _advice() -> list[str]:
    advice = {processor.advice(precision) for precision in PRECISIONS.value}
    return sorted(advice - {""})


def _measured_rows(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield from [
        "| preset | what | size | precision | seconds | range | GFLOP "
        "| share | memory |",
        "| --- | --- | --- | --- | ---: | --- | ---: | ---: | ---: |",
    ]
    for row in tqdm.tqdm(rows, unit="row", desc="Measuring"):
        yield table_row(row, _measured(row))


def _peer_rows(rows: list[dict[str, Any]]) -> Iterator[str]:
    from crossnet_tf.evaluation import peers

    yield from [
        f"In turn, {ROUNDS.value} rounds:",
        "",
        "| preset | what | size | precision | program | seconds | range "
        "| processor seconds | ratio |",
        "| --- | --- | --- | --- | --- | ---: | --- | ---: | --- |",
    ]
    compared = [row for row in rows if row["preset"] in peers.PRESETS]
    for row in tqdm.tqdm(compared, unit="row", desc="Comparing"):
        job = {n: v for n, v in row.items() if n != "recompute"}
        yield from peer_rows(row, *peers.measure(job, ROUNDS.value))


def _layer_rows(rows: list[dict[str, Any]]) -> Iterator[str]:
    from crossnet_tf.evaluation import layers

    for row in tqdm.tqdm(rows, unit="row", desc="Layers"):
        found = layers.parse(_output(row, layers.ENVIRONMENT).splitlines())
        what = "training step" if row["train"] else "forward"
        yield from [
            "",
            f"{row['preset']}, {what}, {row['height']}x{row['width']}, "
            f"{row['precision']}; oneDNN's convolutions, of which a share of "
            f"100 % is {layers.probe_rate(found):.0f} GFLOP/s:",
            "",
            *layers.table(found, layers.CALLS),
        ]


def _measured(row: dict[str, Any]) -> dict[str, float]:
    return json.loads(_output(row, {}).strip().splitlines()[-1])


def _output(row: dict[str, Any], environment: dict[str, str]) -> str:
    """What the row's own process prints."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "crossnet_tf.evaluation.row",
            json.dumps(row),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["killed"])[-1]
        raise ValueError(f"{row} cannot be measured here: {last}")
    return done.stdout


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
