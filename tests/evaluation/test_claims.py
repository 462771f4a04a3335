"""The paper's claims: which systems take part, and what is missing."""

import small_runs

from crossnet_tf.baselines import registry
from crossnet_tf.evaluation import claims


def test_runs_by_name_take_part(tmp_path):
    small_runs.make_run(tmp_path / "vdsr_x4", system="vdsr")
    small_runs.make_run(tmp_path / "crossnet_x8", scale=8)
    found, missing = claims.find_claims(tmp_path, [4, 8])
    labels = [method.label for method in found]
    assert {"Bicubic", "PatchMatch", "VDSR", "CrossNet"} <= set(labels)
    (crossnet,) = [m for m in found if m.label == "CrossNet"]
    assert crossnet.serves(8)
    assert not crossnet.serves(4)
    assert any("crossnet-lite-x4" in label for label in labels)
    text = "\n".join(missing)
    assert "CrossNet x4 has no run" in text
    assert "CrossNet x8" not in text
    assert "VDSR" not in text
    assert f"--system=ss_net --scale=4 --run_dir={tmp_path}/ss_net_x4" in text


def test_shipped_weights_stand_in_for_runs(tmp_path):
    found, missing = claims.find_claims(tmp_path, [8])
    sources = {method.label: method.source for method in found}
    assert sources["SRCNN"] == "srcnn-x4"
    assert not [line for line in missing if line.startswith("SRCNN")]
    small_runs.make_run(tmp_path / "srcnn_x8", system="srcnn", scale=8)
    found, _ = claims.find_claims(tmp_path, [8])
    sources = {method.label: method.source for method in found}
    assert sources["SRCNN"] == str(tmp_path / "srcnn_x8")


def test_every_system_is_there_or_missing(tmp_path):
    found, missing = claims.find_claims(tmp_path / "none", [4])
    for entry in registry.REGISTRY.values():
        named = [m for m in found if m.label == entry.title]
        hints = [line for line in missing if line.startswith(entry.title)]
        assert bool(named) != bool(hints), entry.title


def test_shipped_weights_of_other_scales_stay_out(tmp_path):
    found, _ = claims.find_claims(tmp_path, [8])
    assert not [m for m in found if m.label.endswith("-x4")]
    assert [m for m in found if m.label.endswith("-x8")]
