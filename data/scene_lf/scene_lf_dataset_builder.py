"""TFDS builder of `scene_lf`: a camera on a rail, one row of views a scene.

tfds build data/scene_lf --manual_dir=DIR
"""

from crossnet_tf.data import light_field, scenes, source_tree


class Builder(light_field.LightFieldBuilder):
    """Scenes whose images, in the order of their names, are one row."""

    HOMEPAGE = "https://doi.org/10.1145/2461912.2461926"

    def _find_scenes(
        self, folders: list[source_tree.Folder]
    ) -> dict[str, list[scenes.Scene]]:
        folders = source_tree.with_images(folders, "a folder per scene")
        return scenes.split_runs(self._each(scenes.row_scenes, folders))
