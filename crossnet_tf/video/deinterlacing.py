"""Makes progressive frames of interlaced ones, as players do.

An interlaced frame shows two moments, one in the even rows and one in the odd
ones. FFmpeg's filter `bwdif` keeps the rows of the first and makes up the
others from its neighbours in space and time. Frames in equal frames out, and
frames that are not marked as interlaced stay as they are. What comes out for a
frame depends on it and its two neighbours only, wherever reading begins.
"""

import collections
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, Self, TypeVar

import av

# One frame for each, the order of rows as the frame says.
_OPTIONS = "mode=send_frame:parity=auto:deint=interlaced"


class Interlaced(Protocol):
    """A decoded frame with what is known of it."""

    @property
    def decoded(self) -> Any:
        """PyAV's frame."""

    def of(self, decoded: Any) -> Self:
        """The same, for other pixels."""


_Frame = TypeVar("_Frame", bound=Interlaced)


def progressive(frames: Iterable[_Frame]) -> Iterator[_Frame]:
    """Frames without combs, in their order.

    Args:
        frames: with PyAV's frames in `decoded`.
    """
    graph: _Graph | None = None
    before: _Frame | None = None
    for frame in frames:
        if graph is not None and graph.form != _form(frame):
            yield from graph.rest()
            graph, before = None, None
        if graph is None and frame.decoded.interlaced_frame:
            graph = _Graph(frame, before)
        if graph is None:
            before = frame
            yield frame
        else:
            yield from graph.push(frame)
    if graph is not None:
        yield from graph.rest()


def _form(frame: Interlaced) -> tuple[int, int, str]:
    decoded = frame.decoded
    return decoded.width, decoded.height, decoded.format.name


class _Graph:
    """The filter, for frames of one form; it is one frame behind.

    Attributes:
        form: width, height and kind of pixels.
    """

    def __init__(self, frame: _Frame, before: _Frame | None):
        self.form = _form(frame)
        self._graph = av.filter.Graph()
        width, height, pixels = self.form
        source = self._graph.add_buffer(
            width=width,
            height=height,
            format=frame.decoded.format,
            time_base=frame.decoded.time_base,
        )
        deinterlace = self._graph.add("bwdif", _OPTIONS)
        kept = self._graph.add("format", f"pix_fmts={pixels}")
        sink = self._graph.add("buffersink")
        source.link_to(deinterlace)
        deinterlace.link_to(kept)
        kept.link_to(sink)
        self._graph.configure()
        self._waiting: collections.deque = collections.deque()
        self._count = self._unwanted = 0
        if before is not None and _form(before) == self.form:
            self._count = self._unwanted = 1
            self._graph.push(before.decoded)

    def push(self, frame: _Frame) -> Iterator[_Frame]:
        """Takes a frame, gives those that are done."""
        self._waiting.append(frame)
        self._count += 1
        self._graph.push(frame.decoded)
        yield from self._done()

    def rest(self) -> Iterator[_Frame]:
        """Gives the last ones."""
        if self._count == 1:  # bwdif leaves a lone frame as it is
            self._graph.push(self._waiting[0].decoded)
        self._graph.push(None)
        yield from self._done()

    def _done(self) -> Iterator[_Frame]:
        while True:
            try:
                decoded = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            if self._unwanted:
                self._unwanted -= 1
            elif self._waiting:
                yield self._waiting.popleft().of(decoded)
