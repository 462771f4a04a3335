"""How a command ends: the exit code, and one line for a user's mistake.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | bad input, missing file or package, full disk, loss not finite |
| 2 | wrong flags |
| 130 | Ctrl-C |

Anything else that is raised is an error of this program and keeps its
traceback. Nothing here imports TensorFlow: its errors are known by name.
"""

import re
import sys
import traceback
from collections.abc import Callable

from absl import flags

from crossnet_tf.terminal import printable

MISTAKE = 1
WRONG_FLAGS = 2
INTERRUPTED = 130

_MISTAKES = (ValueError, OSError, FloatingPointError, MemoryError)
_TENSORFLOW_MISTAKES = (
    "DataLossError",
    "InvalidArgumentError",
    "NotFoundError",
    "PermissionDeniedError",
    "ResourceExhaustedError",
)
# What a smaller installation lacks, and the extra that has it.
_EXTRAS = {
    "ai_edge_litert": "export",
    "apache_beam": "beam",
    "av": "data",
    "cv2": "opencv",
    "gradio": "demo",
    "importlib_resources": "train",
    "jinja2": "train",
    "keras": "cpu",
    "markupsafe": "train",
    "matplotlib": "train",
    "mlcroissant": "data",
    "onnx": "export",
    "onnxruntime": "export",
    "pillow_heif": "heic",
    "safetensors": "cpu",
    "scipy": "train",
    "skimage": "train",
    "sklearn": "data",
    "tensorboard": "train",
    "tensorflow": "cpu",
    "tensorflow_datasets": "train",
    "tf2onnx": "export",
}


def exit_code(call: Callable[[], None], debug: Callable[[], bool]) -> int:
    """Calls `call` and tells the exit code that it deserves.

    Args:
        call: the command; its `SystemExit` passes through.
        debug: asked after an error; True: print the traceback as well.

    Returns:
        The exit code; if it is not 0, one line stands on stderr.
    """
    try:
        call()
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if debug():
            traceback.print_exception(error)
        elif not is_mistake(error):
            raise
        print(f"Error: {one_line(error)}", file=sys.stderr)
        return WRONG_FLAGS if isinstance(error, flags.Error) else MISTAKE
    return 0


def is_mistake(error: Exception) -> bool:
    """True for errors that a user can cause, False for our own."""
    return (
        isinstance(error, (flags.Error, *_MISTAKES))
        or type(error).__name__ in _TENSORFLOW_MISTAKES
        or _missing_extra(error) is not None
    )


def _missing_extra(error: Exception) -> str | None:
    """The extra that has the package whose import failed, if one has."""
    if not isinstance(error, ModuleNotFoundError):
        return None
    return _EXTRAS.get((error.name or "").partition(".")[0])


def one_line(error: Exception) -> str:
    """The error's message without line breaks; its type if it has none."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return printable(f"{error.strerror}: {error.filename}")
    extra = _missing_extra(error)
    if isinstance(error, ModuleNotFoundError) and extra:
        return (
            f"This needs the package `{error.name}`, which is not installed: "
            f"pip install 'crossnet_tf[{extra}]'"
        )
    text = str(error).strip()
    if type(error).__name__ in _TENSORFLOW_MISTAKES:
        text = _without_nodes(text)
    return printable(" ".join(text.split())) or type(error).__name__


def _without_nodes(text: str) -> str:
    """What happened, of a message that also says where in the graph."""
    before, is_graph, _ = text.partition("[[{{node")
    lines = [line for line in before.splitlines() if line.strip()] or [text]
    line = lines[-1] if is_graph else lines[0]
    return re.sub(r"\{\{.*?\}\} ?", "", line)
