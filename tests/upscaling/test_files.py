"""What surrounds the network: colours, alpha, sizes, work side by side."""

import io
import re
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest
import skimage.data
from PIL import Image

from crossnet_tf import images
from crossnet_tf.upscaling import colors, files
from crossnet_tf.upscaling.jobs import Job
from crossnet_tf.upscaling.options import Options, Summary
from crossnet_tf.upscaling.overlap import overlapped
from crossnet_tf.upscaling.sizes import OutputSize, resized
from crossnet_tf.upscaling.tile_bar import TileBar
from crossnet_tf.upscaling.work import Work

PHOTO = skimage.data.astronaut()[:64, 160:256]


@pytest.fixture
def pair(tmp_path):
    """Paths of LR, REF and the folder."""
    ref = Image.fromarray(PHOTO)
    ref.save(tmp_path / "ref.png")
    ref.resize((24, 16), Image.BICUBIC).save(tmp_path / "lr.png")
    return tmp_path / "lr.png", tmp_path / "ref.png", tmp_path


def _upscaled(pair, name="out.png", **options):
    lr, ref, folder = pair
    summary = files.upscale(
        "patchmatch-x4", lr, ref, folder / name, Options(**options)
    )
    return images.read_picture(folder / name), summary


def test_grey_stays_grey_beside_a_colour_reference(pair):
    Image.open(pair[0]).convert("L").save(pair[0])
    result, _ = _upscaled(pair)
    assert result.grey
    assert result.rgb.shape == (64, 96, 3)


def test_alpha_is_enlarged(pair):
    small = Image.open(pair[0]).convert("RGBA")
    mask = np.zeros((16, 24), np.uint8)
    mask[:, 12:] = 255
    pixels = np.asarray(small).copy()
    pixels[mask == 0] = (255, 0, 255, 0)  # hidden, and far from the scene
    Image.fromarray(pixels).save(pair[0])
    result, _ = _upscaled(pair)
    assert result.alpha.shape == (64, 96)
    np.testing.assert_allclose(result.alpha[:, 60:], 1, atol=0.01)
    np.testing.assert_allclose(result.alpha[:, :36], 0, atol=0.01)
    shown = result.rgb[:, 52:] - PHOTO[:, 52:] / 255
    assert np.abs(shown).mean() < 0.06


def test_filled_takes_neighbours_colours():
    rgb = np.zeros((8, 8, 3), np.float32)
    alpha = np.zeros((8, 8), np.float32)
    rgb[3:5, 3:5], alpha[3:5, 3:5] = 0.5, 1
    np.testing.assert_allclose(colors.filled(rgb, alpha), 0.5, atol=1e-6)
    nothing = colors.filled(rgb, np.zeros_like(alpha))
    assert np.isfinite(nothing).all()
    assert colors.filled(rgb, None) is rgb


def test_profile_of_lr_is_kept(pair, tmp_path):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    data = bytearray(profile.tobytes())
    red, green = data.index(b"rXYZ"), data.index(b"gXYZ")
    data[red : red + 4], data[green : green + 4] = b"gXYZ", b"rXYZ"
    exchanged = Image.open(pair[0])
    blue = exchanged.split()
    Image.merge("RGB", (blue[1], blue[0], blue[2])).save(
        pair[0], icc_profile=bytes(data)
    )
    result, _ = _upscaled(pair)
    assert result.profile == bytes(data)
    seen = result.rgb[..., [1, 0, 2]]  # in sRGB
    assert np.abs(seen - PHOTO / 255).mean() < 0.05


@pytest.mark.parametrize(
    ("options", "size"),
    [
        (dict(scale=2.5), (40, 60)),
        (dict(width=50), (33, 50)),
        (dict(height=128), (128, 192)),
        (dict(width=31, height=17), (17, 31)),
        ({}, (64, 96)),
    ],
)
def test_output_sizes(pair, options, size):
    result, _ = _upscaled(pair, **options)
    assert result.rgb.shape == (*size, 3)


def test_sizes_reject_two_wishes():
    with pytest.raises(ValueError, match="not both.*scale=2.*width=100"):
        OutputSize(scale=2.0, width=100)


def test_resized_keeps_flat_pictures():
    flat = np.full((40, 61, 3), 0.3, np.float32)
    for size in ((20, 30), (33, 47), (100, 151), (1, 1)):
        result = resized(flat, size)
        assert result.shape == (*size, 3)
        np.testing.assert_allclose(result, 0.3, atol=1e-5)
    assert resized(flat, (40, 61)) is flat


def test_notes_say_what_is_lost(pair):
    exif = Image.Exif()
    exif[0x0132] = "2020:01:02 03:04:05"
    Image.open(pair[0]).save(pair[0], exif=exif)
    _, summary = _upscaled(pair, "out.tif")
    assert summary.notes == ["lr.png: its EXIF data are not kept in tiff."]
    result, summary = _upscaled(pair, "out.jpg")
    assert result.exif
    assert not summary.notes


def test_long_names_are_written(pair):
    name = "\u9577" * 83 + ".png"  # 253 bytes
    assert _upscaled(pair, name)[1].done == [pair[2] / name]


