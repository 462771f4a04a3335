"""The program `crossnet`: every command under one name.

    crossnet upscale --weights=crossnet-lite-x4 --lr=small.png ...
    crossnet export tflite --saved_model_dir=models/1 --output=a.tflite
    crossnet upscale --help

`crossnet train` is `python -m crossnet_tf.train`, and so on: the same flags,
the same exit codes, and `python -m crossnet_tf` is `crossnet`. A command's
module is imported when it is called.
"""

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from crossnet_tf.cli.command import run

COMMANDS = {
    "upscale": ("crossnet_tf.upscale", "Super-resolve pictures or a video."),
    "upscale_beam": (
        "crossnet_tf.upscale_beam",
        "Super-resolve a table of pairs on many machines.",
    ),
    "demo": ("crossnet_tf.demo", "Super-resolve a pair that is installed."),
    "demo_app": ("crossnet_tf.demo_app", "Show a local page to try pairs on."),
    "train": ("crossnet_tf.train", "Train a network, or go on with a run."),
    "evaluate": ("crossnet_tf.evaluate", "Measure a run, compare systems."),
    "benchmark": ("crossnet_tf.benchmark", "Time networks and their input."),
    "convert": ("crossnet_tf.convert", "Make weights of a PyTorch checkpoint."),
    "export saved_model": (
        "crossnet_tf.export.saved_model",
        "Export for TensorFlow Serving or C++.",
    ),
    "export tflite": ("crossnet_tf.export.tflite", "Convert to TF-Lite."),
    "export onnx": ("crossnet_tf.export.onnx", "Convert to ONNX."),
    "export web_page": (
        "crossnet_tf.export.web_page",
        "Make a page that runs in the browser.",
    ),
    "client": ("crossnet_tf.export.client", "Super-resolve by a server."),
    "data build": (
        "crossnet_tf.data.build",
        "Prepare a data set from your files.",
    ),
    "data_service": (
        "crossnet_tf.data_service",
        "Decode crops for trainings on other machines.",
    ),
    "data cut_pairs": (
        "crossnet_tf.data.cut_pairs",
        "Cut training pairs from photographs.",
    ),
    "data inspect": ("crossnet_tf.data.inspect", "Look into a data set."),
}
"""Names as they are typed, the modules behind them, what they do."""
_EXTRAS = {
    "tensorflow": "cpu",
    "keras": "cpu",
    "tensorflow_datasets": "train",
    "skimage": "train",
    "scipy": "train",
    "tensorboard": "train",
    "ai_edge_litert": "export",
    "onnx": "export",
    "onnxruntime": "export",
    "tf2onnx": "export",
    "apache_beam": "beam",
    "gradio": "demo",
    "cv2": "opencv",
    "av": "video",
}


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Runs the command that the first words name, and exits.

    Args:
        argv: program name and arguments; those of the process if None.
    """
    words = list(sys.argv if argv is None else argv)[1:]
    if not words or words[0] in ("--help", "-h", "-help", "help"):
        _print_help()
    if words[0] == "--version":
        from crossnet_tf import __version__

        print(f"crossnet_tf {__version__}")
        sys.exit(0)
    name, rest = _split(words)
    if name not in COMMANDS:
        print(f"Error: {_unknown(name)}", file=sys.stderr)
        sys.exit(2)
    try:
        module = importlib.import_module(COMMANDS[name][0])
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        print(
            f"Error: `crossnet {name}` needs {error.name}: "
            f"pip install 'crossnet_tf[{extra}]'",
            file=sys.stderr,
        )
        sys.exit(1)
    run(module.main, module.FLAGS, [f"crossnet {name}", *rest])


def _print_help() -> NoReturn:
    """Prints, also to a pager that is closed before the end."""
    try:
        print(help_text(), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def help_text() -> str:
    """What `crossnet --help` prints."""
    width = max(map(len, COMMANDS))
    lines = [
        f"  {name:{width}}  {about}" for name, (_, about) in COMMANDS.items()
    ]
    return "\n".join(
        [
            "Reference-based super-resolution.",
            "",
            "  crossnet COMMAND [--flag=value ...]",
            "  crossnet COMMAND --help",
            "",
            *lines,
            "",
            "To begin with:",
            "  crossnet demo --output_dir=demo",
            "  crossnet upscale --weights=crossnet-lite-x4 --lr=small.png "
            "--ref=sharp.png --output=large.png",
        ]
    )


def _split(words: list[str]) -> tuple[str, list[str]]:
    """The command's name, of one word or two, and its arguments."""
    two = " ".join(words[:2])
    if two in COMMANDS or not _kinds(words[0]):
        size = 2 if two in COMMANDS else 1
        return " ".join(words[:size]), words[size:]
    if len(words) == 1 or words[1].startswith("-"):
        return words[0], words[1:]
    return two, words[2:]


def _kinds(word: str) -> list[str]:
    """Commands of two words that begin with this one."""
    return [name for name in COMMANDS if name.startswith(f"{word} ")]


def _unknown(name: str) -> str:
    kinds = _kinds(name)
    if kinds:
        return f"`crossnet {name}` needs a kind: {', '.join(kinds)}."
    near = difflib.get_close_matches(name, COMMANDS, 1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return f"`{name}` is no command.{hint} `crossnet --help` lists them all."


if __name__ == "__main__":
    main()
