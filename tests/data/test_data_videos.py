"""Real videos, made here, through PyAV and into a prepared data set."""

import fractions
import os
import struct

import av
import numpy as np
import pytest
import tensorflow_datasets as tfds

from crossnet_tf import images
from crossnet_tf.data import source_tree
from crossnet_tf.data.video_folder import decoding
from crossnet_tf.data.video_folder import (
    video_folder_dataset_builder as video_folder,
)
from crossnet_tf.video import reading

HEIGHT, WIDTH, FRAMES = 48, 64, 30


def _write(path, codec="libx264", size=(WIDTH, HEIGHT), ratio=None):
    """A bright square that moves to the right, 2 pixels per frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        if ratio:
            stream.codec_context.sample_aspect_ratio = ratio
        stream.codec_context.gop_size = 8
        for number in range(FRAMES):
            pixels = np.full((size[1], size[0], 3), 30, np.uint8)
            pixels[4:12, number : number + 8] = 220
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _all_frames(path):
    with av.open(str(path)) as container:
        return [reading.to_rgb(f) for f in container.decode(video=0)]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mkv", "libx264"),
        ("a.webm", "libvpx-vp9"),
        ("a.avi", "mpeg4"),
        ("a.mov", "mpeg4"),
    ],
)
def test_any_run_of_frames_agrees(tmp_path, name, codec):
    path = _write(tmp_path / name, codec)
    expected, times = _all_frames(path), decoding.frame_times(path)
    assert len(expected) == len(times) == FRAMES
    for start, stop, step in ((0, 5, 1), (13, 21, 1), (5, 30, 4), (29, 30, 1)):
        frames = list(decoding.read_frames(path, times[start:stop:step]))
        np.testing.assert_array_equal(frames, expected[start:stop:step])


def test_prepare_roundtrip(tmp_path):
    one = _write(tmp_path / "in" / "train" / "walk.mp4")
    two = _write(tmp_path / "in" / "test" / "run.MOV")
    config = video_folder.VideoFolderConfig(
        name="short", run_length=5, stride=2, max_frames=10
    )
    builder = video_folder.Builder(data_dir=str(tmp_path), config=config)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=str(tmp_path / "in")
        )
    )
    for split, name, path in (("train", "walk", one), ("test", "run", two)):
        examples = {
            example["scene"].decode(): example
            for example in tfds.as_numpy(builder.as_dataset(split=split))
        }
        names = [f"{split}/{name}/{n:03d}" for n in range(2)]
        assert sorted(examples) == names
        views = [examples[n]["views"] for n in names]
        np.testing.assert_array_equal(
            np.concatenate(views), _all_frames(path)[:20:2]
        )


def test_turned_video_is_upright(tmp_path):
    path = _write(tmp_path / "a.mov")
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 44  # of a phone that is held upright
    data[matrix : matrix + 36] = struct.pack(
        ">9i", 0, 2**16, 0, -(2**16), 0, 0, 0, 0, 2**30
    )
    plain = _all_frames(path)[0]
    path.write_bytes(data)
    (frame,) = decoding.read_frames(path, decoding.frame_times(path)[:1])
    np.testing.assert_array_equal(frame, np.rot90(plain, -1))


def test_damaged_video_rejects(tmp_path):
    path = _write(tmp_path / "a.mp4")
    whole = path.read_bytes()
    for damaged in (b"", b"no video at all", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"a.mp4` must be whole"):
            decoding.frame_times(path)


def test_frames_that_are_gone_rejects(tmp_path):
    path = _write(tmp_path / "a.mkv")
    times = decoding.frame_times(path)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(ValueError, match=r"a.mkv` must be whole"):
        list(decoding.read_frames(path, times))


def test_list_of_other_files_rejects(tmp_path):
    path = tmp_path / "a.mp4"
    _write(tmp_path / "secret.mp4")
    for text in (
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.mp4\n",
        "ffconcat version 1.0\nfile secret.mp4\n",
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"a.mp4` must be whole"):
            decoding.frame_times(path)


@pytest.mark.parametrize("strict", [False, True])
def test_one_bad_video_is_left_out(tmp_path, capsys, strict):
    for name in "abc":
        _write(tmp_path / f"{name}.mp4")
    (tmp_path / "b.mp4").write_bytes(b"no video")
    (tmp_path / "._a.mp4").write_bytes(b"junk")
    os.mkfifo(tmp_path / "d.mp4")
    folders = source_tree.find_folders(tmp_path, tmp_path / "cache")
    builder = video_folder.Builder(data_dir=str(tmp_path / "out"))
    builder.strict = strict
    if strict:
        with pytest.raises(ValueError, match=r"b.mp4` must be whole"):
            builder._find_scenes(folders)
        return
    splits = builder._find_scenes(folders)
    assert {s.name[0] for s in splits["train"]} == {"a"}
    assert {s.name[0] for s in splits["test"]} == {"c"}
    text = capsys.readouterr().err
    assert "Left out `b`: Video `" in text
    assert "Left out `d`: Video `" in text


def test_pixels_that_are_not_square_reject(tmp_path):
    path = _write(tmp_path / "a.mkv", ratio=fractions.Fraction(16, 15))
    with pytest.raises(ValueError, match=r"a.mkv` must have square.*16/15"):
        decoding.frame_times(path)


def test_large_frames_and_long_videos_rejects(tmp_path, monkeypatch):
    path = _write(tmp_path / "a.mp4")
    monkeypatch.setattr(reading, "MAX_FRAMES", 10)
    with pytest.raises(ValueError, match="at most 10 frames"):
        decoding.frame_times(path)
    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"1,000 pixels.*64x48"):
        decoding.frame_times(path)


def test_videos_of_one_name_rejects(tmp_path):
    one = _write(tmp_path / "in" / "walk.mp4")
    one.rename(tmp_path / "in" / "walk.mov")
    _write(tmp_path / "in" / "walk.mp4")
    builder = video_folder.Builder(data_dir=str(tmp_path))
    with pytest.raises(ValueError, match=r"twice: walk/000"):
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(
                manual_dir=str(tmp_path / "in")
            )
        )


def test_too_few_frames_rejects(tmp_path):
    path = _write(tmp_path / "a.mp4")
    config = video_folder.VideoFolderConfig(name="x", stride=100)
    with pytest.raises(FileNotFoundError, match=r"at least 2 frames.*100"):
        video_folder.find_runs("a", path, config)
