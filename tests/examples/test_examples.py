"""The examples run as they are, and say what they should."""

import json
import pathlib
import re
import runpy

import numpy as np
import pytest

from crossnet_tf import images

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "examples"
NOTEBOOK = FOLDER / "tour.ipynb"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a script in an empty folder and returns what it printed."""
    monkeypatch.chdir(tmp_path)

    def call(name: str) -> str:
        runpy.run_path(str(FOLDER / name), run_name="__main__")
        return capsys.readouterr().out

    return call


@pytest.mark.slow  # traces the whole network: the tests of upscale do, too
def test_upscale_pictures(run, tmp_path):
    out = run("upscale_pictures.py")
    assert float(re.search(r"([+-]\d+\.\d+) dB over bicubic", out)[1]) > 3
    sr = images.read_image(tmp_path / "runs" / "examples" / "sr.png")
    assert sr.shape == (256, 256, 3)


def test_look_inside(run, tmp_path):
    out = run("look_inside.py")
    assert 5 < float(re.search(r"displacement: (\d+\.\d)", out)[1]) < 60
    strip = images.read_image(tmp_path / "runs" / "examples" / "inside.png")
    assert strip.shape[1] > 7 * 192


def test_compare_systems(run):
    rows = re.findall(
        r"\| (\w+) \| (\d+\.\d+) \| (0\.\d+) \|", run("compare_systems.py")
    )
    values = {name: (float(psnr), float(ssim)) for name, psnr, ssim in rows}
    assert set(values) == {"bicubic", "patchmatch", "lite"}
    assert np.subtract(values["lite"], values["bicubic"]).min() > 0.1


def _cells(kind: str) -> list[dict]:
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == kind]


def test_notebook_is_kept_without_outputs():
    assert len(_cells("code")) >= 5
    for cell in _cells("code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.slow
def test_notebook_runs(capsys):
    names: dict = {}
    for cell in _cells("code"):
        exec("".join(cell["source"]), names)  # as a kernel does, in order
    out = capsys.readouterr().out
    assert float(re.search(r"([+-]\d+\.\d+) dB over bicubic", out)[1]) > 3
    assert float(re.search(r"LR alone: (-?\d+\.\d+) dB", out)[1]) < 0.2


def test_every_example_is_listed():
    text = (FOLDER / "README.md").read_text("utf-8")
    files = {p.name for p in FOLDER.iterdir() if p.suffix in (".py", ".ipynb")}
    assert files == set(re.findall(r"^\| `([\w.]+)` \|", text, re.MULTILINE))
