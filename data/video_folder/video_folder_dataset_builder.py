"""TFDS builder of `video_folder`: videos, or folders of their frames.

    tfds build data/video_folder --manual_dir=DIR

A video is cut into runs of frames; a run is stored as a row of views, the
first frame first.
"""

import dataclasses
import functools
import pathlib
from typing import ClassVar

import tensorflow_datasets as tfds

from crossnet_tf.data import light_field, scenes, source_tree

# Relative: `tfds build` imports this folder as a package of its own.
from . import decoding

FORM = f"videos ({', '.join(decoding.SUFFIXES)}) or folders of frames"


@dataclasses.dataclass
class VideoFolderConfig(tfds.core.BuilderConfig):
    """Which frames are taken.

    Attributes:
        run_length: frames of an example, at most.
        stride: takes every n-th frame.
        max_frames: takes at most so many frames of a video file.
    """

    run_length: int = scenes.RUN_LENGTH
    stride: int = 1
    max_frames: int = 3000


class Builder(light_field.LightFieldBuilder):
    """Videos as runs of frames."""

    BUILDER_CONFIGS: ClassVar = [
        VideoFolderConfig(
            name="default", description="All frames, in runs of up to 16."
        )
    ]

    def _find_scenes(
        self, folders: list[source_tree.Folder]
    ) -> dict[str, list[scenes.Scene]]:
        videos = [(folder.name, folder) for folder in folders if folder.images]
        videos += [
            (f"{folder.name}/{path.stem}".lstrip("/"), path)
            for folder in folders
            for path in folder.files
            if path.suffix.lower() in decoding.SUFFIXES
        ]
        if not videos:
            raise FileNotFoundError(
                f"The folder of --manual_dir must hold {FORM}. Received: none."
            )
        videos.sort(key=lambda video: video[0])
        return scenes.split_runs(
            self._each(
                lambda video: find_runs(
                    video[0], video[1], self.builder_config
                ),
                videos,
                lambda video: video[0],
            )
        )


def find_runs(
    name: str,
    video: source_tree.Folder | pathlib.Path,
    config: VideoFolderConfig,
) -> list[scenes.Scene]:
    """The runs of a video file or of a folder of frames.

    Raises:
        FileNotFoundError: there are fewer than 2 frames.
        ValueError: the file is no video that can be read.
    """
    if isinstance(video, source_tree.Folder):
        frames = sorted(
            video.images, key=lambda path: source_tree.by_number(path.stem)
        )[:: config.stride]
        folder = dataclasses.replace(video, files=tuple(frames))
        return scenes.row_scenes(folder, config.run_length)
    times = decoding.frame_times(video)[:: config.stride][: config.max_frames]
    if len(times) < 2:
        raise FileNotFoundError(
            f"Video `{video}` must have at least 2 frames, one of every "
            f"{config.stride}. Received: {len(times)}."
        )
    return [
        scenes.Scene(
            run_name,
            1,
            len(run),
            functools.partial(
                decoding.read_frames, video, times[run.start : run.stop]
            ),
        )
        for run_name, run in scenes.named_runs(
            name, len(times), config.run_length
        )
    ]
