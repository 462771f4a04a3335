"""`crossnet COMMAND`: finds it, or says what to do next."""

import importlib
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from crossnet_tf import images
from crossnet_tf.cli import program


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as exit_info:
        program.main(["crossnet", *words])
    return exit_info.value.code


@pytest.mark.parametrize("name", program.COMMANDS)
def test_every_command_has_help(name, capsys):
    assert _run(*name.split(), "--help") == 0
    text = capsys.readouterr().out
    assert "--[no]debug" in text
    module = importlib.import_module(program.COMMANDS[name][0])
    assert module.__doc__.strip().splitlines()[0] in text


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",)])
def test_help_lists_all(words, capsys):
    assert _run(*words) == 0
    text = capsys.readouterr().out
    assert all(f"  {name}  " in text for name in program.COMMANDS)


def test_version(capsys):
    assert _run("--version") == 0
    assert capsys.readouterr().out.startswith("crossnet_tf 0.")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["upscal"], "Did you mean `upscale`?"),
        (["nonsense"], "`crossnet --help` lists them all"),
        (["export"], "needs a kind: export saved_model, export tflite"),
        (["export", "--weights=x"], "needs a kind"),
        (["export", "tflit"], "Did you mean `export tflite`?"),
    ],
)
def test_unknown_command_rejects(words, message, capsys):
    assert _run(*words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_pair_is_upscaled(tmp_path, rng):
    images.write_image(tmp_path / "lr.png", rng.random((16, 24, 3)))
    images.write_image(tmp_path / "ref.png", rng.random((64, 96, 3)))
    code = _run(
        "upscale", "--weights=bicubic-x4", f"--lr={tmp_path}/lr.png",
        f"--ref={tmp_path}/ref.png", f"--output={tmp_path}/sr.png",
        "--align=none", "--match=none",
    )  # fmt: skip
    assert code == 0
    sr = images.read_image(tmp_path / "sr.png")
    assert sr.shape == (64, 96, 3)
    assert np.isfinite(sr).all()


def test_missing_package_is_named(monkeypatch, capsys):
    def missing(name):
        raise ModuleNotFoundError("No module", name="tensorflow_datasets.core")

    monkeypatch.setattr(program.importlib, "import_module", missing)
    assert _run("train") == 1
    assert "pip install 'crossnet_tf[train]'" in capsys.readouterr().err


def test_flag_files_are_found_by_name_from_anywhere(tmp_path, root):
    """Also without .cfg; a file of that name in the folder goes first."""
    program_text = (
        "from crossnet_tf import cli, train\n"
        "cli.run(lambda: print(train.FLAGS.num_steps), train.FLAGS)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(program_text)

    def steps(flagfile: str) -> str:
        return subprocess.run(
            [sys.executable, script, f"--flagfile={flagfile}", "--run_dir=x"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(root)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    text = (root / "flags" / "quickstart.cfg").read_text()
    expected = text.split("--num_steps=")[1].split()[0]
    assert steps("quickstart") == steps("quickstart.cfg") == expected
    pathlib.Path(tmp_path / "quickstart").write_text("--num_steps=7\n")
    assert steps("quickstart") == "7"


@pytest.mark.parametrize("module", ["crossnet_tf", "crossnet_tf.cli.program"])
def test_the_program_is_a_module_as_well(module, root):
    def output(*words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", module, *words],
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
        )

    version = output("--version")
    assert version.stdout.startswith("crossnet_tf ")
    assert version.returncode == 0
    unknown = output("upscle")
    assert unknown.returncode == 2
    assert "Did you mean `upscale`?" in unknown.stderr
