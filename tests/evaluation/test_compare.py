"""Comparisons on a folder of two tiny pairs: what is measured, and resumed."""

import dataclasses

import numpy as np
import pytest

from crossnet_tf import config, images
from crossnet_tf.baselines import registry
from crossnet_tf.evaluation import compare, job, methods
from crossnet_tf.metrics import ifc, psnr
from crossnet_tf.ops import quantization, resizing
from crossnet_tf.storage import runs, weight_files


@pytest.fixture
def data(tmp_path, rng) -> str:
    """Two pairs; REF is HR."""
    for name in ("a", "b"):
        picture = rng.random((72, 80, 3)).astype(np.float32)
        for kind in ("hr", "ref"):
            folder = tmp_path / "data" / kind
            folder.mkdir(parents=True, exist_ok=True)
            images.write_image(folder / f"{name}.png", picture)
    return f"folder:{tmp_path / 'data'}"


def _count_calls(monkeypatch) -> list[str]:
    """Labels of the methods that are loaded from now on."""
    loaded = []
    load = methods.Method.upscaler

    def counted(self, *arguments):
        loaded.append(self.label)
        return load(self, *arguments)

    monkeypatch.setattr(methods.Method, "upscaler", counted)
    return loaded


def test_measures_what_the_metrics_say(data, tmp_path):
    (bicubic,) = methods.find_methods(["bicubic"])
    folder = tmp_path / "report"
    settings = config.Config(eval=config.EvalConfig(border=2, channel="y"))
    found = compare.compare(settings, [bicubic], [data], [4, 2], folder)
    assert [record.scale for record in found] == [4, 4, 2, 2]
    assert [record.name for record in found] == ["a", "b", "a", "b"]
    hr = images.read_image(tmp_path / "data/hr/a.png")
    sr = resizing.upscale_cubic(np.asarray(resizing.make_lr(hr, 4)), 4)
    sr = quantization.quantize(np.asarray(sr))
    assert found[0].psnr == pytest.approx(psnr(sr, hr, 2, "y"), abs=1e-3)
    inner = np.s_[2:-2, 2:-2]
    expected = ifc(hr[inner], sr[inner])
    assert found[0].ifc_hr_first == pytest.approx(expected, abs=1e-3)
    assert found[0].seconds > 0
    assert found[0].peak_mb > 100
    assert np.isnan(found[0].epe)


def test_goes_on_where_it_stopped(data, tmp_path, monkeypatch):
    loaded = _count_calls(monkeypatch)
    both = methods.find_methods(["bicubic", "again=bicubic"])
    arguments = (config.Config(), both[:1], [data], [4], tmp_path / "report")
    first = compare.compare(*arguments)
    file = tmp_path / "report" / job.RECORDS_FILE
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(lines[0] + lines[1][:40])  # as a kill leaves it
    second = compare.compare(*arguments)
    assert loaded == ["Bicubic"] * 2
    assert [r.psnr for r in second] == [r.psnr for r in first]
    third = compare.compare(*arguments)
    assert repr(third) == repr(second)
    assert loaded == ["Bicubic"] * 2

    compare.compare(config.Config(), both, [data], [4], tmp_path / "report")
    assert loaded == ["Bicubic", "Bicubic", "again"]
    other = config.Config(eval=config.EvalConfig(border=3))
    compare.compare(other, *arguments[1:])
    assert loaded[-1] == "Bicubic"
    assert len(loaded) == 4


def test_report_has_all_files(data, tmp_path):
    some = methods.find_methods(["bicubic", "patchmatch"])
    folder = tmp_path / "report"
    table, _, page, problems = compare.report(
        config.Config(eval=config.EvalConfig(num_eval_images=1)),
        some,
        [data],
        [4],
        folder,
    )
    assert "| PatchMatch | x4 |" in table
    assert problems == []
    text = page.read_text()
    assert "PatchMatch, flow at 1<" in text
    assert "PatchMatch, flow at 1/8<" in text
    assert "Bicubic, flow" not in text
    names = {path.name for path in folder.iterdir()}
    assert {"report.md", "per_image.csv", "index.html"} <= names
    assert any(name.endswith(".tex") for name in names)
    report = (folder / "report.md").read_text()
    assert "0 pixels are left out at each border" in report
    assert "all RGB samples" in report


