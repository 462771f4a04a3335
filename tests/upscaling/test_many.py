"""Folders of many pictures: bad ones among good ones, and a thousand."""

import sys
import time

import numpy as np
import psutil
import pytest
import skimage.data
from PIL import Image

from crossnet_tf.upscaling import files
from crossnet_tf.upscaling.options import Options

PHOTO = skimage.data.astronaut()[:64, 160:256]
GOOD, BAD = 10, 40
PLAIN = Options(align="none", match="none")


def _save_pair(folder, name):
    ref = Image.fromarray(PHOTO)
    for kind in ("lr", "ref"):
        (folder / kind).mkdir(exist_ok=True)
    ref.save(folder / "ref" / f"{name}.png")
    ref.resize((24, 16), Image.BICUBIC).save(folder / "lr" / f"{name}.png")


def _damage(path, kind):
    whole = path.read_bytes()
    damaged = {
        0: b"",
        1: whole[: len(whole) // 2],
        2: b"\xff\xd8\xff" + whole,
        3: whole[:40] + bytes(20) + whole[60:],
        4: b"no picture at all\n" * 9,
    }
    path.write_bytes(damaged[kind])


@pytest.mark.slow
def test_forty_bad_pairs_among_ten_good_are_named(tmp_path):
    bad = set()
    for number in range(GOOD + BAD):
        name = f"pair{number:02d}"
        _save_pair(tmp_path, name)
        if number % 5:
            which = ("lr", "ref")[number % 2]
            _damage(tmp_path / which / f"{name}.png", number // 2 % 5)
            bad.add(name)
    places = (tmp_path / kind for kind in ("lr", "ref", "out"))
    summary = files.upscale("bicubic-x4", *places, PLAIN)
    written = {path.stem for path in (tmp_path / "out").iterdir()}
    assert len(written) == GOOD
    assert not written & bad
    assert len(summary.problems) == BAD
    assert all(any(n in line for line in summary.problems) for n in bad)


@pytest.mark.slow
def test_a_thousand_pairs_take_no_more_memory_than_a_hundred(
    tmp_path, monkeypatch
):
    for number in range(1000):
        _save_pair(tmp_path, f"pair{number:04d}")
    process, taken = psutil.Process(), []
    write = files.Work.write

    def counted(work, result):
        write(work, result)
        taken.append(process.memory_info().rss)

    monkeypatch.setattr(files.Work, "write", counted)
    begin = time.process_time()
    places = (tmp_path / kind for kind in ("lr", "ref", "out"))
    summary = files.upscale("bicubic-x4", *places, PLAIN)
    spent = time.process_time() - begin
    assert len(summary.done) == 1000
    growth = (np.mean(taken[-50:]) - np.mean(taken[100:150])) / 2**20
    print(f"{growth:.1f} MB more, {spent:.1f} s of CPU", file=sys.stderr)
    assert growth < 20
