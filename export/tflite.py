r"""Converts an exported SavedModel to TF-Lite files for phones.

    python -m export.tflite --saved_model_dir=models/crossnet/1 \
        --output=models/crossnet.tflite --kind=float16

Each file runs with builtin operations alone (`pip install ai-edge-litert`),
takes `lr` and `ref` in [0, 1] and gives `sr`. Without --height and --width the
program that runs it resizes the inputs; with them the file is for this size of
LR only. A file whose pictures differ too much from the SavedModel's is not
written.
"""

from absl import flags

from crossnet_tf import cli

_KINDS = ("float32", "float16", "dynamic", "int8")

FLAGS = cli.define_flags()
SAVED_MODEL_DIR = flags.DEFINE_string(
    "saved_model_dir",
    None,
    "What export.saved_model has written.",
    required=True,
    flag_values=FLAGS,
)
OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "File to write, ends in .tflite.",
    required=True,
    flag_values=FLAGS,
)
KIND = flags.DEFINE_enum(
    "kind", "float32", _KINDS, "How numbers are stored.", flag_values=FLAGS
)
HEIGHT = flags.DEFINE_integer(
    "height", 0, "Of LR; 0: free.", lower_bound=0, flag_values=FLAGS
)
WIDTH = flags.DEFINE_integer(
    "width", 0, "Of LR; 0: free.", lower_bound=0, flag_values=FLAGS
)


def main() -> None:
    """Converts as the flags say."""
    if not OUTPUT.value.endswith(".tflite"):
        raise flags.Error(
            f"`--output` must end in .tflite. Received: {OUTPUT.value}"
        )
    from .formats import writing  # TensorFlow: the flags are right

    report = writing.write(
        SAVED_MODEL_DIR.value,
        OUTPUT.value,
        KIND.value,
        HEIGHT.value,
        WIDTH.value,
    )
    print(report)


if __name__ == "__main__":
    cli.run(main, FLAGS)
