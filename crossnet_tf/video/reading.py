"""Decodes video files with PyAV, which is FFmpeg's libraries in Python.

FFmpeg reads hundreds of formats, some of which are lists of other files or
addresses. Only plain containers are let in, from an open regular file, so
nothing else is ever opened. What players play counts: frames before the first
key frame do not, times are those of decoded frames, and interlaced frames are
made progressive. HDR video is refused, as its frames are no ordinary pictures.
"""

import contextlib
import dataclasses
import fractions
import os
import pathlib
import stat
from collections.abc import Iterator
from typing import Any, Self

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer
from av.video.reformatter import Interpolation

from crossnet_tf import images
from crossnet_tf.video import deinterlacing, orientation
from crossnet_tf.video.suffixes import SUFFIXES

FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"
# Far above what anybody upscales or trains on: hours of video.
MAX_FRAMES = 1_000_000
UNSPECIFIED, BT709, BT601 = 2, 1, 6
"""Matrices of colours, as ITU-T H.273 counts them."""
HD_ROWS = 720
"""Rows from which on players take BT.709 where nothing is said."""
EXACT = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)
_HDR = {16: "PQ", 18: "HLG"}  # transfer characteristics of ITU-T H.273


@dataclasses.dataclass(frozen=True)
class Frame:
    """A decoded frame.

    Attributes:
        number: its place, from 0.
        time: when it is shown, in units of the video's `time_base`.
        decoded: PyAV's frame.
    """

    number: int
    time: int
    decoded: Any
    _turn: tuple[int, int, int, int]

    def rgb(self) -> np.ndarray:
        """`[H, W, 3]` uint8, upright."""
        return orientation.upright(to_rgb(self.decoded), self._turn)

    def of(self, decoded: Any) -> Self:
        """The same place and time, for other pixels."""
        return dataclasses.replace(self, decoded=decoded)


def to_rgb(frame: Any) -> np.ndarray:
    """A decoded frame in RGB, as stored, without swscale's usual shortcuts.

    They darken by a step and more. Where a frame does not say, high
    resolution is BT.709, as players take it.
    """
    unsaid = frame.colorspace == UNSPECIFIED
    space = BT709 if unsaid and frame.height >= HD_ROWS else None
    return frame.to_ndarray(
        format="rgb24", src_colorspace=space, interpolation=EXACT
    )


class Video:
    """The first video stream of an open file; `open_video` makes it.

    Attributes:
        path: the file.
        container: PyAV's, for what else is in it.
        stream: PyAV's video stream.
        rate: frames per second, a fraction.
        time_base: seconds per unit of time, a fraction.
    """

    def __init__(self, path: pathlib.Path, container: Any, stream: Any):
        self.path, self.container, self.stream = path, container, stream
        self.rate = stream.guessed_rate or stream.average_rate
        self.rate = fractions.Fraction(self.rate or 25)
        # AVI has no presentation times: what FFmpeg gives are others'.
        self.has_times = "avi" not in container.format.name
        self.time_base = stream.time_base if self.has_times else 1 / self.rate

    def frames(self, begin: int = 0) -> Iterator[Frame]:
        """All frames that players show, in their order.

        Args:
            begin: a time of `time_base`; frames from the key frame at or
                before it on. Where times cannot be sought, from the first on.

        Raises:
            ValueError: the file is damaged, changes its size too far, or is
                HDR.
        """
        with _named(self.path):
            if begin and self.has_times:
                self._seek(begin)
            yield from deinterlacing.progressive(self._stored())

    def _seek(self, time: int) -> None:
        """Goes to the key frame at or before `time`.

        If that is interlaced, it needs its neighbour, from the one before.
        """
        self.container.seek(time, stream=self.stream)
        first: Any = next(self.container.decode(self.stream), None)
        before = time - 1 if first and first.interlaced_frame else time
        try:
            self.container.seek(before, stream=self.stream)
        except av.FFmpegError:  # there is none before
            self.container.seek(time, stream=self.stream)

    def _stored(self) -> Iterator[Frame]:
        """Frames from here on, as the file has them."""
        number, last, begun = 0, None, False
        for frame in self.container.decode(self.stream):
            begun = begun or frame.key_frame
            if not begun:
                continue
            turn = _checked(self.path, frame)
            time = frame.pts if self.has_times else number
            if time is None or (last is not None and time <= last):
                time = 0 if last is None else last + self._step()
            if number >= MAX_FRAMES:
                raise too_long(self.path)
            yield Frame(number, time, frame, turn)
            number, last = number + 1, time

    def _step(self) -> int:
        return max(round(1 / (self.rate * self.time_base)), 1)


