"""Videos in, videos out: every frame, the sound, and what a kill leaves."""

import fractions

import av
import numpy as np
import psutil
import pytest
import skimage.data
import small_runs
from PIL import Image

from crossnet_tf import alignment
from crossnet_tf.alignment import Prepared
from crossnet_tf.config import ModelConfig
from crossnet_tf.upscaling import blending, clips, files, references
from crossnet_tf.upscaling.inputs import Inputs
from crossnet_tf.upscaling.options import Options
from crossnet_tf.video import reading, writing

WHOLE = skimage.data.astronaut()
FRAMES, RATE = 10, fractions.Fraction(30000, 1001)


def _hr(number: int) -> np.ndarray:
    return np.ascontiguousarray(WHOLE[40:104, 100 + number : 196 + number])


def _write(path, frames, sound="aac"):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.options = {"crf": "1"}
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        audio = sound and container.add_stream(sound, rate=48000, layout="mono")
        for pixels in frames:
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode())
        if sound:
            tone = np.sin(np.arange(16384, dtype=np.float32) / 20)[None]
            for begin in range(0, 16384, 1024):
                block = av.AudioFrame.from_ndarray(
                    tone[:, begin : begin + 1024], format="fltp", layout="mono"
                )
                block.sample_rate, block.pts = 48000, begin
                container.mux(audio.encode(block))
            container.mux(audio.encode())
    return path


def _read(path):
    with reading.open_video(path) as video:
        return [
            (frame.time * video.time_base, frame.rgb())
            for frame in video.frames()
        ]


def _sound(path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(audio=0) if p.size]


@pytest.fixture
def lr(tmp_path):
    small = [
        np.asarray(Image.fromarray(_hr(n)).resize((24, 16), Image.BICUBIC))
        for n in range(FRAMES)
    ]
    return _write(tmp_path / "lr.mp4", small)


@pytest.fixture
def run_dir(tmp_path, monkeypatch):
    small_runs.use_small(monkeypatch)
    small_runs.make_run(tmp_path / "run")
    monkeypatch.setattr(clips, "SEGMENT", 4)
    return tmp_path / "run"


@pytest.fixture
def stills(tmp_path):
    folder = tmp_path / "stills"
    folder.mkdir()
    for number in (0, 9):
        Image.fromarray(_hr(number)).save(folder / f"wide_{number:04d}.png")
    return folder


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_times_and_sound_are_kept(run_dir, lr, stills, suffix):
    output = lr.with_name(f"out{suffix}")
    summary = files.upscale(run_dir, lr, stills, output)
    assert summary.done == [output]
    before, after = _read(lr), _read(output)
    assert len(after) == FRAMES
    assert {frame.shape for _, frame in after} == {(64, 96, 3)}
    # Matroska begins at 0: with sound that begins earlier, all moves along.
    for (was, _), (now, _) in zip(before, after):
        moved = (now - after[0][0]) - (was - before[0][0])
        assert abs(moved) <= fractions.Fraction(1, 1000)
    assert _sound(output) == _sound(lr)
    left = {path.name for path in lr.parent.iterdir()}
    assert left == {"lr.mp4", "run", "stills", output.name}


@pytest.mark.slow
def test_300_frames_take_no_more_memory_than_50(tmp_path, stills, monkeypatch):
    small = [
        np.asarray(Image.fromarray(_hr(n % FRAMES)).resize((24, 16)))
        for n in range(300)
    ]
    lr, output = _write(tmp_path / "long.mp4", small), tmp_path / "out.mp4"
    process, taken = psutil.Process(), []
    frame = clips._Frames.__call__

    def counted(frames, *given):
        taken.append(process.memory_info().rss)
        return frame(frames, *given)

    monkeypatch.setattr(clips._Frames, "__call__", counted)
    files.upscale("bicubic-x4", lr, stills, output)
    assert [time for time, _ in _read(output)] == [t for t, _ in _read(lr)]
    assert len(taken) == 300
    assert _sound(output) == _sound(lr)
    assert np.mean(taken[-20:]) - np.mean(taken[40:60]) < 20e6