def test_ground_truth_is_needed_rejects(tmp_path, rng):
    for kind, size in (("lr", 24), ("ref", 96)):
        (tmp_path / kind).mkdir()
        picture = rng.random((size, size, 3)).astype(np.float32)
        images.write_image(tmp_path / kind / "a.png", picture)
    with pytest.raises(ValueError, match="ground truth: 'a'"):
        compare.compare(
            config.Config(),
            methods.find_methods(["bicubic"]),
            [f"folder:{tmp_path}"],
            [4],
            tmp_path / "report",
        )


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "`weights` must be one or more"),
        (["bicubic", "bicubic"], r"Received twice: \['Bicubic', 'Bicubic'\]"),
        (["vdsr"], "`weights` must name a run.*VDSR=RUN_DIR.*'vdsr'"),
    ],
)
def test_methods_rejects(texts, message):
    with pytest.raises(ValueError, match=message):
        methods.find_methods(texts)


def test_methods_without_a_run_rejects(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        methods.find_methods([f"X={tmp_path / 'nowhere'}"])


@pytest.mark.parametrize("scales", [(), (3,)])
def test_scales_rejects(data, tmp_path, scales):
    with pytest.raises(ValueError, match="`scales` must be of"):
        compare.compare(
            config.Config(),
            methods.find_methods(["bicubic"]),
            [data],
            scales,
            tmp_path,
        )


def test_a_run_takes_part_at_its_own_scale(tmp_path):
    for system, other_scale in (("srcnn", True), ("ss_net", False)):
        model = config.ModelConfig(system=system, scale=4, width=8)
        settings = config.Config(model=model)
        network = registry.build_model(model)
        weight_files.save_weights(network, settings, tmp_path / system)
        text = f"own={tmp_path / system}"
        (method,) = methods.find_methods([text])
        assert method.serves(4)
        assert method.serves(8) == other_scale
        assert method.label == "own"
    (srcnn,) = methods.find_methods([str(tmp_path / "srcnn")])
    assert srcnn.label == "SRCNN"
    lr, ref = np.zeros((9, 9, 3), "f4"), np.zeros((72, 72, 3), "f4")
    assert srcnn.upscaler(8, "float32")(lr, ref)["sr"].shape == (72, 72, 3)


def test_systems_without_weights_are_runs_by_name():
    model, settings = runs.load_model("patchmatch-x4")
    assert settings.model.system == "patchmatch"
    assert model.config.scale == 4
    assert runs.config_of("bicubic-x8").model.scale == 8
    for wrong in ("bicubic-x3", "vdsr-x8", "bicubic"):
        with pytest.raises(FileNotFoundError, match=wrong):
            runs.config_of(wrong)


def test_a_changed_run_is_measured_again(tmp_path):
    model = config.ModelConfig(system="srcnn", width=8)
    settings = config.Config(model=model)
    folder = tmp_path / "run"
    network = registry.build_model(model)
    weight_files.save_weights(network, settings, folder)
    (before,) = methods.find_methods([str(folder)])
    (folder / "weights.safetensors").write_bytes(b"other")
    (after,) = methods.find_methods([str(folder)])
    assert before.stamp != after.stamp
    assert dataclasses.replace(after, stamp=before.stamp) == before


def test_precision_reaches_another_scale(tmp_path, monkeypatch):
    built = []
    build = runs.build

    def noted(settings, precision):
        built.append((settings.scale, precision))
        return build(settings, precision)

    monkeypatch.setattr(runs, "build", noted)
    model = config.ModelConfig(system="srcnn", scale=4, width=8)
    weight_files.save_weights(
        registry.build_model(model), config.Config(model=model), tmp_path / "r"
    )
    (srcnn,) = methods.find_methods([str(tmp_path / "r")])
    srcnn.upscaler(8, "mixed_bfloat16")
    methods.find_methods(["patchmatch"])[0].upscaler(2, "mixed_bfloat16")
    assert built == [
        (4, "mixed_bfloat16"), (8, "mixed_bfloat16"), (2, "mixed_bfloat16"),
    ]  # fmt: skip


def test_what_exists_as_a_path_is_one(tmp_path):
    model = config.ModelConfig(system="srcnn", width=8)
    network = registry.build_model(model)
    for name in ("lr=0.0001", "a=b=c"):
        folder = tmp_path / name
        weight_files.save_weights(network, config.Config(model=model), folder)
        for label in ("", "own=", "x=y="):
            (method,) = methods.find_methods([f"{label}{folder}"])
            assert method.source == str(folder)
            assert method.label == (label[:-1] or "SRCNN")
    (method,) = methods.find_methods(["a=b=bicubic"])
    assert (method.label, method.source) == ("a=b", "")


def test_systems_named_with_their_scale():
    one, two = methods.find_methods(["p=patchmatch-x8", "p=patchmatch-x2"])
    assert [one.serves(scale) for scale in (2, 4, 8)] == [False, False, True]
    assert methods.scales_of([one, two]) == [2, 8]
    assert methods.scales_of(methods.find_methods(["bicubic"])) == [4]
    with pytest.raises(ValueError, match="Received twice"):
        methods.find_methods(["patchmatch-x4", "patchmatch"])
    for wrong in ("bicubic-x3", "x=vdsr-x8"):
        with pytest.raises(FileNotFoundError, match=wrong.split("=")[-1]):
            methods.find_methods([wrong])


def test_labels_outside_ascii_keep_apart(data, tmp_path):
    some = methods.find_methods(
        ["\u7f51=bicubic", "\u7edc=bicubic", "?=bicubic"]
    )
    report = compare.report(config.Config(), some, [data], [4], tmp_path / "r")
    (folder,) = (tmp_path / "r" / "pictures").glob("*/x4/a")
    names = {path.name for path in folder.iterdir()}
    assert {"\u7f51.png", "\u7edc.png"} < names
    assert len(names) == 3 + 3
    for method in some:
        assert f"| {method.label} | x4 |" in report.table
    with pytest.raises(ValueError, match="Received twice"):
        methods.find_methods(["caf\u00e9=bicubic", "CAFE\u0301=bicubic"])


def test_a_changed_picture_is_measured_again(data, tmp_path, rng):
    arguments = (
        config.Config(), methods.find_methods(["bicubic"]), [data], [4],
        tmp_path / "report",
    )  # fmt: skip
    before = compare.compare(*arguments)
    picture = rng.random((72, 80, 3)).astype(np.float32)
    images.write_image(tmp_path / "data/hr/a.png", picture)
    after = compare.compare(*arguments)
    assert before[0].psnr != after[0].psnr
    assert repr(before[1]) == repr(after[1])


def test_bad_pairs_are_named_and_the_others_measured(data, tmp_path):
    images.write_image(
        tmp_path / "data/ref/a.png", np.zeros((72, 81, 3), np.float32)
    )
    some = methods.find_methods(["bicubic", "patchmatch"])
    arguments = (config.Config(), some, [data], [4], tmp_path / "report")
    report = compare.report(*arguments)
    (problem,) = report.problems
    assert problem.startswith("a: ")
    lines = (tmp_path / "report/per_image.csv").read_text().splitlines()
    assert [line.split(",")[4] for line in lines] == ["name", "b", "b"]


def test_small_pictures_are_measured_as_far_as_they_can_be(tmp_path, rng):
    for kind in ("hr", "ref"):
        for name, size in (("a", 96), ("b", 64), ("c", 8)):
            picture = rng.random((size, size, 3)).astype(np.float32)
            (tmp_path / kind).mkdir(exist_ok=True)
            images.write_image(tmp_path / kind / f"{name}.png", picture)
    report = compare.report(
        config.Config(),
        methods.find_methods(["bicubic"]),
        [f"folder:{tmp_path}"],
        [4],
        tmp_path / "report",
    )
    assert report.problems == []
    lines = (tmp_path / "report/per_image.csv").read_text().splitlines()
    unknown = [line.split(",")[7:10].count("") for line in lines[1:]]
    assert unknown == [0, 2, 3]
    assert "nan" not in report.table
