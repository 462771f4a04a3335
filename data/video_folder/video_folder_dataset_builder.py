"""TFDS builder of `video_folder`: frames of videos, a folder per video.

    tfds build data/video_folder --manual_dir=DIR

A video is stored as a row of views, the first frame first.
"""

import pathlib

from data import light_field


class Builder(light_field.LightFieldBuilder):
    """Videos as frames in the order of their names."""

    def _find_scenes(
        self, folder: pathlib.Path
    ) -> dict[str, list[light_field.Scene]]:
        return light_field.split_folders(folder, light_field.row_scene)
