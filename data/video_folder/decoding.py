"""Runs of a video's frames, named by the times at which they are shown.

What players play is decoded as they do (`crossnet_tf.video.reading`). A run
is read from the nearest key frame before it.
"""

import pathlib
from collections.abc import Iterator

import numpy as np

from crossnet_tf.video import reading, suffixes

SUFFIXES = suffixes.SUFFIXES


def frame_times(path: pathlib.Path) -> list[int]:
    """Times of all frames that players show, in order.

    Args:
        path: a video file.

    Returns:
        Times in units of the video's time base, increasing.

    Raises:
        ValueError: it is no video that can be read, its frames are too large,
            HDR or of pixels that are not square, or there are far too many.
    """
    with reading.open_video(path) as video:
        reading.check_square(path, video)
        return [frame.time for frame in video.frames()]


def read_frames(path: pathlib.Path, times: list[int]) -> Iterator[np.ndarray]:
    """Decodes the frames of the given times.

    Args:
        path: a video file.
        times: some of `frame_times`, in order.

    Yields:
        `[H, W, 3]` uint8, upright.

    Raises:
        ValueError: the file is damaged, or changes its size too far.
    """
    wanted = list(reversed(times))
    # One thread: several scenes are decoded at once instead.
    with reading.open_video(path, threads=1) as video:
        for frame in video.frames(times[0]):
            if frame.time > wanted[-1]:
                break
            if frame.time == wanted[-1]:
                wanted.pop()
                yield frame.rgb()
            if not wanted:
                return
    raise reading.damaged(path, f"no frame at time {wanted[-1]}")
