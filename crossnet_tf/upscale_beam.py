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

from crossnet_tf import cli, config

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
SKIP_EXISTING = flags.DEFINE_bool(
    "skip_existing", False, "Leave existing outputs.", flag_values=FLAGS
)
SCALE = flags.DEFINE_float(
    "scale",
    0.0,
    "Output size / LR size, by resizing after the network; 0: the network's.",
    lower_bound=0.0,
    flag_values=FLAGS,
)
ALIGN = flags.DEFINE_enum(
    "align",
    "auto",
    ["auto", "none"],
    "Lay REF over LR, whatever its size, zoom and turn; none: REF fits.",
    flag_values=FLAGS,
)
MATCH = flags.DEFINE_enum(
    "match",
    "auto",
    ["auto", "none"],
    "Match tone, colour, noise and blur of the cameras, where it helps.",
    flag_values=FLAGS,
)
MAX_SIDE = flags.DEFINE_integer(
    "max_side",
    config.MAX_SIDE,
    "Side in HR pixels of the largest input computed at once; larger "
    "pictures are done in tiles. 0: never tile.",
    lower_bound=0,
    flag_values=FLAGS,
)
MARGIN = flags.DEFINE_integer(
    "margin",
    config.MARGIN,
    "HR pixels that a tile looks beyond its edges.",
    lower_bound=0,
    flag_values=FLAGS,
)
MAX_PIXELS = flags.DEFINE_integer(
    "max_pixels",
    config.MAX_PIXELS,
    "Refuse pictures with more pixels.",
    lower_bound=1,
    flag_values=FLAGS,
)
PRECISION = flags.DEFINE_enum(
    "precision",
    config.PRECISIONS[0],
    config.PRECISIONS,
    "Keras precision policy to compute with.",
    flag_values=FLAGS,
)
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
    options = Options(
        precision=PRECISION.value,
        max_side=MAX_SIDE.value,
        margin=MARGIN.value,
        max_pixels=MAX_PIXELS.value,
        skip_existing=SKIP_EXISTING.value,
        scale=SCALE.value,
        align=ALIGN.value,
        match=MATCH.value,
    )
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
