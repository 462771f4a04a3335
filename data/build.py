r"""Prepares a data set from files of your own, or by rendering them.

    crossnet data build --dataset=video_folder --manual_dir=DIR

The README.md of each folder of `data/` says which files it takes. What cannot
be read is named and left out; with --strict it ends the preparation. In a
checkout, `tfds build data/video_folder --manual_dir=DIR` does the same without
--strict, and has further options.
"""

import importlib
import json
import pathlib
from typing import Any

from absl import flags

from crossnet_tf import cli

FLAGS = cli.define_flags("data.data_dir")
DATASET = flags.DEFINE_string(
    "dataset",
    None,
    "Which: NAME, a folder of data/, or NAME/CONFIG.",
    required=True,
    flag_values=FLAGS,
)
MANUAL_DIR = flags.DEFINE_string(
    "manual_dir", None, "Folder with your files.", flag_values=FLAGS
)
CONFIG = flags.DEFINE_string(
    "config",
    "",
    'Settings of your own, like {"name": "third", "stride": 3}.',
    flag_values=FLAGS,
)
STRICT = flags.DEFINE_bool(
    "strict",
    False,
    "End at the first scene that cannot be read.",
    flag_values=FLAGS,
)


def main() -> None:
    """Prepares what the flags say."""
    name, _, config = DATASET.value.partition("/")
    manual_dir = MANUAL_DIR.value and pathlib.Path(MANUAL_DIR.value)
    if manual_dir and not manual_dir.is_dir():
        raise FileNotFoundError(
            f"`manual_dir` must be a folder. Received: manual_dir={manual_dir}"
        )
    builder_class = _builder_class(name)
    import tensorflow_datasets as tfds  # takes seconds: the flags are right

    kwargs = _config_arguments(builder_class, config)
    builder = builder_class(data_dir=FLAGS.data_dir or None, **kwargs)
    builder.strict = STRICT.value
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=manual_dir and str(manual_dir.expanduser())
        )
    )
    for split, info in builder.info.splits.items():
        print(f"{split}: {info.num_examples} scenes")
    print(f"Prepared: {builder.data_path}")


def _builder_class(name: str) -> Any:
    folder = pathlib.Path(__file__).parent
    names = sorted(p.parent.name for p in folder.glob("*/*_dataset_builder.py"))
    if name not in names:
        raise flags.Error(
            f"`--dataset` must be one of {', '.join(names)}. "
            f"Received: --dataset={name}"
        )
    module = f"crossnet_tf.data.{name}.{name}_dataset_builder"
    return importlib.import_module(module).Builder


def _config_arguments(builder_class: Any, name: str) -> dict[str, Any]:
    """What to give to the builder for --config, or a config's name."""
    if not CONFIG.value:
        return {"config": name} if name else {}
    try:
        fields = json.loads(CONFIG.value)
        return {"config": builder_class.builder_config_cls(**fields)}
    except (ValueError, TypeError) as error:
        raise flags.Error(
            f"`--config` must be JSON of this data set's settings, with a "
            f"`name`: {error}. Received: --config={CONFIG.value}"
        ) from error


if __name__ == "__main__":
    cli.run(main, FLAGS)
