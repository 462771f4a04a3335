"""Decodes video files with PyAV, which is FFmpeg's libraries in Python.

FFmpeg reads hundreds of formats, some of which are lists of other files or
addresses. Only plain containers are let in, from an open file, so nothing
else is ever opened. Frames are named by their presentation time; a run of
them is read from the nearest key frame before it.
"""

import contextlib
import pathlib
from collections.abc import Iterator

import av
import numpy as np

from crossnet_tf import images

SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"
# Far above what a data set needs: hours of video.
MAX_PACKETS = 1_000_000


def frame_times(path: pathlib.Path) -> list[int]:
    """Presentation times of all frames, in order, without decoding.

    Args:
        path: a video file.

    Returns:
        Times in units of the stream's time base, increasing.

    Raises:
        ValueError: it is no video that can be read, its frames are too large,
            or there are far too many.
    """
    times = set()
    with _open(path) as (container, stream):
        for number, packet in enumerate(container.demux(stream)):
            if number > MAX_PACKETS:
                raise ValueError(
                    f"Video `{path}` must have at most {MAX_PACKETS:,} frames. "
                    "Received: more. Cut it into parts."
                )
            if packet.pts is not None and not packet.is_discard:
                times.add(packet.pts)
    return sorted(times)


def read_frames(path: pathlib.Path, times: list[int]) -> Iterator[np.ndarray]:
    """Decodes the frames of the given presentation times.

    Args:
        path: a video file.
        times: some of `frame_times`, in order.

    Yields:
        `[H, W, 3]` uint8, upright.

    Raises:
        ValueError: the file is damaged, or changes its size too far.
    """
    wanted = list(reversed(times))
    with _open(path) as (container, stream):
        container.seek(times[0], stream=stream, backward=True)
        for frame in container.decode(stream):
            _check_size(path, frame.width, frame.height)
            if not wanted or frame.pts is None or frame.pts > wanted[-1]:
                break
            if frame.pts == wanted[-1]:
                wanted.pop()
                yield upright(frame.to_ndarray(format="rgb24"), frame.rotation)
            if not wanted:
                return
    raise _damaged(path, f"no frame at time {wanted[-1]}")


def upright(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """Turns a frame as its file says: counterclockwise, in quarters."""
    return np.ascontiguousarray(np.rot90(pixels, round(degrees / 90) % 4))


@contextlib.contextmanager
def _open(path: pathlib.Path) -> Iterator[tuple]:
    """Gives container and first video stream; FFmpeg's errors name `path`."""
    with open(path, "rb") as file:
        try:
            with av.open(
                file,
                container_options={"format_whitelist": FORMATS},
            ) as container:
                if not container.streams.video:
                    raise _damaged(path, "no video stream")
                stream = container.streams.video[0]
                _check_size(path, stream.width, stream.height)
                # Frames are decoded by several scenes at once instead.
                stream.thread_count = 1
                yield container, stream
        except (av.FFmpegError, OSError) as error:
            raise _damaged(path, str(error.strerror or error)) from error


def _check_size(path: pathlib.Path, width: int, height: int) -> None:
    if not 0 < width * height <= images.MAX_PIXELS:
        raise ValueError(
            f"Video `{path}` must have frames of 1 to {images.MAX_PIXELS:,} "
            f"pixels. Received: {width}x{height}."
        )


def _damaged(path: pathlib.Path, what: str) -> ValueError:
    return ValueError(
        f"Video `{path}` must be whole, in a container of {SUFFIXES} and in a "
        f"codec that FFmpeg reads. Received: {what}. Copy it again, or convert "
        "it with `ffmpeg -i IN OUT.mp4`."
    )
