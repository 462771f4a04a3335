"""TFDS builder of `scene_lf`: a camera on a rail, one row of views a scene.

tfds build data/scene_lf --manual_dir=DIR
"""

import pathlib

from data import light_field


class Builder(light_field.LightFieldBuilder):
    """Scenes whose images, in the order of their names, are one row."""

    HOMEPAGE = "https://doi.org/10.1145/2461912.2461926"

    def _find_scenes(
        self, folder: pathlib.Path
    ) -> dict[str, list[light_field.Scene]]:
        return light_field.split_folders(folder, light_field.row_scene)
