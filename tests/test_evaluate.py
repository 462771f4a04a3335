"""The report says what the metrics say, and how they were measured."""

import csv
import dataclasses

import numpy as np
import pytest
import small_runs

from crossnet_tf import cli, evaluate, images
from crossnet_tf.config import EvalConfig
from crossnet_tf.evaluation import measure
from crossnet_tf.metrics import ifc, psnr, ssim
from crossnet_tf.ops import quantization, resizing
from crossnet_tf.pairs import datasets
from crossnet_tf.pairs.pair import Pair


def _pairs(rng, count=3):
    for number in range(count):
        hr = rng.random((32, 48, 3), np.float32)
        lr = np.asarray(resizing.make_lr(hr, 4))
        ref = rng.random((32, 48, 3), np.float32)
        yield Pair(f"scene{number}", f"({number % 2},0)", lr, ref, hr)


def _upscale(lr, ref):
    return ref * 1.2 - 0.1


def test_scores_agree_with_the_metrics(rng):
    settings = EvalConfig(border=2, channel="y")
    pairs = list(_pairs(rng))
    rows = measure.psnr_and_bicubic(_upscale, pairs, settings, 4)
    for (ours, bicubic), pair in zip(rows, pairs, strict=True):
        sr = quantization.quantize(_upscale(pair.lr, pair.ref))
        scores = measure.scores(_upscale(pair.lr, pair.ref), pair.hr, settings)
        expected = pytest.approx(psnr(sr, pair.hr, 2, "y"))
        assert ours == expected
        assert scores.psnr == expected
        assert scores.ssim == pytest.approx(ssim(sr, pair.hr, 2))
        cubic = quantization.quantize(resizing.upscale_cubic(pair.lr, 4))
        assert bicubic == pytest.approx(psnr(cubic, pair.hr, 2, "y"))
        scores = measure.scores(cubic, pair.hr, settings)
        assert scores.psnr == pytest.approx(psnr(cubic, pair.hr, 2, "y"))
        assert scores.ssim == pytest.approx(ssim(cubic, pair.hr, 2))


@pytest.mark.parametrize("protocol", ["usual", "paper"])
def test_scores_are_of_the_protocol(rng, protocol):
    hr = rng.random((384, 390, 3), np.float32)
    sr = np.clip(hr + rng.normal(0, 0.1, hr.shape), 0, 1).astype(np.float32)
    scores = measure.scores(sr, hr, EvalConfig(protocol=protocol))
    sr = quantization.quantize(sr)
    paper = protocol == "paper"
    assert scores.ssim == pytest.approx(ssim(sr, hr, thin_out=paper))
    assert scores.ssim != pytest.approx(ssim(sr, hr, thin_out=not paper), 1e-3)
    assert scores.psnr == pytest.approx(psnr(sr, hr))
    assert scores.ifc == pytest.approx(ifc(sr, hr))
    assert scores.ifc_hr_first == pytest.approx(ifc(hr, sr))


def test_outputs_are_clipped_and_rounded(rng):
    (pair,) = _pairs(rng, 1)
    hr = quantization.quantize(pair.hr)
    pair = dataclasses.replace(pair, hr=hr)

    def nearly(lr, ref):
        return np.where(hr == 1, 5.0, hr + 0.4 / 255)

    ((ours, _),) = measure.psnr_and_bicubic(nearly, [pair], EvalConfig(), 4)
    assert ours == np.inf
    assert measure.scores(nearly(None, None), hr, EvalConfig()).psnr == np.inf


@pytest.mark.parametrize(
    ("size", "has_ssim", "has_ifc"),
    [
        (10, False, False),
        (11, True, False),
        (64, True, False),
        (65, True, True),
    ],
)
def test_metrics_whose_window_does_not_fit_are_left_out(
    rng, size, has_ssim, has_ifc
):
    hr, sr = rng.random((2, size + 2, 80, 3), np.float32)
    scores = measure.scores(sr, hr, EvalConfig(border=1))
    assert scores.psnr > 0
    assert np.isfinite(scores.ssim) == has_ssim
    assert (
        np.isfinite(scores.ifc) == np.isfinite(scores.ifc_hr_first) == has_ifc
    )


def test_an_exact_picture_has_no_ifc(rng):
    hr = quantization.quantize(rng.random((80, 80, 3), np.float32))
    scores = measure.scores(hr, hr, EvalConfig())
    assert scores.psnr == np.inf
    assert scores.ssim == pytest.approx(1)
    assert np.isnan(scores.ifc)


def test_missing_truth_rejects(rng):
    pairs = [dataclasses.replace(p, hr=None) for p in _pairs(rng)]
    with pytest.raises(ValueError, match="'scene0' has no picture in `hr/`"):
        list(measure.psnr_and_bicubic(_upscale, pairs, EvalConfig(), 4))


