"""Encodes frames in segments, and joins them beside the source's sound.

A video of an hour takes days: each segment is a file that is whole or not
there, so that a killed run goes on with the next. Segments are NUT files,
which keep times as exact as the source's, without B-frames, so that they
follow each other. In the end they become one file, together with the sound
and subtitles of the source, which are copied as they are.
"""

import fractions
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import av
import numpy as np

from crossnet_tf import atomic
from crossnet_tf.video.reading import (
    BT601,
    BT709,
    EXACT,
    HD_ROWS,
    UNSPECIFIED,
    Video,
    open_video,
)

CODECS = {
    ".mp4": "libx264",
    ".m4v": "libx264",
    ".mov": "libx264",
    ".mkv": "libx264",
    ".webm": "libvpx-vp9",
}
"""Containers that are written, and the codec in each."""
_QUALITY = {
    "libx264": {"crf": "14", "preset": "medium"},
    "libvpx-vp9": {"crf": "16", "b": "0", "cpu-used": "4", "row-mt": "1"},
}
_COPIED = ("audio", "subtitle")
# Matrices of H.273 -> as swscale counts them; the rest is BT.601.
_SWSCALE = {BT709: 1, 9: 9}


def check_output(path: str | os.PathLike) -> pathlib.Path:
    """Refuses, before any work, a path that could not be written.

    Raises:
        ValueError: no suffix of `CODECS`.
        FileNotFoundError: its folder does not exist.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() not in CODECS:
        raise ValueError(
            f"The output must end in one of {', '.join(CODECS)}. "
            f"Received: `{path}`."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"The output's folder must exist; make it first. "
            f"Received: `{path}`."
        )
    return path


def write_segment(
    path: pathlib.Path,
    frames: Iterable[tuple[int, np.ndarray]],
    source: Video,
    codec: str,
) -> int:
    """Encodes some frames; the file is there when all are in it.

    Args:
        path: of the segment.
        frames: times in units of `source.time_base`, and `[H, W, 3]` uint8.
        source: whose rate, colours and pixel ratio to keep.
        codec: a value of `CODECS`.

    Returns:
        How many frames there were.
    """
    temporary = path.with_suffix(".incomplete")
    count, stream = 0, None
    with av.open(str(temporary), "w", format="nut") as container:
        for time, pixels in frames:
            if stream is None:
                stream = _stream(container, pixels, source, codec)
            container.mux(stream.encode(_frame(pixels, time, source, stream)))
            count += 1
        if stream is not None:
            container.mux(stream.encode())
    if count:
        os.replace(temporary, path)
    else:
        temporary.unlink()
    return count


def _stream(
    container: Any, pixels: np.ndarray, source: Video, codec: str
) -> Any:
    stream = container.add_stream(codec, rate=source.rate)
    stream.height, stream.width = pixels.shape[:2]
    stream.pix_fmt = "yuv444p" if _odd(pixels) else "yuv420p"
    stream.options = dict(_QUALITY[codec])
    stream.time_base = source.time_base
    context = stream.codec_context
    context.time_base = source.time_base
    context.max_b_frames = 0
    tags = source.stream.codec_context
    own = BT709 if pixels.shape[0] >= HD_ROWS else BT601
    for name in ("color_primaries", "color_trc", "colorspace"):
        value = getattr(tags, name)
        setattr(context, name, own if value == UNSPECIFIED else value)
    context.color_range = tags.color_range or 1
    if source.stream.sample_aspect_ratio:
        context.sample_aspect_ratio = source.stream.sample_aspect_ratio
    return stream


def _odd(pixels: np.ndarray) -> bool:
    """Chroma at half size needs even sides."""
    return bool(pixels.shape[0] % 2 or pixels.shape[1] % 2)


def _frame(
    pixels: np.ndarray, time: int, source: Video, stream: Any
) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    context = stream.codec_context
    frame = frame.reformat(
        format=stream.pix_fmt,
        dst_colorspace=_SWSCALE.get(context.colorspace, 5),
        interpolation=EXACT,
        dst_color_range=context.color_range,
    )
    frame.pts, frame.time_base = time, source.time_base
    return frame


def join(
    segments: Sequence[pathlib.Path],
    source: pathlib.Path,
    output: pathlib.Path,
) -> None:
    """Makes one file of all segments and the source's sound and subtitles.

    Args:
        segments: in order.
        source: the video that sound and subtitles are copied from.
        output: takes its name in one step.

    Raises:
        ValueError: the output's container cannot hold the sound.
    """
    temporary = output.parent / f".{os.getpid()}{atomic.SUFFIX}{output.suffix}"
    try:
        with (
            open_video(source) as video,
            av.open(str(segments[0])) as first,
            av.open(str(temporary), "w") as container,
        ):
            template = first.streams.video[0]
            stream = container.add_stream_from_template(template)
            stream.time_base = template.time_base
            copied = _copied_streams(video.container, container, output)
            _mux(container, stream, copied, segments, video)
        os.replace(temporary, output)
    finally:
        temporary.unlink(missing_ok=True)


def _copied_streams(source: Any, target: Any, output: pathlib.Path) -> dict:
    """Streams of sound and subtitles, and their places in the output."""
    copied = {}
    for stream in source.streams:
        if stream.type not in _COPIED:
            continue
        if stream.codec_context.name not in target.supported_codecs:
            raise ValueError(
                f"`output` cannot hold the {stream.type} of the source "
                f"({stream.codec_context.name}); write a .mkv instead. "
                f"Received: output={output}"
            )
        copied[stream] = target.add_stream_from_template(stream)
    return copied


def _mux(
    target: Any, stream: Any, copied: dict, segments: Sequence, source: Video
) -> None:
    """Packets of all, in the order of their times, as players read them."""
    pictures = _packets(segments)
    others = (
        packet
        for packet in (source.container.demux(list(copied)) if copied else ())
        if packet.dts is not None
    )
    picture: Any = next(pictures, None)
    other: Any = next(others, None)
    while picture or other:
        if other is None or (picture and _time(picture) <= _time(other)):
            picture.stream = stream
            target.mux(picture)
            picture = next(pictures, None)
        else:
            other.stream = copied[other.stream]
            target.mux(other)
            other = next(others, None)


def _packets(segments: Sequence[pathlib.Path]) -> Iterator[Any]:
    for path in segments:
        with av.open(str(path)) as container:
            for packet in container.demux(video=0):
                if packet.dts is not None:
                    yield packet


def _time(packet: Any) -> fractions.Fraction:
    return packet.dts * packet.time_base
