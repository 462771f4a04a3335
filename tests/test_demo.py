"""The demonstration on the real pair, with an untrained network."""

import re

import pytest

from crossnet_tf import demo, images
from crossnet_tf.baselines.registry import build_model
from crossnet_tf.config import Config, model_config
from crossnet_tf.storage import weight_files


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    config = Config(model=model_config("lite", width=8, flow_width=8))
    weight_files.save_weights(build_model(config.model), config, folder)
    return folder


def test_demo_writes_pictures_and_prints_the_gain(weights, tmp_path, capsys):
    folder = tmp_path / "deep" / "demo"
    demo.FLAGS(["demo", f"--run_dir={weights}", f"--output_dir={folder}"])
    demo.main()
    printed = capsys.readouterr().out
    gain = float(re.search(r"bicubic: ([+-]\d+\.\d+) dB", printed).group(1))
    # Matching needs no training: even random weights gain from REF.
    assert gain > 0.5
    shapes = {
        path.name: images.read_image(path).shape
        for path in folder.glob("*.png")
    }
    assert shapes["sr.png"] == shapes["hr.png"] == (500, 740, 3)
    assert shapes["lr.png"] == (125, 185, 3)
    assert shapes["demo.png"][1] > 5 * 220


def test_demo_rejects_unknown_weights(tmp_path):
    demo.FLAGS(["demo", "--weights=nowhere", f"--output_dir={tmp_path}"])
    with pytest.raises(FileNotFoundError, match="`weights`.*nowhere"):
        demo.main()
