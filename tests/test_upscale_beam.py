"""A table of pairs on Beam: the same pictures, failures on a list."""

import json
import re

import numpy as np
import pytest
import skimage.data
from PIL import Image

from crossnet_tf import cli, images, upscale_beam
from crossnet_tf.upscaling import files
from crossnet_tf.upscaling.options import Options

# No training and no tracing of a network: most of the time is Beam's own.
PHOTO = skimage.data.astronaut()[:64, 160:256]


@pytest.fixture
def table(tmp_path):
    """Three good pairs, one of them without REF, and three bad ones."""
    for name in ("a", "b", "c"):
        ref = Image.fromarray(np.roll(PHOTO, 7 * ord(name), 1))
        ref.save(tmp_path / f"{name}_ref.png")
        ref.resize((24, 16), Image.BICUBIC).save(tmp_path / f"{name}.png")
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    rows = [
        "lr,ref,output",
        "a.png,a_ref.png,out/a.png",
        "torn.png,a_ref.png,out/torn.png",
        "b.png,b_ref.png,out/b.jpg",
        "nowhere.png,b_ref.png,out/nowhere.png",
        ",b_ref.png,out/unnamed.png",
        "c.png,,out/c.tif",
    ]
    path = tmp_path / "pairs.csv"
    path.write_text("\n".join(rows))
    return path


def _command(manifest, *more, weights="bicubic-x4"):
    argv = ["upscale_beam", f"--weights={weights}", f"--manifest={manifest}"]
    with pytest.raises(SystemExit) as exit_info:
        cli.run(upscale_beam.main, upscale_beam.FLAGS, [*argv, *more])
    return exit_info.value.code


def _check_pictures(folder, weights="bicubic-x4"):
    for lr, ref, output in (
        ("a.png", "a_ref.png", "a.png"),
        ("b.png", "b_ref.png", "b.jpg"),
        ("c.png", "", "c.tif"),
    ):
        ref = folder / ref if ref else ""
        alone = folder / f"alone_{output}"
        files.upscale(weights, folder / lr, ref, alone, Options())
        assert alone.read_bytes() == (folder / "out" / output).read_bytes()


def test_pictures_are_those_of_upscale_and_failures_are_listed(table, capsys):
    folder = table.parent
    assert _command(table) == 1
    said = capsys.readouterr()
    assert "3 written, 3 not done." in said.out
    listed = folder / "pairs.failures.jsonl"
    assert str(listed) in said.err.splitlines()[-1]
    found = [json.loads(line) for line in listed.read_text().splitlines()]
    assert [failure["line"] for failure in found] == [3, 5, 6]
    assert "torn.png" in found[0]["reason"]
    assert "nowhere.png" in found[1]["reason"]
    assert found[2]["reason"] == "`lr` is missing."
    names = sorted(path.name for path in (folder / "out").iterdir())
    assert names == ["a.png", "b.jpg", "c.tif"], "nothing else, no halves"
    _check_pictures(folder)


def test_goes_on_and_failures_are_a_table(table, capsys):
    folder = table.parent
    (folder / "out").mkdir()
    (folder / "out" / "a.png").write_bytes(b"kept")
    assert _command(table, "--skip_existing", "--failures=" + str(
        folder / "left.jsonl")) == 1  # fmt: skip
    assert "2 written, 1 there already, 3 not done." in capsys.readouterr().out
    assert (folder / "out" / "a.png").read_bytes() == b"kept"
    images.write_image(folder / "torn.png", np.zeros((16, 24, 3)))
    images.write_image(folder / "nowhere.png", np.zeros((16, 24, 3)))
    rest = folder / "left.jsonl"
    assert _command(rest, "--match=none", "--align=none") == 1
    assert "2 written, 1 not done." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("--pipeline_options=--runer=X", "options of Apache Beam.*runer"),
        ("--pipeline_options=loose", "options of Apache Beam.*loose"),
        ("--weights=nothing", "nothing"),
        ("--manifest=nowhere.csv", "nowhere.csv"),
        ("--failures={table}", "another file than `manifest`"),
    ],
)
def test_mistakes_reject_in_one_line(table, capsys, more, message):
    assert _command(table, more.format(table=table)) == 1
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert line.startswith("Error: ")
    assert re.search(message, line)
    assert not (table.parent / "out").exists()


@pytest.mark.slow
def test_two_processes_with_a_network(table, capsys):
    """Each process loads the network; pictures are the same to the bit."""
    options = "--direct_num_workers=2 --direct_running_mode=multi_processing"
    code = _command(
        table, f"--pipeline_options={options}", weights="crossnet-lite-x4"
    )
    assert code == 1
    assert "3 written, 3 not done." in capsys.readouterr().out
    _check_pictures(table.parent, "crossnet-lite-x4")
