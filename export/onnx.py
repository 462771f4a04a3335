r"""Converts an exported SavedModel to an ONNX file.

    python -m export.onnx --saved_model_dir=models/crossnet/1 \
        --output=models/crossnet.onnx

The file takes `lr` and `ref`, float32 in [0, 1], and gives `sr`, for instance
in ONNX Runtime. Without --height and --width batch and sizes are free; with
them the file is for one pair with this size of LR. A file whose pictures
differ too much from the SavedModel's is not written.
"""

from absl import flags

from crossnet_tf import cli

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
    "File to write, ends in .onnx.",
    required=True,
    flag_values=FLAGS,
)
HEIGHT = flags.DEFINE_integer(
    "height", 0, "Of LR; 0: free.", lower_bound=0, flag_values=FLAGS
)
WIDTH = flags.DEFINE_integer(
    "width", 0, "Of LR; 0: free.", lower_bound=0, flag_values=FLAGS
)


def main() -> None:
    """Converts as the flags say."""
    if not OUTPUT.value.endswith(".onnx"):
        raise flags.Error(
            f"`--output` must end in .onnx. Received: {OUTPUT.value}"
        )
    from .formats import writing  # TensorFlow: the flags are right

    report = writing.write(
        SAVED_MODEL_DIR.value,
        OUTPUT.value,
        "onnx",
        HEIGHT.value,
        WIDTH.value,
    )
    print(report)


if __name__ == "__main__":
    cli.run(main, FLAGS)
