"""The report says what the metrics say, and how they were measured."""

import csv
import dataclasses

import numpy as np
import pytest
import small_runs

from crossnet_tf import cli, evaluate
from crossnet_tf.config import EvalConfig
from crossnet_tf.evaluation import measure
from crossnet_tf.metrics import psnr, ssim
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


def test_rows_agree_with_the_metrics(rng):
    pairs = list(_pairs(rng))
    settings = EvalConfig(border=2, channel="y")
    rows = list(measure.measure(_upscale, pairs, settings, 4))
    for row, pair in zip(rows, pairs, strict=True):
        sr = quantization.quantize(_upscale(pair.lr, pair.ref))
        assert (row.name, row.view) == (pair.name, pair.view)
        assert row.psnr == pytest.approx(psnr(sr, pair.hr, 2, "y"))
        assert row.ssim == pytest.approx(ssim(sr, pair.hr, 2))
        cubic = quantization.quantize(resizing.upscale_cubic(pair.lr, 4))
        assert row.bicubic_psnr == pytest.approx(psnr(cubic, pair.hr, 2, "y"))
        assert row.bicubic_ssim == pytest.approx(ssim(cubic, pair.hr, 2))


def test_outputs_are_clipped_and_rounded(rng):
    (pair,) = _pairs(rng, 1)
    hr = quantization.quantize(pair.hr)
    pair = dataclasses.replace(pair, hr=hr)

    def nearly(lr, ref):
        return np.where(hr == 1, 5.0, hr + 0.4 / 255)

    (row,) = measure.measure(nearly, [pair], EvalConfig(), 4)
    assert row.psnr == np.inf


def test_ssim_can_be_left_out(rng):
    rows = measure.measure(
        _upscale, _pairs(rng), EvalConfig(), 4, with_ssim=False
    )
    assert all(np.isnan(row.ssim) for row in rows)


def test_missing_truth_rejects(rng):
    pairs = [dataclasses.replace(p, hr=None) for p in _pairs(rng)]
    with pytest.raises(ValueError, match="'scene0' has no picture in `hr/`"):
        list(measure.measure(_upscale, pairs, EvalConfig(), 4))


def test_table_has_means_by_view():
    rows = [
        measure.Row("a", "(1,1)", 30.0, 0.8, 28.0, 0.7),
        measure.Row("b", "(1,1)", 32.0, 0.9, 29.0, 0.8),
        measure.Row("a", "(7,7)", 27.0, 0.6, 28.0, 0.7),
    ]
    assert measure.table(rows).splitlines()[2:] == [
        "| (1,1) | 2 | 31.00 | 28.50 | +2.50 | 0.8500 | 0.7500 |",
        "| (7,7) | 1 | 27.00 | 28.00 | -1.00 | 0.6000 | 0.7000 |",
        "| all | 3 | 29.67 | 28.33 | +1.33 | 0.7667 | 0.7333 |",
    ]
    assert len(measure.table(rows[:2]).splitlines()) == 3


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
        "3 pixels left out", "1 images", "rounded to 8 bits",
    ):  # fmt: skip
        assert part in report
    with open(report_dir / "per_image.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["name"] == "wave"
    assert f"| {float(row['psnr']):.2f} |" in report
    out = capsys.readouterr().out
    assert out.splitlines()[0] in report
    assert str(report_dir / "report.md") in out


def test_command_rejects_missing_run(tmp_path, capsys):
    code = _command("--run_dir=no/run", f"--report_dir={tmp_path / 'r'}")
    error = capsys.readouterr().err
    assert code == 1
    assert error.count("\n") == 1
    assert "no/run" in error
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
