r"""Shows a local page to try pairs of pictures on.

    python -m crossnet_tf.demo_app
    python -m crossnet_tf.demo_app --weights=runs/quickstart --port=8000

Drop a small picture and a sharp one of nearly the same view, and look at the
result under a slider; two pairs to begin with are there. The page answers on
this machine only, loads nothing from elsewhere and keeps nothing once it is
closed. It needs crossnet_tf[cpu,demo].
"""

import pathlib
import tempfile

from absl import flags

from crossnet_tf import cli, config

FLAGS = cli.define_flags()
WEIGHTS = flags.DEFINE_list(
    "weights",
    "crossnet-lite-x4,crossnet-lite-x8",
    "Run directory, folder of weights, name of shipped weights, or "
    "SYSTEM-xSCALE; several of different scales, with commas between.",
    flag_values=FLAGS,
)
PORT = flags.DEFINE_integer(
    "port",
    7860,
    "Port to listen on.",
    lower_bound=1,
    upper_bound=65535,
    flag_values=FLAGS,
)
HOST = flags.DEFINE_string(
    "host",
    "127.0.0.1",
    "Address to listen on; 0.0.0.0 lets others in, without a password.",
    flag_values=FLAGS,
)
MAX_MEGABYTES = flags.DEFINE_integer(
    "max_megabytes",
    64,
    "Refuse larger files.",
    lower_bound=1,
    flag_values=FLAGS,
)
MAX_PIXELS = flags.DEFINE_integer(
    "max_pixels",
    config.MAX_PIXELS,
    "Refuse pictures with more pixels.",
    lower_bound=1,
    flag_values=FLAGS,
)


def main() -> None:
    """Shows the page until Ctrl-C."""
    from crossnet_tf.app import page
    from crossnet_tf.app.session import Session
    from crossnet_tf.upscaling.options import Options

    with tempfile.TemporaryDirectory(prefix="crossnet_demo_") as name:
        folder = pathlib.Path(name)
        options = Options(max_pixels=MAX_PIXELS.value)
        session = Session(WEIGHTS.value, options, folder)
        page.serve(session, folder, HOST.value, PORT.value, MAX_MEGABYTES.value)


if __name__ == "__main__":
    cli.run(main, FLAGS)
