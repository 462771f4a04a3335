r"""Measures networks on held-out pairs, against bicubic upscaling.

    python -m crossnet_tf.evaluate --weights=runs/quickstart \
        --report_dir=reports/quickstart

The network comes from the run; data and protocol too, unless flags say
otherwise. The folder gets `report.md` (tables and how they were made),
`per_image.csv`, plots, and `index.html`, a page with crops side by side:

    python -m crossnet_tf.evaluate --weights=runs/quickstart \
        --eval_dataset=motorcycle --report_dir=reports/motorcycle

Several systems are compared in the paper's layout, beside the published
values:

    python -m crossnet_tf.evaluate --dataset=synthetic_lf --views=1,7 \
        --report_dir=reports/all \
        --weights=patchmatch,runs/vdsr,CrossNet=runs/lfvideo_x4

The paper's claims in one table, with every system that has a run of the name
SYSTEM_xSCALE in a folder (flags/claims.cfg trains them):

    python -m crossnet_tf.evaluate --weights=claims:runs/claims \
        --dataset=synthetic_lf --views=1,7 --scales=4,8 --report_dir=reports/all

Each is a run directory, a folder of weights, a shipped name, a system without
weights (`bicubic`, `patchmatch-x8`), with a label before it if one is wanted.
A run takes part at its own scale (srcnn, vdsr and mdsr at all). The same
command goes on with a comparison that was cut off.

Outputs are rounded to 8 bits, PSNR is over RGB, SSIM and IFC on grey, no
border is left out. SSIM is the usual one; --protocol=paper measures it as the
paper's tables. A pair that cannot be used is named, the others go on, and the
command ends with 1.
"""

import sys

from absl import flags

from crossnet_tf import cli, processor, terminal

FLAGS = cli.define_flags(
    "data.data_dir", "train.precision", "eval", defaults="the run's"
)
WEIGHTS = flags.DEFINE_list(
    "weights",
    None,
    "What to measure; one or more, separated by commas. `claims:PATH`: all "
    "systems that there are, with their runs in PATH.",
    required=True,
    flag_values=FLAGS,
)
REPORT_DIR = flags.DEFINE_string(
    "report_dir",
    None,
    "Folder for the report.",
    required=True,
    flag_values=FLAGS,
)
DATASETS = flags.DEFINE_list(
    "dataset",
    None,
    "Data to evaluate on; of several, separated by commas, a table for each.",
    flag_values=FLAGS,
)
SCALES = flags.DEFINE_list(
    "scales",
    None,
    "Scales to compare at; those of the weights if none are given.",
    flag_values=FLAGS,
)
NUM_PICTURES = flags.DEFINE_integer(
    "num_pictures",
    1,
    "Pairs per data set, scale and view that the page shows.",
    lower_bound=0,
    flag_values=FLAGS,
)
cli.define_alias("run_dir", "weights", FLAGS)
cli.define_alias("methods", "weights", FLAGS)
cli.define_alias("views", "lr_views", FLAGS)


def main() -> None:
    """Evaluates as the flags say."""
    cli.config_from_flags(FLAGS)  # Wrong ones end here, before TensorFlow.
    scales = _scales()
    from crossnet_tf.evaluation import compare, methods  # TensorFlow
    from crossnet_tf.storage import runs

    chosen = _chosen(scales or [4])
    alone = len(chosen) == 1 and chosen[0].source
    saved = runs.config_of(chosen[0].source) if alone else None
    config = cli.config_from_flags(FLAGS, base=saved)
    if advice := processor.advice(config.train.precision):
        print(advice, file=sys.stderr)
    if not FLAGS["methods"].present:  # There, rows are what was asked for.
        chosen = methods.with_bicubic(chosen)
    report = compare.report(
        config,
        chosen,
        DATASETS.value or [config.eval.eval_dataset or config.data.dataset],
        scales or methods.scales_of(chosen),
        REPORT_DIR.value,
        NUM_PICTURES.value,
    )
    terminal.tell(
        f"{report.table}\nWritten: {report.markdown} and {report.page.name}"
    )
    for problem in report.problems:
        terminal.complain(problem)
    if report.problems:
        sys.exit(1)


def _chosen(scales: list[int]) -> list:
    """What `--weights` names."""
    from crossnet_tf.evaluation import claims, methods

    names = WEIGHTS.value
    if len(names) != 1 or not names[0].startswith(claims.PREFIX):
        return methods.find_methods(names)
    folder = names[0].removeprefix(claims.PREFIX)
    found, missing = claims.find_claims(folder, scales)
    print(*missing, sep="\n", file=sys.stderr)
    return found


def _scales() -> list[int]:
    try:
        return [int(scale) for scale in SCALES.value or []]
    except ValueError as error:
        raise flags.Error(f"`--scales` must be numbers: {error}.") from error


if __name__ == "__main__":
    cli.run(main, FLAGS)