@pytest.fixture
def run_dir(tmp_path, monkeypatch):
    small_runs.use_small(monkeypatch)
    small_runs.make_run(tmp_path / "run")
    return tmp_path / "run"


def _command(*argv):
    with pytest.raises(SystemExit) as exit_info:
        cli.run(evaluate.main, evaluate.FLAGS, ["evaluate", *argv])
    return exit_info.value.code


def test_command_writes_the_report(run_dir, tmp_path, capsys):
    report_dir = tmp_path / "reports" / "new"
    code = _command(
        f"--run_dir={run_dir}",
        f"--report_dir={report_dir}",
        "--border=3",
        "--channel=y",
        "--eval_dataset=waves",
    )
    assert code == 0
    report = (report_dir / "report.md").read_text()
    for part in (
        f"`{run_dir}`", "preset `paper`, x4", "BT.601 luma", "`waves`",
        "3 pixels are left out", "1 images", "rounded to 8 bits",
        "scikit-image",
    ):  # fmt: skip
        assert part in report
    with open(report_dir / "per_image.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["system"] for row in rows] == ["bicubic", "crossnet"]
    for row in rows:
        assert row["name"] == "wave"
        assert f"| {float(row['psnr']):.2f} |" in report
        assert f"| {float(row['ssim']):.4f} |" in report
    out = capsys.readouterr().out
    assert out.splitlines()[0] in report
    assert str(report_dir / "report.md") in out


def test_command_rejects_missing_run(tmp_path, capsys):
    code = _command("--run_dir=no/run", f"--report_dir={tmp_path / 'r'}")
    error = capsys.readouterr().err
    assert code == 1
    assert error.count("\n") == 1
    assert "no/run" in error
    assert "`run_dir` must be" in error
    assert not list(tmp_path.iterdir())


def test_command_rejects_flags_of_the_network(run_dir, tmp_path, capsys):
    code = _command(f"--run_dir={run_dir}", "--report_dir=r", "--width=8")
    assert code == 2
    assert "`--width` is not a flag of this command" in capsys.readouterr().err


def test_command_rejects_empty_split(run_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(datasets, "test_pairs", lambda *_: iter([]))
    code = _command(f"--run_dir={run_dir}", f"--report_dir={tmp_path / 'r'}")
    assert code == 1
    assert "test_split='test'" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_command_names_the_flag_that_was_given(tmp_path, capsys):
    report_dir = f"--report_dir={tmp_path / 'r'}"
    for flag in ("weights", "run_dir", "methods"):
        assert _command(f"--{flag}=no/run", report_dir) == 1
        assert f"`{flag}` must be" in capsys.readouterr().err
    assert _command("--run_dir=x", "--weights=x", report_dir) == 2
    assert "one of --run_dir and --weights" in capsys.readouterr().err
    assert _command(report_dir) == 2
    assert "`--weights` is required" in capsys.readouterr().err


def test_command_takes_all_kinds_of_weights(run_dir, tmp_path, capsys):
    for weights, names in (
        ("bicubic-x4", ["Bicubic"]),
        ("patchmatch", ["Bicubic", "PatchMatch"]),
        (f"{run_dir},again={run_dir}", ["Bicubic", "CrossNet", "again"]),
    ):
        folder = tmp_path / "reports" / names[-1]
        code = _command(
            f"--weights={weights}",
            f"--report_dir={folder}",
            "--eval_dataset=waves",
        )
        assert code == 0
        with open(folder / "per_image.csv", newline="") as file:
            methods = [row["method"] for row in csv.DictReader(file)]
        assert methods == names
    capsys.readouterr()


def test_command_lists_bad_pairs_and_keeps_the_others(tmp_path, capsys, rng):
    for kind in ("hr", "ref"):
        (tmp_path / kind).mkdir()
        for name in "ab":
            picture = rng.random((72, 80, 3)).astype(np.float32)
            images.write_image(tmp_path / kind / f"{name}.png", picture)
    bad = tmp_path / "ref" / "a.png"
    bad.write_bytes(bad.read_bytes()[:-3000])
    arguments = (
        "--weights=bicubic",
        f"--dataset=folder:{tmp_path}",
        f"--report_dir={tmp_path / 'report'}",
    )
    assert _command(*arguments) == 1
    shown = capsys.readouterr()
    errors = [e for e in shown.err.splitlines() if e.startswith("Error: ")]
    assert len(errors) == 1
    assert "a.png" in errors[0]
    assert "| Bicubic | x4 |" in shown.out
    for file in ("report.md", "index.html"):
        text = (tmp_path / "report" / file).read_text()
        assert "Left out" in text
        assert "a.png" in text
    with open(tmp_path / "report/per_image.csv", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["b"]
    (tmp_path / "ref" / "b.png").write_bytes(b"no picture")
    assert _command(*arguments) == 1
    assert "must hold images that can be measured" in capsys.readouterr().err