def test_hard_links_of_inputs_are_not_written(pair):
    link = pair[2] / "link.png"
    link.hardlink_to(pair[0])
    before = pair[0].read_bytes()
    with pytest.raises(ValueError, match="must not be one of the inputs"):
        files.upscale("patchmatch-x4", pair[0], pair[1], link)
    assert pair[0].read_bytes() == before


def test_overlapped_goes_on_after_errors():
    threads = set()

    def read(item):
        threads.add(threading.current_thread().name)
        if item == 1:
            raise ValueError("read")
        return item

    def work(item):
        if item == 2:
            raise ValueError("work")
        return item

    written = []

    def write(item):
        if item == 3:
            raise OSError("write")
        written.append(item)

    done = list(overlapped(range(6), read, work, write, (ValueError, OSError)))
    assert [item for item, _ in done] == list(range(6))
    assert [str(error) for _, error in done if error] == [
        "read",
        "work",
        "write",
    ]
    assert written == [0, 4, 5]
    assert threading.current_thread().name not in threads


@pytest.mark.parametrize(("small", "ahead"), [(True, 4), (False, 1)])
def test_overlapped_reads_small_items_further_ahead(small, ahead):
    read, waiting = [], []

    def work(item):
        patience = time.monotonic() + 20
        while len(read) <= ahead and time.monotonic() < patience:
            time.sleep(0.01)
        time.sleep(0.05)  # it must not go on
        if not waiting:
            waiting.append(len(read) - 1)

    steps = read.append, work, id, (ValueError,), lambda found: small
    assert [item for item, _ in overlapped(range(8), *steps)] == [*range(8)]
    assert waiting == [ahead]


def test_overlapped_passes_mistakes_on():
    def work(item):
        raise KeyError(item)

    with pytest.raises(KeyError):
        list(overlapped([1], lambda x: x, work, print, (ValueError,)))


def test_page_shows_before_and_after(pair, monkeypatch, tmp_path):
    import small_runs

    small_runs.use_small(monkeypatch)
    small_runs.make_run(tmp_path / "run")
    lr, ref, folder = pair
    page = folder / "look & see.html"
    options = Options(
        compare=str(page), hr=str(ref), align="none", match="none"
    )
    files.upscale(tmp_path / "run", lr, ref, folder / "a<b>.png", options)
    text = page.read_text()
    assert text.count("data:image/png;base64,") == 7
    assert "a&lt;b&gt;.png" in text
    assert "<b>.png" not in text
    assert "http" not in text.replace("http-equiv", "")
    for label in ("LR", "Upsampler", "Result"):
        assert f"<tr><td>{label}</td><td>" in text


def test_page_is_for_one_pair(pair):
    with pytest.raises(ValueError, match="for a single pair"):
        files.upscale(
            "patchmatch-x4", pair[2], pair[1], pair[2] / "out",
            Options(compare="page.html"),
        )  # fmt: skip


def test_truth_of_another_size_rejects(pair):
    options = Options(compare=str(pair[2] / "page.html"), hr=str(pair[0]))
    with pytest.raises(ValueError, match="REF must be"):
        files.upscale(
            "patchmatch-x4", pair[0], pair[1], pair[2] / "out.png", options
        )
    assert not (pair[2] / "out.png").exists()


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [_Terminal, io.StringIO])
def test_bar_of_tiles_shows_on_a_terminal_only(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream())
    with TileBar("big.png") as bar:
        bar.show(1, 9)
        bar.show(2, 4)  # the tiles had to be made smaller
        bar.show(4, 4)
    text = sys.stderr.getvalue()
    if stream is io.StringIO:
        assert not text
        return
    assert "big.png:  11%" in text
    assert "4/4" in text
    assert not text.rsplit("\r")[-1].strip(), "the bar must be taken away"


def test_tiles_are_told_without_a_terminal(pair):
    told = []
    work = Work(
        "patchmatch-x4",
        Options(max_side=48, margin=0, match="none"),
        progress=lambda *numbers: told.append(numbers),
    )
    work.do(Job(pair[0], pair[1], pair[2] / "out.png"))
    assert told[-1] == (len(told), len(told))
    assert len(told) > 1


def test_finishing_takes_no_second_picture(pair):
    picture = images.read_picture(pair[0])
    sr = np.full([600, 500, 3], 1.5, np.float32)
    tracemalloc.start()
    rgb = colors.finished(sr, picture, None).rgb
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rgb.max() == 1
    assert peak < sr.nbytes / 4


def test_summary_says_the_time_for_a_megapixel(pair):
    _, summary = _upscaled(pair)
    assert summary.pixels == 64 * 96
    assert 0 < summary.network_seconds < summary.seconds
    line = str(summary).splitlines()[1]
    assert re.fullmatch(
        r"0\.00614 megapixels in [\d.]+ s: [\d.e+]+ s per megapixel, "
        r"[\d.e+]+ s in the network\.",
        line,
    )


def test_summary_without_pictures_has_no_time():
    assert "megapixel" not in str(Summary())
