"""Picture files in, picture files out; mistakes are told one by one."""

import dataclasses

import numpy as np
import pytest
import small_runs
import tensorflow as tf

from crossnet_tf import cli, images, processor, upscale
from crossnet_tf.storage import runs
from crossnet_tf.upscaling import files, options, upscaler


@pytest.fixture
def run_dir(tmp_path, monkeypatch):
    small_runs.use_small(monkeypatch)
    small_runs.make_run(tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def pair(tmp_path, rng):
    """Paths of LR, REF and output."""
    images.write_image(tmp_path / "lr.png", rng.random((8, 12, 3)))
    images.write_image(tmp_path / "ref.png", rng.random((32, 48, 3)))
    return tmp_path / "lr.png", tmp_path / "ref.png", tmp_path / "out.png"


def _command(source, lr, ref, output, *more):
    # The pictures are noise, which --match=auto would take out of REF.
    argv = [f"--lr={lr}", f"--ref={ref}", f"--output={output}"]
    argv += ["--match=none", *more]
    with pytest.raises(SystemExit) as exit_info:
        cli.run(
            upscale.main,
            upscale.FLAGS,
            ["upscale", f"--run_dir={source}", *argv],
        )
    return exit_info.value.code


def _one_line(capsys) -> str:
    (line,) = capsys.readouterr().err.splitlines()
    return line


def _expected(run_dir, lr, ref):
    model, _ = runs.load_model(run_dir)
    lr, ref = images.read_image(lr), images.read_image(ref)
    return np.clip(upscaler.Upscaler(model)(lr, ref)["sr"], 0, 1)


def test_pair_is_upscaled(run_dir, pair, capsys):
    assert _command(run_dir, *pair) == 0
    result = images.read_image(pair[2])
    expected = _expected(run_dir, *pair[:2])
    np.testing.assert_allclose(result, expected, atol=0.5001 / 255)
    assert not capsys.readouterr().err


def test_sixteen_bits_are_kept(run_dir, pair, rng):
    lr, ref, output = pair
    # A dark picture: the depth is told by the header, not by the values.
    images.write_image(lr, rng.random((8, 12, 3)) / 300, bit_depth=16)
    assert _command(run_dir, *pair) == 0
    result, info = images.read_image_with_info(output)
    assert info.bit_depth == 16
    expected = _expected(run_dir, lr, ref)
    np.testing.assert_allclose(result, expected, atol=0.51 / 65535)


def test_jpeg_is_written(run_dir, pair):
    output = pair[2].with_suffix(".jpg")
    assert _command(run_dir, *pair[:2], output) == 0
    _, info = images.read_image_with_info(output)
    assert (info.format, info.width, info.height) == ("jpeg", 48, 32)


def test_large_picture_is_tiled(run_dir, pair, tmp_path, rng):
    lr, ref = tmp_path / "large_lr.png", tmp_path / "large_ref.png"
    images.write_image(lr, rng.random((40, 60, 3)))
    images.write_image(ref, rng.random((160, 240, 3)))
    code = _command(run_dir, lr, ref, pair[2], "--max_side=96", "--margin=16")
    assert code == 0
    np.testing.assert_allclose(
        images.read_image(pair[2]), _expected(run_dir, lr, ref), atol=1 / 255
    )


def test_debug_pictures_are_written(run_dir, pair, tmp_path):
    folder = tmp_path / "debug" / "new"
    assert _command(run_dir, *pair, f"--debug_dir={folder}") == 0
    names = ["out_flow.png", "out_lr_up.png", "out_warped_ref.png"]
    assert sorted(path.name for path in folder.iterdir()) == names
    for path in folder.iterdir():
        assert images.read_image(path).shape == (32, 48, 3)


def test_existing_output_can_be_skipped(run_dir, pair):
    pair[2].write_bytes(b"old")
    assert _command(run_dir, *pair, "--skip_existing") == 0
    assert pair[2].read_bytes() == b"old"
    assert _command(run_dir, *pair) == 0
    assert pair[2].read_bytes() != b"old"


def _never(*_):
    pytest.fail("the network was loaded")


def _text(path):
    path.write_text("no picture")


def _cut(path):
    path.write_bytes(path.read_bytes()[:-30])


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda path: path.unlink(), "must exist"),
        (_text, "must be a picture: PNG, JPEG"),
        (_cut, "damaged or truncated"),
    ],
)
def test_unusable_input_rejects(
    run_dir, pair, which, damage, expected, capsys, monkeypatch
):
    monkeypatch.setattr(runs, "load_model", _never)
    damage(pair[which])
    assert _command(run_dir, *pair) == 1
    line = _one_line(capsys)
    assert expected in line
    assert str(pair[which]) in line
    assert not pair[2].exists()


