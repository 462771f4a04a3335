"""Videos as players play them, made here."""

import gc
import struct

import av
import numpy as np
import pytest
import skimage.data

from crossnet_tf.video import orientation, reading

WHOLE = skimage.data.astronaut()
FRAMES = 20


def _write(path, codec="libx264", options=None, bframes=2):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        stream.codec_context.gop_size = 6
        stream.codec_context.max_b_frames = bframes
        for number in range(FRAMES):
            at = 100 + 2 * number
            pixels = WHOLE[40:88, at : at + 64]
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _with_matrix(path, *numbers):
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 44
    fixed = [n * (2**30 if i == 8 else 2**16) for i, n in enumerate(numbers)]
    data[matrix : matrix + 36] = struct.pack(">9i", *fixed)
    path.write_bytes(data)


def _plain(path):
    with av.open(str(path)) as container:
        return [reading.to_rgb(f) for f in container.decode(video=0)]


def _read(path):
    with reading.open_video(path) as video:
        return [(f.number, f.time, f.rgb()) for f in video.frames()]


@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".mkv", ".mov"])
def test_all_frames_are_read_in_order(tmp_path, suffix):
    path = _write(tmp_path / f"a{suffix}")
    numbers, times, frames = zip(*_read(path))
    assert numbers == tuple(range(FRAMES))
    assert list(times) == sorted(set(times))
    np.testing.assert_array_equal(frames, _plain(path))


def test_frames_go_once_they_are_done_with(tmp_path):
    """And not when Python looks for circles, hundreds of frames later."""
    path = _write(tmp_path / "a.mkv")
    gc.collect()
    gc.disable()
    try:
        with reading.open_video(path) as video:
            for _ in video.frames():
                pass
            left = sum(isinstance(o, av.VideoFrame) for o in gc.get_objects())
    finally:
        gc.enable()
    assert left < FRAMES / 2


def test_times_are_seconds_by_the_time_base(tmp_path):
    for suffix in (".avi", ".mkv"):
        path = _write(tmp_path / f"a{suffix}")
        with reading.open_video(path) as video:
            seconds = [f.time * video.time_base for f in video.frames()]
        np.testing.assert_allclose(
            np.float64(seconds), np.arange(FRAMES) / 25, atol=1e-3
        )


def test_frames_before_the_first_key_frame_do_not_count(tmp_path):
    path = _write(tmp_path / "a.mkv", bframes=0)
    cut = tmp_path / "cut.mkv"
    with av.open(str(path)) as source, av.open(str(cut), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if number >= 3 and packet.pts is not None:
                packet.stream = stream
                target.mux(packet)
    _, _, frames = zip(*_read(cut))
    np.testing.assert_array_equal(frames, _plain(path)[6:])


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ((1, 0, 0, 0, 1, 0, 0, 0, 1), lambda x: x),
        ((0, 1, 0, -1, 0, 0, 0, 0, 1), lambda x: np.rot90(x, -1)),
        ((-1, 0, 0, 0, -1, 0, 0, 0, 1), lambda x: np.rot90(x, 2)),
        ((0, -1, 0, 1, 0, 0, 0, 0, 1), lambda x: np.rot90(x, 1)),
        ((-1, 0, 0, 0, 1, 0, 0, 0, 1), lambda x: x[:, ::-1]),
        ((1, 0, 0, 0, -1, 0, 0, 0, 1), lambda x: x[::-1]),
        ((0, 1, 0, 1, 0, 0, 0, 0, 1), lambda x: x.swapaxes(0, 1)),
    ],
)
def test_frames_are_upright(tmp_path, matrix, shown):
    path = _write(tmp_path / "a.mov")
    plain = _plain(path)[0]
    _with_matrix(path, *matrix)
    np.testing.assert_array_equal(_read(path)[0][2], shown(plain))


def test_matrix_of_other_turns_rejects():
    numbers = [int(0.7 * 2**16)] * 2 + [0] + [-int(0.7 * 2**16)] * 2
    with pytest.raises(ValueError, match="other than quarters"):
        orientation.signs(struct.pack("=9i", *numbers, 0, 0, 0, 2**30))


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_rejects(tmp_path, transfer, name):
    kind = {16: "smpte2084", 18: "arib-std-b67"}[transfer]
    params = f"transfer={kind}:colorprim=bt2020:colormatrix=bt2020nc"
    path = _write(tmp_path / "a.mp4", options={"x264-params": params})
    with pytest.raises(ValueError, match=rf"a.mp4`.*HDR \({name}\)"):
        _read(path)


def test_what_is_no_file_rejects(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.mp4` must exist"):
        _read(tmp_path / "none.mp4")
    with pytest.raises(ValueError, match="must be a file"):
        _read(tmp_path)
