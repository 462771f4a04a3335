r"""Measures a trained network on held-out pairs, against bicubic upscaling.

    python -m crossnet_tf.evaluate --run_dir=runs/quickstart \
        --report_dir=reports/quickstart

PSNR and SSIM are those of the paper's tables: outputs rounded to 8 bits, PSNR
over RGB, SSIM on grey, no border left out. The folder gets `report.md` (a
table and how it was made) and `per_image.csv`. The network comes from the
run; data and protocol too, unless flags say otherwise:

    python -m crossnet_tf.evaluate --run_dir=runs/quickstart \
        --eval_dataset=motorcycle --report_dir=reports/motorcycle

With --methods it compares several systems in the paper's layout, beside the
published values; `index.html` has crops of all of them side by side:

    python -m crossnet_tf.evaluate --dataset=synthetic_lf --views=1,7 \
        --scales=4,8 --report_dir=reports/all \
        --methods=bicubic,patchmatch,runs/vdsr,CrossNet=runs/lfvideo_x4

The paper's claims in one table, with every system that has a run of the name
SYSTEM_xSCALE in a folder (flags/claims.cfg trains them):

    python -m crossnet_tf.evaluate --methods=claims:runs/claims \
        --dataset=synthetic_lf --views=1,7 --scales=4,8 --report_dir=reports/all

A method is `bicubic` or `patchmatch`, or a run, with a label before it if one
is wanted. A run takes part at its own scale (srcnn, vdsr and mdsr at all). The
same command goes on with a comparison that was cut off.
"""

import sys

from absl import flags

from crossnet_tf import cli

FLAGS = cli.define_flags(
    "data.data_dir", "train.precision", "eval", defaults="the run's"
)
RUN_DIR = flags.DEFINE_string(
    "run_dir",
    None,
    "Run directory, folder of weights, or name of shipped weights.",
    flag_values=FLAGS,
)
REPORT_DIR = flags.DEFINE_string(
    "report_dir",
    None,
    "Folder for report.md and per_image.csv.",
    required=True,
    flag_values=FLAGS,
)
METHODS = flags.DEFINE_list(
    "methods",
    None,
    "Systems to compare, instead of --run_dir; `claims:PATH`: all there are, "
    "with their runs in PATH.",
    flag_values=FLAGS,
)
DATASETS = flags.DEFINE_list(
    "dataset",
    None,
    "Data to evaluate on; with --methods several, separated by commas, a table "
    "for each.",
    flag_values=FLAGS,
)
SCALES = flags.DEFINE_list(
    "scales", ["4"], "Scales to compare at.", flag_values=FLAGS
)
flags.DEFINE_alias("views", "lr_views", flag_values=FLAGS)
NUM_PICTURES = flags.DEFINE_integer(
    "num_pictures",
    1,
    "Pairs per data set, scale and view that the page shows.",
    lower_bound=0,
    flag_values=FLAGS,
)


def main() -> None:
    """Evaluates as the flags say."""
    if bool(METHODS.value) == bool(RUN_DIR.value):
        raise flags.Error("Give `--run_dir` or `--methods`; see --help.")
    if METHODS.value:
        _compare()
    else:
        if DATASETS.value:
            FLAGS.eval_dataset = ",".join(DATASETS.value)
        _evaluate()


def _compare() -> None:
    config = cli.config_from_flags(FLAGS)
    try:
        scales = [int(scale) for scale in SCALES.value]
    except ValueError as error:
        raise flags.Error(f"`--scales` must be numbers: {error}.") from error
    from crossnet_tf.evaluation import (  # TensorFlow: flags are right
        claims,
        compare,
        methods,
    )

    names = METHODS.value
    if len(names) == 1 and names[0].startswith(claims.PREFIX):
        folder = names[0].removeprefix(claims.PREFIX)
        found, missing = claims.find_claims(folder, scales)
        print(*missing, sep="\n", file=sys.stderr)
    else:
        found = methods.find_methods(names)
    table, path = compare.report(
        config,
        found,
        DATASETS.value or [config.eval.eval_dataset or config.data.dataset],
        scales,
        REPORT_DIR.value,
        NUM_PICTURES.value,
    )
    print(f"{table}\nWritten: {path}")


def _evaluate() -> None:
    from crossnet_tf.evaluation import measure  # TensorFlow: flags are right
    from crossnet_tf.storage import runs

    source = RUN_DIR.value
    saved = runs.config_of(source)
    config = cli.config_from_flags(FLAGS, base=saved)
    rows = measure.evaluate(config, source)
    report = measure.write_report(rows, config, source, REPORT_DIR.value)
    print(f"{measure.table(rows)}\n\nWritten: {report}")


if __name__ == "__main__":
    cli.run(main, FLAGS)
