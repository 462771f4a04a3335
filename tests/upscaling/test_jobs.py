"""Pairs of folders as people have them."""

import pathlib
import unicodedata

import pytest

from crossnet_tf.upscaling.jobs import Naming, find_jobs, is_many


def _touch(folder: pathlib.Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _found(root: pathlib.Path, lr, ref, **naming):
    jobs, left_out = find_jobs(lr, ref, root / "out", Naming(**naming))
    names = {
        str(job.lr.relative_to(root)): (
            job.ref and str(job.ref.relative_to(root)),
            str(job.output.relative_to(root / "out")),
        )
        for job in jobs
    }
    return names, left_out


def test_names_pair_up_to_the_suffix(tmp_path):
    _touch(tmp_path, "lr/a.png", "lr/b.jfif", "lr/c.tif", "ref/a.JPG")
    _touch(tmp_path, "ref/b.heic", "lr/sub/d.png")
    assert _found(tmp_path, tmp_path / "lr", tmp_path / "ref") == (
        {
            "lr/a.png": ("ref/a.JPG", "a.png"),
            "lr/b.jfif": ("ref/b.heic", "b.png"),
            "lr/c.tif": (None, "c.png"),
        },
        [],
    )


def test_one_reference_serves_all(tmp_path):
    _touch(tmp_path, "lr/a.png", "lr/b.png", "still.png")
    names, _ = _found(tmp_path, tmp_path / "lr", tmp_path / "still.png")
    assert {ref for ref, _ in names.values()} == {"still.png"}


def test_patterns_and_no_reference(tmp_path):
    _touch(tmp_path, "lr/a.png", "lr/b.jpg", "lr/ab.png")
    names, _ = _found(tmp_path, tmp_path / "lr/a*.png", "")
    assert names == {
        "lr/a.png": (None, "a.png"),
        "lr/ab.png": (None, "ab.png"),
    }


def test_trees(tmp_path):
    _touch(tmp_path, "lr/x/a.png", "lr/y/a.png", "ref/x/a.png", "ref/y/a.png")
    names, _ = _found(
        tmp_path, tmp_path / "lr", tmp_path / "ref", recursive=True
    )
    assert names == {
        "lr/x/a.png": ("ref/x/a.png", "x/a.png"),
        "lr/y/a.png": ("ref/y/a.png", "y/a.png"),
    }


@pytest.mark.parametrize(
    ("naming", "expected"),
    [
        (dict(suffix="_x4"), "a_x4.png"),
        (dict(format="webp"), "a.webp"),
        (dict(format="same"), "a.tif"),
    ],
)
def test_outputs_are_called_as_asked(tmp_path, naming, expected):
    _touch(tmp_path, "lr/a.tif")
    names, _ = _found(tmp_path, tmp_path / "lr", "", **naming)
    assert names["lr/a.tif"][1] == expected


def test_same_format_that_is_not_written_is_png(tmp_path):
    _touch(tmp_path, "lr/a.heic")
    names, _ = _found(tmp_path, tmp_path / "lr", "", format="same")
    assert names["lr/a.heic"][1] == "a.png"


def test_names_of_a_mac_equal_those_of_a_camera(tmp_path):
    for kind, form in (("lr", "NFD"), ("ref", "NFC")):
        _touch(tmp_path, f"{kind}/{unicodedata.normalize(form, 'café')}.png")
    ((ref, _),) = _found(tmp_path, tmp_path / "lr", tmp_path / "ref")[
        0
    ].values()
    assert ref == unicodedata.normalize("NFC", "ref/café.png")


def test_junk_is_passed_over_and_the_rest_is_named(tmp_path):
    _touch(tmp_path, "lr/a.png", "lr/Thumbs.db", "lr/.DS_Store", "lr/._a.png")
    _touch(tmp_path, "lr/desktop.ini", "lr/clip.mp4", "lr/raw.cr2")
    (tmp_path / "lr/gone.png").symlink_to("nowhere.png")
    names, left_out = _found(tmp_path, tmp_path / "lr", "")
    assert list(names) == ["lr/a.png"]
    assert [line.split("/lr/")[1] for line in left_out] == [
        "clip.mp4: is no picture (by its suffix).",
        "gone.png: is a link to nothing.",
        "raw.cr2: is no picture (by its suffix).",
    ]


def test_doubtful_names_are_left_out(tmp_path):
    _touch(tmp_path, "lr/a.png", "lr/a.jpg", "lr/b.png", "ref/a.png")
    _touch(tmp_path, "ref/b.png", "ref/b.tif")
    names, left_out = _found(tmp_path, tmp_path / "lr", tmp_path / "ref")
    assert not names
    assert left_out == [f"{n}: several files of this name." for n in "ab"]


def test_output_among_the_inputs_rejects(tmp_path):
    _touch(tmp_path, "lr/a.png", "ref/a.png")
    for output in ("lr", "ref"):
        with pytest.raises(ValueError, match="another folder than `lr`"):
            find_jobs(
                tmp_path / "lr", tmp_path / "ref", tmp_path / output, Naming()
            )


@pytest.mark.parametrize("missing", ["lr", "ref"])
def test_nothing_found_rejects(tmp_path, missing):
    _touch(tmp_path, "lr/a.png", "ref/a.png")
    for path in (tmp_path / missing).iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match=f"`{missing}` must be a pict"):
        _found(tmp_path, tmp_path / "lr", tmp_path / "ref")


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    _touch(tmp_path, "lr/a.png", "ref/a.png")
    jobs, _ = find_jobs("~/lr", "~/ref", "~/out", Naming())
    assert jobs[0].output == tmp_path / "out/a.png"
    assert is_many("~/lr")
    assert not is_many("~/lr/a.png")