@contextlib.contextmanager
def open_video(path: str | os.PathLike, threads: int = 0) -> Iterator[Video]:
    """Opens a video file.

    Args:
        path: the file.
        threads: to decode with; 0: as many as there are processors.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no video that can be read, or its frames are too
            large; the message names it.
    """
    path = pathlib.Path(path)
    _check_file(path)
    with (
        open(path, "rb") as file,
        _named(path),
        av.open(
            file, container_options={"format_whitelist": FORMATS}
        ) as container,
    ):
        if not container.streams.video:
            raise damaged(path, "no video stream")
        stream = container.streams.video[0]
        _check_size(path, stream.width, stream.height)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        yield Video(path, container, stream)


@contextlib.contextmanager
def _named(path: pathlib.Path) -> Iterator[None]:
    """FFmpeg's errors name `path`."""
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise damaged(path, str(error.strerror or error)) from error


def _check_file(path: pathlib.Path) -> None:
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f"Video `{path}` must exist. Received: no such file."
        ) from None
    if not regular:
        raise ValueError(
            f"Video `{path}` must be a file. Received: a folder, device or "
            "pipe."
        )


def _checked(path: pathlib.Path, frame: Any) -> tuple[int, int, int, int]:
    """Refuses what is no ordinary frame; gives how it is turned."""
    _check_size(path, frame.width, frame.height)
    if frame.color_trc in _HDR:
        raise ValueError(
            f"Video `{path}` must be SDR. Received: HDR "
            f"({_HDR[frame.color_trc]}). Convert it first: ffmpeg -i IN -vf "
            "zscale=t=linear:npl=100,tonemap=hable,zscale=t=bt709:m=bt709,"
            "format=yuv420p OUT.mp4"
        )
    # Not `frame.side_data`, which the frame keeps, and which keeps the frame:
    # hundreds of frames, with threads that convert them, until Python looks
    # for such circles. (PyAV's types know no argument of it.)
    for data in SideDataContainer(frame):  # type: ignore[call-arg]
        if data.type.name == "DISPLAYMATRIX":
            try:
                return orientation.signs(bytes(data))
            except ValueError as error:
                raise damaged(path, str(error)) from error
    return orientation.signs(b"")


def check_square(path: pathlib.Path, video: Video) -> None:
    """Refuses pixels that are not square.

    Raises:
        ValueError: the message says how to convert them.
    """
    ratio = video.stream.sample_aspect_ratio
    if ratio and ratio != 1:
        raise ValueError(
            f"Video `{path}` must have square pixels. Received: {ratio}. "
            "Convert it first: ffmpeg -i IN -vf scale=iw*sar:ih,setsar=1 "
            "OUT.mp4"
        )


def _check_size(path: pathlib.Path, width: int, height: int) -> None:
    if not 0 < width * height <= images.MAX_PIXELS:
        raise ValueError(
            f"Video `{path}` must have frames of 1 to {images.MAX_PIXELS:,} "
            f"pixels. Received: {width}x{height}."
        )


def too_long(path: pathlib.Path) -> ValueError:
    """The error for a video of too many frames."""
    return ValueError(
        f"Video `{path}` must have at most {MAX_FRAMES:,} frames. "
        "Received: more. Cut it into parts."
    )


def damaged(path: pathlib.Path, what: str) -> ValueError:
    """The error for a file that cannot be read, or not to its end."""
    return ValueError(
        f"Video `{path}` must be whole, in a container of {SUFFIXES} and in a "
        f"codec that FFmpeg reads. Received: {what}. Copy it again, or convert "
        "it with `ffmpeg -i IN OUT.mp4`."
    )
