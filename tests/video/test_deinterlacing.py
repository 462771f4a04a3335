"""Interlaced video, made here, is read without combs."""

import fractions

import av
import numpy as np
import pytest
import skimage.data

from crossnet_tf.video import reading

WHOLE = skimage.data.astronaut()
HEIGHT, WIDTH, STEP = 64, 96, 4


def _moment(number):
    """The camera moves to the right, `STEP` pixels from field to field."""
    left = 100 + STEP * number
    return WHOLE[40 : 40 + HEIGHT, left : left + WIDTH]


def _woven(number, top_first):
    """Two moments in one frame; the first in the even rows, or the odd."""
    early, late = _moment(2 * number), _moment(2 * number + 1)
    pixels = early.copy()
    pixels[1::2] = late[1::2]
    if not top_first:
        pixels = late.copy()
        pixels[1::2] = early[1::2]
    return pixels


def _write(path, count=13, top_first=True, mark=True):
    """Writes combed frames; `mark` says so, as cameras and discs do."""
    order = f"mode={'tff' if top_first else 'bff'}"
    options = {"crf": "4", "preset": "fast"}
    if mark:
        options["x264-params"] = "interlaced=1"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        stream.codec_context.gop_size = 6
        for number in range(count):
            pixels = _woven(number, top_first)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = number, fractions.Fraction(1, 25)
            frame = _marked(frame, order if mark else "mode=prog")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _marked(frame, order):
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=frame.time_base,
    )
    marking, sink = graph.add("setfield", order), graph.add("buffersink")
    source.link_to(marking)
    marking.link_to(sink)
    graph.configure()
    graph.push(frame)
    return graph.pull()


def _read(path, begin=0):
    with reading.open_video(path) as video:
        return [(f.time, f.rgb()) for f in video.frames(begin)]


def _comb(pixels):
    pixels = pixels.astype(int)
    between = (pixels[:-2:2] + pixels[2::2]) / 2
    return np.abs(pixels[1:-1:2] - between).mean()


def _error(pixels, number):
    return np.abs(pixels.astype(int) - _moment(number).astype(int)).mean()


@pytest.mark.parametrize("top_first", [True, False])
def test_frames_show_the_first_moment(tmp_path, top_first):
    path = _write(tmp_path / "a.mp4", top_first=top_first)
    frames = _read(path)
    assert len(frames) == 13
    for number, (_, pixels) in enumerate(frames):
        assert _comb(_woven(number, top_first)) > 12
        assert _comb(pixels) < 1.5 * _comb(_moment(2 * number))
        assert _error(pixels, 2 * number) < _error(pixels, 2 * number + 1) / 2


def test_times_stay(tmp_path):
    marked = _read(_write(tmp_path / "a.mkv"))
    plain = _read(_write(tmp_path / "b.mkv", mark=False))
    assert [time for time, _ in marked] == [time for time, _ in plain]


def test_one_frame(tmp_path):
    (only,) = _read(_write(tmp_path / "a.mp4", count=1))
    assert _comb(only[1]) < 1.5 * _comb(_moment(0))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_reading_may_begin_anywhere(tmp_path, name):
    """Also at a key frame, whose neighbour is before it."""
    whole = _read(_write(tmp_path / name))
    for time, pixels in whole:
        later = dict(_read(tmp_path / name, time))
        np.testing.assert_array_equal(later[time], pixels)


def test_what_is_not_marked_stays(tmp_path):
    path = _write(tmp_path / "a.mp4", mark=False)
    with av.open(str(path)) as container:
        plain = [reading.to_rgb(f) for f in container.decode(video=0)]
    np.testing.assert_array_equal([p for _, p in _read(path)], plain)
