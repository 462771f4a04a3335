r"""Makes weights of this package from a checkpoint of the released code.

    python -m crossnet_tf.convert --from=CP185000.pth --scale=8 \
        --output=weights/official-x8
    python -m crossnet_tf.upscale --weights=weights/official-x8 \
        --lr=small.png --ref=reference.png --output=large.png

The checkpoint is a `state_dict` as PyTorch saves it, old (before 1.6) or
new, alone or in a training's checkpoint, whose other parts are passed over.
PyTorch is not needed, and nothing in the file is run: it may come from a
stranger. Names or shapes that do not fit the network are listed.
"""

from absl import flags

from crossnet_tf import cli

FLAGS = cli.define_flags("model.scale")
FROM = flags.DEFINE_string(
    "from",
    None,
    "PyTorch checkpoint to read.",
    required=True,
    flag_values=FLAGS,
)
ENTRY = flags.DEFINE_string(
    "entry",
    "",
    "Which weights to take of a training's checkpoint, like params_ema or "
    "model/state_dict. Left out: the only ones, or of several those whose "
    "name ends in _ema.",
    flag_values=FLAGS,
)
OUTPUT = flags.DEFINE_string(
    "output", None, "Folder to make.", required=True, flag_values=FLAGS
)
DTYPE = flags.DEFINE_enum(
    "dtype",
    "float32",
    ("float32", "float16"),
    "How weights are stored; float16 halves the size.",
    flag_values=FLAGS,
)


def main() -> None:
    """Converts as the flags say."""
    scale = cli.config_from_flags(FLAGS).model.scale
    from crossnet_tf.storage import official  # TensorFlow: the flags are right

    count, entry = official.convert(
        FROM.value, OUTPUT.value, scale, DTYPE.value, ENTRY.value
    )
    source = f" of entry {entry!r}" if entry else ""
    print(f"Wrote {count} arrays{source} to {OUTPUT.value}.")


if __name__ == "__main__":
    cli.run(main, FLAGS)