def test_reference_of_wrong_size_rejects(
    run_dir, pair, rng, capsys, monkeypatch
):
    monkeypatch.setattr(runs, "load_model", _never)
    images.write_image(pair[1], rng.random((40, 48, 3)))
    assert _command(run_dir, *pair) == 1
    line = _one_line(capsys)
    assert "REF 48x40" in line
    assert "A REF of 48x32 would fit" in line


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("out.gif", "must end in one of"),
        ("no/folder/out.png", "must exist"),
        ("", "must not be one of the inputs"),
        ("lr.png", "must not be one of the inputs"),
    ],
)
def test_unusable_output_rejects(
    run_dir, pair, output, expected, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(runs, "load_model", _never)
    before = pair[0].read_bytes()
    assert _command(run_dir, *pair[:2], tmp_path / output) == 1
    assert expected in _one_line(capsys)
    assert pair[0].read_bytes() == before


def test_too_many_pixels_reject(run_dir, pair, capsys):
    assert _command(run_dir, *pair, "--max_pixels=1000") == 1
    assert "at most 1,000 pixels" in _one_line(capsys)


def test_missing_run_rejects(pair, capsys):
    assert _command("no/run", *pair) == 1
    assert "no/run" in _one_line(capsys)


def test_source_is_given_once(run_dir, pair, capsys):
    assert _command(run_dir, *pair, "--weights=x") == 2
    assert "one of --run_dir and --weights" in _one_line(capsys)
    assert _command("", *pair) == 2


def test_weights_are_another_name_for_the_source(run_dir, pair):
    argv = [
        f"--{n}={p}" for n, p in zip(("lr", "ref", "output"), pair, strict=True)
    ]
    with pytest.raises(SystemExit) as exit_info:
        cli.run(
            upscale.main, upscale.FLAGS, ["x", f"--weights={run_dir}", *argv]
        )
    assert exit_info.value.code == 0
    assert pair[2].exists()


def test_margin_without_room_rejects(run_dir, pair, capsys):
    code = _command(run_dir, *pair, "--max_side=100", "--margin=64")
    assert code == 1
    assert "max_side=100" in _one_line(capsys)


@pytest.fixture
def folders(tmp_path, rng):
    """Folders with two good pairs."""
    for name, shape in (("lrs", (8, 12, 3)), ("refs", (32, 48, 3))):
        (tmp_path / name).mkdir()
        for stem in ("a", "b"):
            images.write_image(
                tmp_path / name / f"{stem}.png", rng.random(shape)
            )
    return tmp_path / "lrs", tmp_path / "refs", tmp_path / "outs"


def test_folders_are_upscaled(run_dir, folders, rng):
    images.write_image(folders[0] / "c.JPG", rng.random((8, 12, 3)))
    images.write_image(folders[1] / "c.jpeg", rng.random((32, 48, 3)))
    (folders[0] / "notes.txt").touch()
    (folders[0] / "sub").mkdir()
    assert _command(run_dir, *folders) == 0
    names = sorted(path.name for path in folders[2].iterdir())
    assert names == ["a.png", "b.png", "c.png"]
    np.testing.assert_allclose(
        images.read_image(folders[2] / "b.png"),
        _expected(run_dir, folders[0] / "b.png", folders[1] / "b.png"),
        atol=0.5001 / 255,
    )


def test_bad_files_do_not_stop_the_others(run_dir, folders, rng, capsys):
    lr, ref, output = folders
    _text(lr / "a.png")
    images.write_image(lr / "alone.png", rng.random((8, 12, 3)))
    images.write_image(lr / "wrong.png", rng.random((9, 12, 3)))
    images.write_image(ref / "wrong.png", rng.random((32, 48, 3)))
    images.write_image(lr / "twice.png", rng.random((8, 12, 3)))
    images.write_image(lr / "twice.jpg", rng.random((8, 12, 3)))
    images.write_image(ref / "twice.png", rng.random((32, 48, 3)))
    assert _command(run_dir, *folders) == 1
    said = capsys.readouterr()
    assert "Without REF, by the upsampler alone: alone.png" in said.out
    lines = [
        line for line in said.err.splitlines() if line.startswith("Error: ")
    ]
    assert len(lines) == 3
    text = "\n".join(lines)
    assert "a.png: Image" in text
    assert "alone" not in text
    assert "twice: several files" in text
    assert "wrong.png: REF must show" in text
    names = sorted(path.name for path in output.iterdir())
    assert names == ["alone.png", "b.png"]


def test_one_bad_tile_is_not_another_pictures(run_dir, folders, monkeypatch):
    """A picture that fails leaves no output, least of all the one before."""
    run = upscaler.Upscaler._run

    def fail_once(self, lr, ref, *more):
        calls.append(1)
        if len(calls) == 2:
            raise ValueError("broken")
        return run(self, lr, ref, *more)

    calls = []
    monkeypatch.setattr(upscaler.Upscaler, "_run", fail_once)
    problems = files.upscale(run_dir, *folders).problems
    assert problems == ["b.png: broken"]
    assert [path.name for path in folders[2].iterdir()] == ["a.png"]


def test_folder_skips_existing(run_dir, folders):
    folders[2].mkdir()
    (folders[2] / "a.png").write_bytes(b"old")
    assert _command(run_dir, *folders, "--skip_existing") == 0
    assert (folders[2] / "a.png").read_bytes() == b"old"
    assert images.read_image(folders[2] / "b.png").shape == (32, 48, 3)


def test_folders_reject(run_dir, folders, tmp_path, capsys):
    lr, ref, output = folders
    assert _command(run_dir, lr, tmp_path / "none", output) == 1
    assert "`ref` must be a picture, or a folder" in _one_line(capsys)
    assert _command(run_dir, lr, ref, lr) == 1
    assert "must be another folder" in _one_line(capsys)
    (tmp_path / "empty").mkdir()
    assert _command(run_dir, tmp_path / "empty", ref, output) == 1
    assert "`lr` must be a picture, or a folder" in _one_line(capsys)
    assert not output.exists()


def test_precision_is_used(run_dir, pair, monkeypatch):
    seen = []
    load = runs.load_model

    def note(source, precision):
        seen.append(precision)
        return load(source, precision)

    monkeypatch.setattr(runs, "load_model", note)
    assert _command(run_dir, *pair, "--precision=mixed_bfloat16") == 0
    assert seen == ["mixed_bfloat16"]


def test_options_have_defaults_of_the_command():
    defaults = dataclasses.asdict(options.Options())
    for name, default in defaults.items():
        flag = upscale.FLAGS[name].default
        assert flag == default or (not flag and not default)
    assert tf.executing_eagerly()


def test_a_precision_that_does_not_pay_is_told(
    run_dir, pair, monkeypatch, capsys
):
    """Once, on stderr, and only on such a processor."""
    bfloat16 = "--precision=mixed_bfloat16"
    for flags in ({"avx2"}, {"avx2", "avx512f"}):
        monkeypatch.setattr(processor, "_flags", lambda flags=flags: flags)
        monkeypatch.setattr(processor.platform, "machine", lambda: "x86_64")
        assert _command(run_dir, *pair, bfloat16) == 0
        told = capsys.readouterr().err
        assert told.count("--precision=float32 is as fast") == 1
    monkeypatch.setattr(processor, "has_bfloat16", lambda: True)
    assert _command(run_dir, *pair, bfloat16) == 0
    assert "--precision=float32" not in capsys.readouterr().err
