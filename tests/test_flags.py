"""Every flag file does what it says, and says only what is not the default."""

import pathlib

import pytest

from crossnet_tf import cli, config, train
from crossnet_tf.storage import runs

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILES = sorted(path.name for path in (ROOT / "flags").glob("*.cfg"))


def _config(name: str, *more: str) -> config.Config:
    argv = ["train", f"--flagfile={ROOT / 'flags' / name}", *more]
    found = []

    def main():
        found.append(cli.config_from_flags(train.FLAGS))

    with pytest.raises(SystemExit) as exit_info:
        cli.run(main, train.FLAGS, [*argv, "--run_dir=unused"])
    assert exit_info.value.code == 0
    return found[0]


def _flags_of(name: str) -> list[str]:
    lines = (ROOT / "flags" / name).read_text().splitlines()
    return [line for line in lines if line.startswith("-")]


def test_all_flag_files_are_there():
    assert {
        "quickstart.cfg",
        "lfvideo.cfg",
        "flower.cfg",
        "generalize.cfg",
    } <= {*FILES}


@pytest.mark.parametrize("name", FILES)
def test_flag_file_lists_only_differences(name):
    settings = _config(name)
    preset = settings.model.preset
    usual = config.Config(model=config.model_config(preset))
    for line in _flags_of(name):
        flag = line.lstrip("-").partition("=")[0]
        if flag == "preset":
            assert preset != config.Config().model.preset
            continue
        flag = flag if flag in train.FLAGS else flag.removeprefix("no")
        for section in ("model", "data", "train", "eval"):
            if hasattr(getattr(usual, section), flag):
                before = getattr(getattr(usual, section), flag)
                assert getattr(getattr(settings, section), flag) != before
                break
        else:
            pytest.fail(f"{line} is no setting")


@pytest.mark.parametrize(
    ("name", "rates"), [("flower", (1e-4, 1e-5)), ("lfvideo", (7e-5, 7e-6))]
)
def test_paper_settings(name, rates):
    settings = _config(f"{name}.cfg")
    assert settings.model == config.PRESETS["paper"]
    assert settings.data.dataset == name
    assert settings.data.batch_size == 2
    assert (settings.data.crop_height, settings.data.crop_width) == (320, 512)
    assert not settings.data.random_crop
    assert settings.train.num_steps == 200_000
    assert settings.train.schedule == "step"
    assert settings.train.decay_steps == (150_000,)
    assert settings.train.learning_rate == rates[0]
    factor = settings.train.decay_factors[0]
    assert settings.train.learning_rate * factor == pytest.approx(rates[1])


def test_generalisation_settings():
    settings = _config("generalize.cfg")
    assert settings.model.scale == 8
    assert settings.data.parallax_shift == 15
    assert settings.train.decay_steps == (50_000, 100_000, 150_000)
    assert settings.train.decay_factors == (0.5, 0.2, 0.1)


def test_command_line_overrides_flag_file():
    settings = _config("flower.cfg", "--scale=8", "--batch_size=4")
    assert settings.model.scale == 8
    assert settings.data.batch_size == 4


@pytest.mark.parametrize("name", FILES)
def test_flag_file_without_data_ends_in_one_line(name, tmp_path, capsys):
    settings = _config(name)
    flagfile = f"--flagfile={ROOT / 'flags' / name}"
    argv = ["train", flagfile, f"--run_dir={tmp_path / 'run'}"]
    with pytest.raises(SystemExit) as exit_info:
        cli.run(train.main, train.FLAGS, argv)
    error = capsys.readouterr().err
    assert exit_info.value.code == 1
    assert error.count("\n") == 1
    # What a run begins with is looked for first, if it does not ship.
    begins = settings.train.init_from
    missing = "" if runs.is_known(begins) else begins
    assert (missing or f"tfds build data/{settings.data.dataset}") in error
    assert not (tmp_path / "run").exists()