def test_a_killed_run_goes_on(run_dir, lr, stills, monkeypatch):
    whole = lr.with_name("whole.mp4")
    files.upscale(run_dir, lr, stills, whole)
    write, calls = writing.write_segment, []

    def killed(path, *rest):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(path)
        return write(path, *rest)

    output = lr.with_name("out.mp4")
    with monkeypatch.context() as patch:
        patch.setattr(writing, "write_segment", killed)
        with pytest.raises(KeyboardInterrupt):
            files.upscale(run_dir, lr, stills, output)
    assert not output.exists()
    done = []
    monkeypatch.setattr(
        writing, "write_segment", lambda *a: done.append(a[0]) or write(*a)
    )
    files.upscale(run_dir, lr, stills, output)
    assert [path.name for path in done] == ["000002.nut"]
    for (_, one), (_, other) in zip(_read(whole), _read(output)):
        np.testing.assert_array_equal(one, other)


def test_segments_with_other_flags_do_not_count(run_dir, lr, stills):
    job = clips._job(run_dir, lr, stills, Options())
    for name, value in (("match", "none"), ("margin", 16), ("max_side", 512)):
        other = Options(**{name: value})
        assert clips._job(run_dir, lr, stills, other) != job
    same = Options(skip_existing=True, max_pixels=10**6)
    assert clips._job(run_dir, lr, stills, same) == job


def test_segments_of_another_job_do_not_count(run_dir, lr, stills):
    output = lr.with_name("out.mp4")
    parts = lr.with_name(".out.mp4.parts")
    parts.mkdir()
    (parts / "000000.nut").write_bytes(b"of another video")
    files.upscale(run_dir, lr, stills, output)
    assert len(_read(output)) == FRAMES


def test_sound_that_does_not_fit_rejects(run_dir, lr, stills):
    with pytest.raises(ValueError, match=r"hold the audio.*aac.*\.mkv"):
        files.upscale(run_dir, lr, stills, lr.with_name("out.webm"))


@pytest.mark.parametrize(
    ("name", "message"),
    [("out.avi", "must end in one of"), ("no/out.mp4", "folder must exist"),
     ("lr.mp4", "must not be one of the inputs")],
)  # fmt: skip
def test_output_rejects(run_dir, lr, stills, name, message):
    before = lr.read_bytes()
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        files.upscale(run_dir, lr, stills, lr.parent / name)
    assert lr.read_bytes() == before


def test_a_clip_that_is_the_reference_is_not_written_over(run_dir, lr):
    ref = _write(lr.with_name("ref.mp4"), [_hr(0)] * 2)
    before = ref.read_bytes()
    with pytest.raises(ValueError, match="must not be one of the inputs"):
        files.upscale(run_dir, lr, ref, ref)
    assert ref.read_bytes() == before


def test_colours_survive(tmp_path):
    source = _write(tmp_path / "a.mkv", [_hr(n) for n in range(4)], sound=None)
    with reading.open_video(source) as video:
        frames = [(f.time, f.rgb()) for f in video.frames()]
        path = tmp_path / "a.nut"
        assert writing.write_segment(path, frames, video, "libx264") == 4
    writing.join([path], source, tmp_path / "b.mkv")
    for (_, one), (_, other) in zip(frames, _read(tmp_path / "b.mkv")):
        difference = np.float32(one) - other
        # 0.1 to 0.36: x264 does not always write the same file.
        assert np.abs(difference.mean((0, 1))).max() < 0.5
        assert np.abs(difference).mean() < 2


def test_stills_around_a_time(stills):
    second = fractions.Fraction(1)
    with references.open_references(stills, 3 * second) as near:
        for time, expected in (
            (0, [0]),
            (second, [1, 2]),
            (3 * second, [0]),
            (4 * second, [1]),
        ):
            assert [distance for distance, _ in near(time)] == expected


