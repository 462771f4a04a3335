"""TFDS builder of `stanford_lf`: gantry captures of the (New) Archive.

tfds build data/stanford_lf --manual_dir=DIR
"""

import pathlib

from data import light_field

ROWS = COLS = 17
PATTERN = r"^out_(?P<row>\d+)_(?P<col>\d+)(?:_|$)"


class Builder(light_field.LightFieldBuilder):
    """Scenes of 17x17 rectified views."""

    HOMEPAGE = "http://lightfield.stanford.edu/lfs.html"

    def _find_scenes(
        self, folder: pathlib.Path
    ) -> dict[str, list[light_field.Scene]]:
        return light_field.split_folders(folder, find_scene)


def find_scene(folder: pathlib.Path) -> light_field.Scene:
    """A scene's folder, or its `rectified` folder.

    Raises:
        FileNotFoundError: views are missing.
    """
    inner = folder / "rectified"
    scene = light_field.grid_scene(
        inner if inner.is_dir() else folder, PATTERN, "out_RR_CC_Y_X_.png"
    )
    if (scene.rows, scene.cols) != (ROWS, COLS):
        raise FileNotFoundError(
            f"Scene folder {folder} must hold {ROWS}x{COLS} views. "
            f"Received: {scene.rows}x{scene.cols}."
        )
    return light_field.Scene(folder.name, ROWS, COLS, scene.read_views)
