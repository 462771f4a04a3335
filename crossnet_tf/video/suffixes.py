"""Which files are videos that are read, by their names alone."""

import os
import pathlib

SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")


def is_video(path: str | os.PathLike) -> bool:
    """Whether a file's suffix is one of a video that is read."""
    return pathlib.Path(path).suffix.lower() in SUFFIXES
