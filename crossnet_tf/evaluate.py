r"""Measures a trained network on held-out pairs, against bicubic upscaling.

    python -m crossnet_tf.evaluate --run_dir=runs/quickstart \
        --report_dir=reports/quickstart

PSNR and SSIM are those of the paper's tables: outputs rounded to 8 bits, PSNR
over RGB, SSIM on grey, no border left out. The folder gets `report.md` (a
table and how it was made) and `per_image.csv`. The network comes from the
run; data and protocol too, unless flags say otherwise:

    python -m crossnet_tf.evaluate --run_dir=runs/quickstart \
        --eval_dataset=motorcycle --report_dir=reports/motorcycle
"""

from absl import flags

from crossnet_tf import cli

FLAGS = cli.define_flags(
    "data.data_dir", "train.precision", "eval", defaults="the run's"
)
RUN_DIR = flags.DEFINE_string(
    "run_dir",
    None,
    "Run directory, folder of weights, or name of shipped weights.",
    required=True,
    flag_values=FLAGS,
)
REPORT_DIR = flags.DEFINE_string(
    "report_dir",
    None,
    "Folder for report.md and per_image.csv.",
    required=True,
    flag_values=FLAGS,
)


def main() -> None:
    """Evaluates as the flags say."""
    from crossnet_tf import evaluation, runs  # TensorFlow: flags are right

    source = RUN_DIR.value
    saved = runs.load_config(runs.find(source))
    config = cli.config_from_flags(FLAGS, base=saved)
    rows = evaluation.evaluate(config, source)
    report = evaluation.write_report(rows, config, source, REPORT_DIR.value)
    print(f"{evaluation.table(rows)}\n\nWritten: {report}")


if __name__ == "__main__":
    cli.run(main, FLAGS)