def test_clip_around_a_time(tmp_path):
    frames = [np.full((16, 16, 3), 40 * n, np.uint8) for n in range(4)]
    path = _write(tmp_path / "a.mp4", frames, sound=None)
    with references.open_references(path, RATE) as near:
        between = near(fractions.Fraction(3, 2) / RATE)
        exact = near(2 / RATE)
    assert len(between) == 2
    assert between[0][0] == between[1][0] == fractions.Fraction(1, 2) / RATE
    ((distance, picture),) = exact
    assert distance == 0
    np.testing.assert_allclose(picture, 80 / 255, atol=0.02)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a_0015.png", 3), ("2.5s.jpg", 2.5), ("cam2_shot_10.png", 2)],
)
def test_still_time(tmp_path, name, expected):
    time = references.still_time(tmp_path / name, fractions.Fraction(5))
    assert time == expected


def test_stills_without_numbers_reject(tmp_path):
    with pytest.raises(ValueError, match=r"which frame.*wide.png"):
        references.still_time(tmp_path / "wide.png", fractions.Fraction(5))


def test_blend_prefers_what_explains_lr():
    hr = np.float32(_hr(0)) / 255
    lr = hr.reshape(16, 4, 24, 4, 3).mean((1, 3))
    still = np.zeros((64, 96, 2), np.float32)
    good = blending.explained(lr, hr, still, 4)
    bad = blending.explained(lr, hr[::-1].copy(), still, 4)
    assert good.mean() > 0.8
    assert bad.mean() < 0.4
    mixed = blending.blended([hr, hr[::-1]], [good, bad], [1.0, 1.0])
    assert np.abs(mixed - hr).mean() < 0.25 * np.abs(hr[::-1] - hr).mean()
    near = blending.blended([hr, hr[::-1]], [good, good], [0.0, 1.0])
    np.testing.assert_allclose(near, hr, atol=1e-6)


def test_options_reach_clips(run_dir, lr, stills):
    output = lr.with_name("out.mkv")
    files.upscale(run_dir, lr, stills, output, Options(width=48))
    assert _read(output)[0][1].shape == (32, 48, 3)


def test_values_of_the_frames_come_back(monkeypatch):
    """What matching did, such as linear light, is undone before mixing."""
    monkeypatch.setattr(
        clips,
        "network_frames",
        lambda *_: lambda lr: Inputs(lr, np.repeat(
            np.repeat(lr, 4, 0), 4, 1), finished=lambda sr: 1 - sr),
    )  # fmt: skip
    frames = clips._Frames("bicubic-x4", Options(), ModelConfig(scale=4))
    frame = np.full([8, 12, 3], 51, np.uint8)
    near = [(fractions.Fraction(0), np.zeros([9, 9, 3], np.float32))]
    np.testing.assert_array_equal(frames(frame, near), 204)


@pytest.mark.parametrize(
    ("system", "follows"), [("quick", True), ("crossnet", False)]
)
def test_frames_are_matched_as_the_network_wants(monkeypatch, system, follows):
    asked = []

    def steady(ref, scale, align, match, follows_tone):
        asked.append(follows_tone)
        black = np.zeros([32, 48, 3], np.float32)
        return lambda lr: Prepared(lr, black, None, ())

    monkeypatch.setattr(alignment, "SteadyRef", steady)
    model = ModelConfig(system=system, scale=4)
    frames = clips._Frames("bicubic-x4", Options(), model)
    near = [(fractions.Fraction(0), np.zeros([9, 9, 3], np.float32))]
    frames(np.zeros([8, 12, 3], np.uint8), near)
    assert asked == [follows]


def test_a_still_of_another_tone_is_matched_once(monkeypatch):
    """REF of the right size is matched, too, and for all of its frames."""
    still = np.float32(WHOLE[100:356, 100:356] / 255) ** 1.25
    hr = [WHOLE[100:356, 100 + n : 356 + n] for n in range(3)]
    small = [
        np.asarray(Image.fromarray(p).resize((64, 64), Image.BICUBIC))
        for p in hr
    ]
    seen = []

    class Network:
        def __call__(self, lr, ref, names, cover):
            seen.append(ref)
            return {"sr": ref}

    monkeypatch.setattr(clips, "load_upscaler", lambda *_: Network())
    frames = clips._Frames("none", Options(), ModelConfig(scale=4))
    for frame in small:
        frames(frame, [(fractions.Fraction(0), still)])
    assert all(ref is seen[0] for ref in seen)
    before, after = (np.abs(p - hr[0] / 255).mean() for p in (still, seen[0]))
    assert after < 0.2 * before
