r"""Makes a page that super-resolves in the browser, without any install.

    python -m export.web_page --onnx=models/crossnet.onnx \
        --runtime_dir=node_modules/onnxruntime-web --output_dir=build/web-demo
    python3 -m http.server --directory build/web-demo 8000

`make web-demo` does all of it, from the weights to the page. The folder works
from any static server; at run time the page loads nothing but its own files,
and pictures stay in the browser.
"""

from absl import flags

from crossnet_tf import cli

FLAGS = cli.define_flags()
ONNX = flags.DEFINE_string(
    "onnx",
    None,
    "What export.onnx has written, for any size.",
    required=True,
    flag_values=FLAGS,
)
RUNTIME_DIR = flags.DEFINE_string(
    "runtime_dir",
    None,
    "Folder of the npm package onnxruntime-web.",
    required=True,
    flag_values=FLAGS,
)
OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    None,
    "Folder to write; an earlier page there is replaced.",
    required=True,
    flag_values=FLAGS,
)
NAME = flags.DEFINE_string(
    "name", "crossnet", "Of the network, for the page.", flag_values=FLAGS
)


def main() -> None:
    """Makes the folder as the flags say."""
    from .web import building  # ONNX

    building.build(ONNX.value, RUNTIME_DIR.value, OUTPUT_DIR.value, NAME.value)
    print(
        f"Written: {OUTPUT_DIR.value}. Look at it by\n"
        f"  python3 -m http.server --directory {OUTPUT_DIR.value} 8000\n"
        "and http://localhost:8000/"
    )


if __name__ == "__main__":
    cli.run(main, FLAGS)
