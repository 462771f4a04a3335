"""The references of a video: stills or a clip, by the time they show.

- A picture is the reference of every frame.
- A folder of pictures: the last number in a name is the frame, from 0, that
  the still was taken at, as in `wide_0015.png`; with an `s` behind it, as in
  `wide_2.5s.jpg`, the second.
- A video: each of its frames, at its own time.
"""

import bisect
import contextlib
import fractions
import functools
import os
import pathlib
import re
from collections.abc import Callable, Iterator

import numpy as np

from crossnet_tf import images
from crossnet_tf.images import listing
from crossnet_tf.video.reading import Frame, Video, open_video
from crossnet_tf.video.suffixes import is_video

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(s?)(?!.*\d)")
Seconds = fractions.Fraction
Near = list[tuple[Seconds, np.ndarray]]
"""Seconds from the frame, and `[H, W, 3]` float32: one picture or two."""


@contextlib.contextmanager
def open_references(
    ref: str | os.PathLike, rate: Seconds
) -> Iterator[Callable[[Seconds], Near]]:
    """A function from a time to the references around it.

    The times that it is asked for must not go back.

    Args:
        ref: a picture, a folder of pictures or a video.
        rate: frames per second of the video that is upscaled.

    Raises:
        FileNotFoundError: there is nothing.
        ValueError: a name has no number, or two have the same.
    """
    path = pathlib.Path(ref).expanduser()
    if path.is_dir():
        yield _Stills(path, rate).near
    elif is_video(path):
        with open_video(path) as video:
            yield _Clip(video).near
    else:
        picture = images.read_image(path)
        yield lambda time: [(Seconds(0), picture)]


class _Stills:
    """Pictures of a folder, each at the time of its name."""

    def __init__(self, folder: pathlib.Path, rate: Seconds):
        self._files: dict[Seconds, pathlib.Path] = {}
        for path in listing.pictures(folder):
            time = still_time(path, rate)
            if time in self._files:
                raise ValueError(
                    "Stills must have different numbers. Received: "
                    f"{self._files[time]} and {path}."
                )
            self._files[time] = path
        if not self._files:
            raise FileNotFoundError(
                f"`ref` must hold pictures. Received: ref={folder}"
            )
        self._times = sorted(self._files)
        self._read = functools.lru_cache(maxsize=2)(images.read_image)

    def near(self, time: Seconds) -> Near:
        place = bisect.bisect_right(self._times, time)
        around = self._times[max(place - 1, 0) : place + 1]
        if time in self._files:
            around = [time]
        return [(abs(t - time), self._read(self._files[t])) for t in around]


def still_time(path: pathlib.Path, rate: Seconds) -> Seconds:
    """When a still was taken, by its name.

    Raises:
        ValueError: there is no number in it.
    """
    match = _NUMBER.search(path.stem)
    if not match:
        raise ValueError(
            "A still's name must say which frame it belongs to, as 0015.png "
            f"does, or which second, as 2.5s.png. Received: `{path}`."
        )
    number = Seconds(match[1])
    return number if match[2] else number / rate


class _Clip:
    """Frames of a video, read on as far as they are asked for."""

    def __init__(self, video: Video):
        self._base = video.time_base
        self._frames = video.frames()
        self._before: Frame | None = None
        self._after: Frame | None = next(self._frames, None)
        self._start = self._after.time if self._after else 0
        self._pixels: dict[int, np.ndarray] = {}

    def near(self, time: Seconds) -> Near:
        while self._after and self._time(self._after) <= time:
            self._before, self._after = (
                self._after,
                next(self._frames, None),
            )
        around = [f for f in (self._before, self._after) if f]
        exact = [f for f in around if self._time(f) == time]
        self._pixels = {
            f.number: self._pixels[f.number]
            if f.number in self._pixels
            else np.asarray(f.rgb(), np.float32) / 255
            for f in exact or around
        }
        return [
            (abs(self._time(f) - time), self._pixels[f.number])
            for f in exact or around
        ]

    def _time(self, frame: Frame) -> Seconds:
        return (frame.time - self._start) * Seconds(self._base)
