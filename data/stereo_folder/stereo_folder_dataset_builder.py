"""TFDS builder of `stereo_folder`: stereo pairs, a folder per pair.

    tfds build data/stereo_folder --manual_dir=DIR

A pair is stored as a row of two views, the left one first.
"""

import pathlib

from crossnet_tf.data import light_field, scenes, source_tree

NAMES = (("L", "R"), ("left", "right"), ("im0", "im1"), ("view1", "view5"))


class Builder(light_field.LightFieldBuilder):
    """Pairs of a left and a right image."""

    def _find_scenes(
        self, folders: list[source_tree.Folder]
    ) -> dict[str, list[scenes.Scene]]:
        folders = source_tree.with_images(folders, "a folder per pair")
        found = self._each(find_pair, folders)
        return source_tree.split(found, lambda scene: scene.name)


def find_pair(folder: source_tree.Folder) -> scenes.Scene:
    """The left and the right image of a folder: by name, or the only two.

    Raises:
        FileNotFoundError: there is no pair of known names, and not two files.
        ValueError: two files have one name.
    """
    files: dict[str, pathlib.Path] = {}
    for path in folder.images:
        if path.stem in files:
            raise ValueError(
                "Images of a folder must have different names. "
                f"Received: {files[path.stem]} and {path}."
            )
        files[path.stem] = path
    for left, right in NAMES:
        if left in files and right in files:
            pair = [files[left], files[right]]
            return scenes.one_per_view(folder.name, 1, 2, pair)
    if len(files) == 2:
        return scenes.row_scenes(folder)[0]
    raise FileNotFoundError(
        f"Scene folder {folder.path} must hold two images, or two named like "
        f"one of {NAMES}. Received: {', '.join(sorted(files)[:5])}."
    )
