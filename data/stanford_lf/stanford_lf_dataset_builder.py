"""TFDS builder of `stanford_lf`: gantry captures of the (New) Archive.

tfds build data/stanford_lf --manual_dir=DIR
"""

import re

from crossnet_tf.data import light_field, scenes, source_tree

ROWS = COLS = 17
PATTERN = r"^out_(?P<row>\d+)_(?P<col>\d+)(?:_|$)"
FORM = "out_RR_CC_Y_X_.png"


class Builder(light_field.LightFieldBuilder):
    """Scenes of 17x17 rectified views."""

    HOMEPAGE = "http://lightfield.stanford.edu/lfs.html"

    def _find_scenes(
        self, folders: list[source_tree.Folder]
    ) -> dict[str, list[scenes.Scene]]:
        folders = source_tree.with_images(folders, f"images named {FORM}")
        # A scene's other folders and previews have other names.
        views = [
            folder
            for folder in folders
            if any(re.search(PATTERN, path.stem) for path in folder.images)
        ]
        found = self._each(find_scene, views or folders)
        return source_tree.split(found, lambda scene: scene.name)


def find_scene(folder: source_tree.Folder) -> scenes.Scene:
    """The views of a scene's folder.

    Raises:
        FileNotFoundError: views are missing.
    """
    scene = scenes.grid_scene(folder, PATTERN, FORM)
    if (scene.rows, scene.cols) != (ROWS, COLS):
        raise FileNotFoundError(
            f"Scene folder {folder.path} must hold {ROWS}x{COLS} views. "
            f"Received: {scene.rows}x{scene.cols}. Views of other grids can "
            "be prepared by data/light_field_folder."
        )
    return scene
