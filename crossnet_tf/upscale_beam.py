r"""Super-resolves the pairs of a table on Apache Beam, on many machines.

    python -m crossnet_tf.upscale_beam --weights=crossnet-lite-x4 \
        --manifest=pairs.csv --skip_existing

The table is CSV with the columns lr, ref and output, or JSON lines with these
keys; paths count from its folder; without ref the upsampler works alone. Each
pair gives the picture that `upscale` makes of it, to the bit. What fails is
listed with the reason in --failures, a table itself, and the exit code is 1.
The same command with --skip_existing goes on where a stopped one was; no
picture is ever there by half.

Without more the work is done on this machine. Other runners, and more
processes, by Beam's own options, in one text:

    python -m crossnet_tf.upscale_beam --weights=NAME --manifest=pairs.csv \
        --pipeline_options='--direct_num_workers=4
            --direct_running_mode=multi_processing'
    python -m crossnet_tf.upscale_beam --weights=NAME --manifest=pairs.csv \
        --pipeline_options='--runner=FlinkRunner --flink_master=HOST:8081'

Every worker needs crossnet_tf[beam,cpu], opens pictures and weights by the
same paths, and loads the network once.
"""

import pathlib
import shlex
import sys

from absl import flags

from crossnet_tf import cli

FLAGS = cli.define_flags()
WEIGHTS = flags.DEFINE_string(
    "weights",
    None,
    "Run directory, folder of weights, name of shipped weights, or "
    "SYSTEM-xSCALE.",
    required=True,
    flag_values=FLAGS,
)
MANIFEST = flags.DEFINE_string(
    "manifest",
    None,
    "Table of pairs: .csv, or JSON lines in .jsonl or .ndjson.",
    required=True,
    flag_values=FLAGS,
)
FAILURES = flags.DEFINE_string(
    "failures",
    "",
    "JSON lines to write: what was not done, and why. Empty: beside the "
    "manifest, NAME.failures.jsonl.",
    flag_values=FLAGS,
)
HOW = cli.define_upscaling(FLAGS)
PIPELINE_OPTIONS = flags.DEFINE_string(
    "pipeline_options",
    "",
    "Apache Beam's own options, in one text. Empty: this machine.",
    flag_values=FLAGS,
)


def main() -> None:
    """Upscales as the flags say."""
    from crossnet_tf.upscaling.beam_pipeline import upscale_manifest
    from crossnet_tf.upscaling.options import Options

    manifest = pathlib.Path(MANIFEST.value).expanduser()
    failures = FAILURES.value or manifest.with_suffix(".failures.jsonl")
    options = Options(**{name: flag.value for name, flag in HOW.items()})
    arguments = shlex.split(PIPELINE_OPTIONS.value)
    counts = upscale_manifest(
        WEIGHTS.value, manifest, failures, options, arguments
    )
    text = f"{counts['done']} written"
    if counts["skipped"]:
        text += f", {counts['skipped']} there already"
    if not counts["failed"]:
        print(f"{text}.")
        return
    print(f"{text}, {counts['failed']} not done.")
    print(f"Error: see {failures} for what was not done.", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    cli.run(main, FLAGS)
