"""Flags are the settings; a mistake is one line; `--help` is quick."""

import dataclasses
import subprocess
import sys
import typing

import pytest
from absl import flags

from crossnet_tf import cli, config

SECTIONS = {
    field.name: type(getattr(config.Config(), field.name))
    for field in dataclasses.fields(config.Config)
}
FIELDS = [
    (section, field.name)
    for section, settings in SECTIONS.items()
    for field in dataclasses.fields(settings)
]


def _run(
    *argv, sections=("model", "data", "train", "eval"), main=None, base=None
):
    """Runs a command; returns its config (if `main` is None) and exit code."""
    values = cli.define_flags(*sections)
    found = []

    def make_config():
        """Docstring of main."""
        found.append(cli.config_from_flags(values, base))

    with pytest.raises(SystemExit) as exit_info:
        cli.run(main or make_config, values, ["prog", *argv])
    return (found[0] if found else None), exit_info.value.code


def _one_line(capsys) -> str:
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    assert "Traceback" not in error
    return error


def test_field_names_are_unique():
    names = [name for _, name in FIELDS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("section", "name"), FIELDS)
def test_each_field_is_a_flag(section, name):
    flag = cli.define_flags(section)[name]
    hint = typing.get_type_hints(SECTIONS[section])[name]
    assert flag.default is None
    assert flag.boolean == (hint is bool)
    assert flag.help


def test_no_flags_give_the_defaults():
    assert _run() == (config.Config(), 0)


def test_each_type_is_parsed():
    settings, _ = _run(
        "--flip",
        "--nocolor_jitter",
        "--num_steps=7",
        "--learning_rate=0.5",
        "--decay_steps=1,2",
        "--decay_factors=0.5,0.25",
        "--schedule=cosine",
        "--dataset",
        "folder:a b",
        "--border=3",
    )
    assert settings.data.flip is True
    assert settings.data.color_jitter is False
    assert settings.train.num_steps == 7
    assert settings.train.learning_rate == 0.5
    assert settings.train.decay_steps == (1, 2)
    assert settings.train.decay_factors == (0.5, 0.25)
    assert settings.train.schedule == "cosine"
    assert settings.data.dataset == "folder:a b"
    assert settings.eval.border == 3


def test_empty_tuple_is_parsed():
    settings, code = _run("--decay_steps=", "--decay_factors=")
    assert code == 0
    assert settings.train.decay_steps == ()


def test_preset_is_where_the_network_begins():
    settings, _ = _run("--width=32", "--preset=lite")
    assert settings.model == config.model_config("lite", width=32)


def test_base_gives_what_flags_leave_out():
    base = config.Config(
        model=config.model_config("official"),
        eval=config.EvalConfig(border=4, channel="y"),
    )
    settings, _ = _run("--border=1", sections=("eval",), base=base)
    assert settings.model == base.model
    assert settings.eval == config.EvalConfig(border=1, channel="y")


def test_single_field_is_defined_alone():
    values = cli.define_flags("eval.max_pixels")
    assert set(values) == {"max_pixels", "debug", "help"}


def test_runs_do_not_leak_into_each_other():
    values = cli.define_flags("eval")
    for argv, border in ((["--border=2"], 2), ([], 0)):
        found = []
        with pytest.raises(SystemExit):
            cli.run(
                lambda: found.append(cli.config_from_flags(values)),  # noqa: B023
                values,
                ["prog", *argv],
            )
        assert found[0].eval.border == border


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--num_stpes=3"], "--num_stpes`; did you mean --num_steps?"),
        (["--zzz=3"], "--zzz`; see --help"),
        (["--num_steps=many"], "--num_steps=many"),
        (["--num_steps=0"], "at least 1. Received: num_steps=0"),
        (["--scale=3"], "[2, 4, 8]. Received: scale=3"),
        (["--schedule=linear"], "schedule=linear"),
        (["--decay_steps=1,x"], "decay_steps=1,x"),
        (["--decay_steps=1,2"], "one value per entry"),
        (["--preset=huge"], "preset=huge"),
        (["--flip=maybe"], "flip=maybe"),
        (["--num_steps"], "Missing value for flag --num_steps"),
        (["runs/a"], "Unexpected argument `runs/a`"),
        (["--flip", "true"], "Unexpected argument `true`"),
        (["--flagfile=missing.cfg"], "missing.cfg"),
    ],
)
def test_wrong_flags_rejects(argv, expected, capsys):
    assert _run(*argv) == (None, 2)
    assert expected in _one_line(capsys)


def test_flag_of_another_command_rejects(capsys):
    assert _run("--width=8", sections=("eval",)) == (None, 2)
    assert "`--width` is not a flag of this command" in _one_line(capsys)


def test_help_calls_required_what_is(capsys):
    """A bound below is no demand, though absl checks it the same way."""
    values = cli.define_flags()
    cli.define_upscaling(values)
    flags.DEFINE_string("lr", None, "LR.", required=True, flag_values=values)
    with pytest.raises(SystemExit):
        cli.run(lambda: None, values, ["prog", "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "(required)" in line] == [
        "      LR. (required)"
    ]


def test_required_flag_rejects(capsys):
    values = cli.define_flags()
    flags.DEFINE_string("run_dir", None, "", required=True, flag_values=values)
    with pytest.raises(SystemExit) as exit_info:
        cli.run(lambda: None, values, ["prog"])
    assert exit_info.value.code == 2
    assert "`--run_dir` is required" in _one_line(capsys)


@pytest.fixture
def flagfile(tmp_path):
    (tmp_path / "inner.cfg").write_text("--border=5\n--channel=y\n")
    path = tmp_path / "outer.cfg"
    path.write_text(
        f"# A comment.\n\n--flagfile={tmp_path / 'inner.cfg'}\n"
        "# Another.\n--num_steps=9\n--flip\n"
    )
    return path


def test_flag_files_nest_and_are_overridden(flagfile):
    settings, _ = _run(f"--flagfile={flagfile}", "--num_steps=10")
    assert settings.eval == config.EvalConfig(border=5, channel="y")
    assert settings.train.num_steps == 10
    assert settings.data.flip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--bordr=1", "did you mean --border?"),
        ("border=1", "Unexpected argument `border=1`"),
        ("--border=1  # Why.", "--border=1  # Why."),
    ],
)
def test_flag_file_rejects(line, expected, tmp_path, capsys):
    path = tmp_path / "wrong.cfg"
    path.write_text(line)
    assert _run(f"--flagfile={path}") == (None, 2)
    assert " ".join(expected.split()) in _one_line(capsys)


