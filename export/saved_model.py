r"""Exports a trained network as a SavedModel, for TensorFlow Serving or C++.

    python -m export.saved_model --weights=runs/quickstart \
        --output_dir=models/crossnet/1

The folder's name is the version: a server that polls `models/crossnet` picks
it up, whole, when the command has ended. A version is never overwritten.
Signatures, all with free batch and sizes: `serving_default` (float32), `uint8`,
`encoded` (PNG or JPEG in, PNG out), `flow`. BUILD.md tells more.
"""

from absl import flags

from crossnet_tf import cli

_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}

FLAGS = cli.define_flags()
WEIGHTS = flags.DEFINE_string(
    "weights",
    None,
    "Run directory, folder of weights, name of shipped weights, or "
    "SYSTEM-xSCALE.",
    flag_values=FLAGS,
)
cli.define_alias("run_dir", "weights", FLAGS)
OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    None,
    "Folder to make: the model's name, then the version's number.",
    required=True,
    flag_values=FLAGS,
)
PRECISION = flags.DEFINE_enum(
    "precision",
    "float32",
    list(_POLICIES),
    "What the network computes with; pictures and flow stay float32.",
    flag_values=FLAGS,
)
MAX_PIXELS = flags.DEFINE_integer(
    "max_pixels",
    2**21,
    "HR pixels that one request may have, all its pictures together.",
    lower_bound=256,
    flag_values=FLAGS,
)


def main() -> None:
    """Exports as the flags say."""
    if not WEIGHTS.value:
        raise flags.Error("Give one of --run_dir and --weights.")
    from crossnet_tf.storage import runs  # TensorFlow: the flags are right

    from .graph import saving

    saving.check_output_dir(OUTPUT_DIR.value)
    model, _ = runs.load_model(WEIGHTS.value, _POLICIES[PRECISION.value])
    path = saving.save(model, OUTPUT_DIR.value, MAX_PIXELS.value)
    size = sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
    print(f"Written: {path} ({size / 1e6:.1f} MB, {PRECISION.value})")


if __name__ == "__main__":
    cli.run(main, FLAGS)
