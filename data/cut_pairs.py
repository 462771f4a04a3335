r"""Cuts training pairs from folders of photographs of the same scenes.

    python -m data.cut_pairs --scenes=SCENES --output=PAIRS

SCENES has a folder for each scene, with two or more PNG or JPEG pictures of
it, of the same size: stereo pairs, views from a rail, frames of a video, in
the order of their names. A tile of one picture is HR; where another picture
shows most of the same, found by matching at a quarter of the size, the tile
of REF is cut. So what is left to align is the parallax within a tile, and
pictures that are far apart can be learned from, too. The result is a data
set `folder:PAIRS`, to be trained on with --flow_from_hr.
"""

import pathlib
import shutil

from absl import flags

from crossnet_tf import cli

FLAGS = cli.define_flags()
SCENES = flags.DEFINE_string(
    "scenes",
    None,
    "Folder with a folder of pictures for each scene.",
    required=True,
    flag_values=FLAGS,
)
OUTPUT = flags.DEFINE_string(
    "output", None, "Folder to make.", required=True, flag_values=FLAGS
)
COUNT = flags.DEFINE_integer(
    "count", 2400, "Pairs to cut.", lower_bound=1, flag_values=FLAGS
)
SIZE = flags.DEFINE_integer(
    "size",
    192,
    "Height and width of a tile.",
    lower_bound=64,
    upper_bound=1024,
    flag_values=FLAGS,
)
SEED = flags.DEFINE_integer("seed", 0, "Seed.", flag_values=FLAGS)
STRICT = flags.DEFINE_bool(
    "strict",
    False,
    "End at the first scene that cannot be used; else it is left out.",
    flag_values=FLAGS,
)


def main() -> None:
    """Cuts what the flags say."""
    import tqdm

    from crossnet_tf import images  # TensorFlow: flags are right

    from . import matching_tiles

    output = pathlib.Path(OUTPUT.value)
    if output.exists():
        raise ValueError(f"`output` must be new. Received: output={output}")
    strict = STRICT.value
    scenes = matching_tiles.find_scenes(
        pathlib.Path(SCENES.value), SIZE.value, strict
    )
    tiles = matching_tiles.cut(
        scenes, COUNT.value, SIZE.value, SEED.value, strict
    )
    temporary = output.with_name(f".{output.name}.incomplete")
    # What a killed run left may have been cut with other flags.
    shutil.rmtree(temporary, ignore_errors=True)
    for kind in ("hr", "ref"):
        (temporary / kind).mkdir(parents=True, exist_ok=True)
    bar = tqdm.tqdm(tiles, "Cutting", COUNT.value, unit=" pairs")
    for tile in bar:
        for kind, image in (("hr", tile.hr), ("ref", tile.ref)):
            images.write_image(temporary / kind / f"{tile.name}.png", image)
    temporary.rename(output)
    print(
        f"Written: {bar.n} pairs in {output}. "
        f"Train with --dataset=folder:{output}"
    )


if __name__ == "__main__":
    cli.run(main, FLAGS)
