"""`python -m data.inspect` on small data sets, and what it is made of."""

import numpy as np
import pytest
import tiny_light_fields

from crossnet_tf import cli, images
from crossnet_tf.data import contact_sheet, inspect, survey
from crossnet_tf.ops import quantization
from crossnet_tf.pairs import prepared


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    tiny_light_fields.prepare(folder)
    return folder


def _inspect(*arguments):
    with pytest.raises(SystemExit) as end:
        cli.run(inspect.main, inspect.FLAGS, ["inspect", *arguments])
    return end.value.code


def test_inspect_prints_and_draws(data_dir, tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    code = _inspect(
        "--dataset=synthetic_lf/tiny",
        f"--data_dir={data_dir}",
        f"--output={sheet}",
        "--num_scenes=1",
    )
    text = capsys.readouterr().out
    assert code == 0
    assert "| train | 3 | 3x4 | 36 | 48x64 | -" in text
    assert "| test | 2 | 3x4 | 24 | 48x64 | -" in text
    assert text.endswith(f"Written: {sheet}\n")
    # The sheet is as high as two light fields, each views and slices.
    height, width = images.read_image(sheet).shape[:2]
    assert 2 * contact_sheet.PANEL_HEIGHT < height < 1000
    assert 5 * contact_sheet.PANEL_HEIGHT < width <= contact_sheet.SHEET_WIDTH


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "`--dataset` is required"),
        (["--dataset=lfvideo"], "Run `tfds build data/lfvideo"),
        (["--dataset=x", "--output=no/where.png"], "folder must exist"),
        (["--dataset=x", "--num_scenes=0"], "num_scenes"),
    ],
)
def test_inspect_rejects(tmp_path, capsys, flags, message):
    code = _inspect(*flags, f"--data_dir={tmp_path}")
    error = capsys.readouterr().err
    assert code in (1, 2)
    assert message in error
    assert error.count("\n") == 1


def test_inspect_help(capsys):
    assert _inspect("--help") == 0
    text = capsys.readouterr().out
    assert "contact sheet" in text
    assert "--dataset=TEXT" in text


def test_survey_agrees(data_dir):
    source = prepared.PreparedLightFields("synthetic_lf/tiny", str(data_dir))
    found, shown = survey.survey_split(source, "train", 2)
    assert found.num_scenes == 3
    assert len(shown) == 2
    first = next(iter(source.examples("train", True)))
    assert shown[0].name == f"train: {first['scene'].numpy().decode()}"
    np.testing.assert_array_equal(
        shown[0].views[2, 3],
        np.asarray(quantization.to_uint8(images.decode_image(
            first["views"][11].numpy())[0])),
    )  # fmt: skip
    low, high = found.disparities[0]
    disparity = shown[0].disparity
    assert (low, high) == (disparity.min(), disparity.max())
    estimate = survey.estimate_shift(*shown[0].views[1, 2:4])
    assert estimate == pytest.approx((low, high), abs=1.5)


@pytest.mark.parametrize("shift", [-9, 0, 14])
def test_estimate_shift_golden(rng, shift):
    wide = rng.integers(0, 256, (40, 120, 3), np.uint8)
    here, right = wide[:, 20:100], wide[:, 20 - shift : 100 - shift]
    assert survey.estimate_shift(here, right) == (shift, shift)
    wide = np.repeat(np.repeat(wide, 5, 0), 5, 1)  # 400 pixels: shrunk by 2
    here, right = wide[:, 100:500], wide[:, 100 - 4 * shift : 500 - 4 * shift]
    low, high = survey.estimate_shift(here, right)
    assert low == high == pytest.approx(4 * shift, abs=2)


def test_wide_views_and_a_row_fit_the_sheet(rng):
    views = rng.integers(0, 256, (1, 2, 30, 4000, 3), np.uint8)
    light_field = contact_sheet.LightField("test: a", 1, 2, views)
    sheet = contact_sheet.contact_sheet([light_field, light_field], 4)
    assert sheet.shape[1] <= contact_sheet.SHEET_WIDTH
    assert sheet.shape[0] < 1000
    assert ((sheet >= 0) & (sheet <= 1)).all()
