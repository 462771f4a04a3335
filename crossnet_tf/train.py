r"""Trains CrossNet, or goes on with a run that was stopped.

    python -m crossnet_tf.train --flagfile=flags/quickstart.cfg \
        --run_dir=runs/quickstart

The run directory gets the settings (config.json), checkpoints, the weights
that did best on held-out pairs, and files for `tensorboard --logdir=RUN_DIR`.
The same command goes on where a stopped run was (Ctrl-C and SIGTERM write a
checkpoint first); with a larger --num_steps it goes on with a finished one.
Flags after --flagfile override the file's:

    python -m crossnet_tf.train --flagfile=flags/flower.cfg \
        --batch_size=4 --data_dir=/data/tfds --run_dir=runs/flower

All visible GPUs are used, or the CPU; several machines if TF_CONFIG names
them: then run the same command on each. They train as one, and when one of
them ends all others do, with a line that says which; started again they go
on. --grad_accumulation takes a batch in parts where memory is short.
Exit codes: 0 done, 1 a mistake (one line says which), 2 wrong flags, 130
Ctrl-C, 143 SIGTERM.
"""

import sys

from absl import flags

from crossnet_tf import cli, footprint

FLAGS = cli.define_flags("model", "data", "train", "eval")
RUN_DIR = flags.DEFINE_string(
    "run_dir",
    None,
    "Directory of the run, new or to go on with.",
    required=True,
    flag_values=FLAGS,
)


def main() -> None:
    """Trains as the flags say."""
    config = cli.config_from_flags(FLAGS)
    if config.train.recompute:
        footprint.return_freed()
    from crossnet_tf.training import (
        loop,  # TensorFlow: once the flags are right
    )

    result = loop.train(config, RUN_DIR.value)
    if result.signal:
        print(f"Stopped at step {result.step}; the same command goes on.")
        sys.exit(128 + result.signal)


if __name__ == "__main__":
    cli.run(main, FLAGS)
