"""TFDS builder of `stereo_folder`: stereo pairs, a folder per pair.

    tfds build data/stereo_folder --manual_dir=DIR

A pair is stored as a row of two views, the left one first.
"""

import pathlib

from data import light_field

NAMES = (("L", "R"), ("left", "right"), ("im0", "im1"), ("view1", "view5"))


class Builder(light_field.LightFieldBuilder):
    """Pairs of a left and a right image."""

    def _find_scenes(
        self, folder: pathlib.Path
    ) -> dict[str, list[light_field.Scene]]:
        return light_field.split_folders(folder, find_pair)


def find_pair(folder: pathlib.Path) -> light_field.Scene:
    """The left and the right image of a folder.

    Raises:
        FileNotFoundError: there is no pair of known names.
        ValueError: two files have one name.
    """
    files = {}
    for path in light_field.image_files(folder):
        if path.stem in files:
            raise ValueError(
                "Images of a folder must have different names. "
                f"Received: {files[path.stem]} and {path}."
            )
        files[path.stem] = path
    for left, right in NAMES:
        if left in files and right in files:
            pair = [files[left], files[right]]
            read = light_field.read_files(pair)
            return light_field.Scene(folder.name, 1, 2, read)
    raise FileNotFoundError(
        f"Scene folder {folder} must hold two images named like one of "
        f"{NAMES}. Received: {sorted(files)}."
    )