def _raiser(error):
    def main():
        raise error

    return main


class DataLossError(Exception):
    """Looks like TensorFlow's."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            ValueError("`a` must be b.\nReceived: a=c."),
            "`a` must be b. Received",
        ),
        (FileNotFoundError(2, "No such file", "x.png"), "No such file: x.png"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (FloatingPointError("not finite at step 3"), "step 3"),
        (MemoryError(), "MemoryError"),
        (
            ModuleNotFoundError("No module", name="skimage.data"),
            "`skimage.data`, which is not installed: pip install "
            "'crossnet_tf[train]'",
        ),
        (DataLossError("corrupted record\n\t [[{{node X}}]]"), "record\n"),
        (
            DataLossError(
                "Graph execution error:\n\nDetected at node X\n"
                "corrupted record\n\t [[{{node X}}]] [Op:Y]"
            ),
            "Error: corrupted record\n",
        ),
        (DataLossError("{{function_node f}} bad [Op:Z]"), "Error: bad"),
    ],
)
def test_mistake_is_one_line(error, expected, capsys):
    assert _run(main=_raiser(error)) == (None, 1)
    line = _one_line(capsys)
    assert line.startswith("Error: ")
    assert expected in line


def test_debug_shows_the_traceback(capsys):
    assert _run("--debug", main=_raiser(ValueError("why"))) == (None, 1)
    error = capsys.readouterr().err
    assert "Traceback" in error
    assert error.endswith("Error: why\n")


def test_own_errors_keep_their_traceback():
    values = cli.define_flags()
    with pytest.raises(ZeroDivisionError):
        cli.run(_raiser(ZeroDivisionError()), values, ["prog"])


def test_a_package_of_nobodys_keeps_its_traceback():
    error = ModuleNotFoundError("No module", name="no_such_package")
    with pytest.raises(ModuleNotFoundError):
        cli.run(_raiser(error), cli.define_flags(), ["prog"])


def test_interrupt_ends_cleanly(capsys):
    assert _run(main=_raiser(KeyboardInterrupt())) == (None, 130)
    assert _one_line(capsys) == "Interrupted.\n"


def test_exit_code_of_main_is_kept():
    assert _run(main=_raiser(SystemExit(143))) == (None, 143)


def test_help_shows_docstring_and_all_flags(capsys):
    main_help = sys.modules[__name__].__doc__
    assert _run("--help", "--no_such_flag") == (None, 0)
    out = capsys.readouterr().out
    assert out.startswith(main_help)
    for _, name in FIELDS:
        assert f"--{name}=" in out or f"--[no]{name}\n" in out
    assert "--preset=crossnet|lite|official|paper|quick" in out
    assert "--scale=2|4|8" in out
    assert "--decay_steps=INT,..." in out
    assert "(default: 150000)" in out
    assert "--flagfile=PATH" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("command", ["train", "evaluate", "upscale"])
def test_help_does_not_load_tensorflow(command, root):
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['{command}', '--help']\n"
        "try:\n"
        f"    runpy.run_module('crossnet_tf.{command}', run_name='__main__')\n"
        "finally:\n"
        "    print('tensorflow' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"python -m crossnet_tf.{command}" in done.stdout
    assert "  --run_dir=TEXT" in done.stdout
    assert done.stdout.endswith("False\n")
    assert not done.stderr


def _aliased(*argv, main=lambda: None):
    values = cli.define_flags()
    flags.DEFINE_string("weights", "none", "What.", flag_values=values)
    cli.define_alias("run_dir", "weights", values)
    cli.define_alias("methods", "weights", values)
    with pytest.raises(SystemExit) as exit_info:
        cli.run(main, values, ["prog", *argv])
    return values["weights"].value, exit_info.value.code


def test_alias_is_the_same_flag(capsys):
    for name in ("weights", "run_dir", "methods"):
        assert _aliased(f"--{name}=a") == ("a", 0)
    assert _aliased() == ("none", 0)
    assert _aliased("--weights=a", "--weights=b") == ("b", 0)
    assert _aliased("--help")[1] == 0
    assert "The same as --weights." in capsys.readouterr().out


@pytest.mark.parametrize(
    "names", [("run_dir", "weights"), ("methods", "run_dir")]
)
def test_alias_and_flag_at_once_rejects(names, capsys):
    for order in (names, names[::-1]):
        assert _aliased(*(f"--{name}=a" for name in order))[1] == 2
        expected = f"Give one of --{names[0]} and --{names[1]}."
        assert expected in _one_line(capsys)


def test_errors_name_the_flag_that_was_given(capsys):
    def main():
        raise FileNotFoundError("`weights` must exist. Received: weights='a'.")

    for name in ("weights", "run_dir"):
        assert _aliased(f"--{name}=a", main=main)[1] == 1
        expected = f"`{name}` must exist. Received: {name}='a'."
        assert expected in _one_line(capsys)
