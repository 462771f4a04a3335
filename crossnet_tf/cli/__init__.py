"""Command lines: flags made from the settings, help, how a command ends.

May import `config` alone. Nothing here imports TensorFlow, so that `--help`
and wrong flags answer at once.
"""

from crossnet_tf.cli.command import (
    config_from_flags,
    define_alias,
    define_flags,
    run,
)
from crossnet_tf.cli.upscaling import define_upscaling

__all__ = [
    "config_from_flags",
    "define_alias",
    "define_flags",
    "define_upscaling",
    "run",
]
