"""TF-Lite and ONNX files equal the SavedModel, or are not written."""

import json
import pathlib
import re

import flatbuffers
import keras
import numpy as np
import pytest
import serving_export
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from serving_export import pair

from crossnet_tf import config
from crossnet_tf.baselines.registry import build_model
from crossnet_tf.export import onnx, tflite
from crossnet_tf.export.formats import comparison, conversion, pairs, writing
from crossnet_tf.export.graph import saving
from crossnet_tf.storage import runs

CUSTOM = schema.BuiltinOperator.CUSTOM


@pytest.fixture(scope="module")
def version() -> pathlib.Path:
    return serving_export.exported()


@pytest.fixture(scope="module")
def converted(version, tmp_path_factory) -> bytes:
    """The command's float32 file for any size."""
    path = tmp_path_factory.mktemp("tflite") / "crossnet.tflite"
    argv = ["tflite", f"--saved_model_dir={version}", f"--output={path}"]
    with pytest.raises(SystemExit) as end:
        tflite.cli.run(tflite.main, tflite.FLAGS, argv)
    assert end.value.code == 0
    return path.read_bytes()


def _network(lr: np.ndarray, ref: np.ndarray) -> np.ndarray:
    inputs = {"lr": lr, "ref": ref}
    sr = serving_export.tiny_model()(inputs, training=False)["sr"]
    return np.clip(sr.numpy(), 0, 1)


def test_float32_agrees_for_any_size(converted):
    lite = comparison.Lite(converted)
    for height, width, batch in ((9, 14, 1), (17, 6, 2)):
        lr, ref = (np.float32(x) / 255 for x in pair(height, width, batch))
        np.testing.assert_allclose(lite(lr, ref), _network(lr, ref), atol=1e-5)


def test_flow_of_lite_agrees(tmp_path):
    """The matching survives the converter, which has exchanged operands."""
    keras.utils.set_random_seed(0)
    small = dict(width=8, flow_width=8, upsampler_blocks=1)
    model = build_model(config.model_config("lite", **small))

    def flow(lr, ref):
        flow = model({"lr": lr, "ref": ref})["flows"][0]
        return {"sr": 0.5 + tf.concat([flow, flow[..., :1]], -1) / 64.0}

    root = tf.Module()
    root.weights = [variable.value for variable in model.variables]
    specs = [
        tf.TensorSpec([None, None, None, 3], name=n) for n in ("lr", "ref")
    ]
    root.network = tf.function(flow).get_concrete_function(*specs)
    tf.saved_model.save(root, str(tmp_path))
    lite = comparison.Lite(conversion.convert(tmp_path, "float32", 0, 0, 4))
    (real,) = pairs.real_pairs(32, 40, 4, 1, held_out=True)
    ref = np.roll(real.hr, 3, axis=2)
    expected = flow(real.lr, ref)["sr"]
    assert np.abs(np.median(expected[..., 0]) - 0.5 - 3 / 64) < 0.01
    np.testing.assert_allclose(lite(real.lr, ref), expected, atol=2e-5)


def test_operations_are_builtin(converted):
    model = schema.ModelT.InitFromPackedBuf(converted, 0)
    assert len(model.operatorCodes) > 5
    for code in model.operatorCodes:
        assert code.builtinCode != CUSTOM
        assert code.customCode is None


def test_metadata_roundtrip(converted):
    facts = writing.read_metadata(converted)
    assert facts == writing.metadata("float32", 0, 0, 4)
    assert facts["inputs"]["lr"]["range"] == [0.0, 1.0]
    bare = schema.ModelT.InitFromPackedBuf(converted, 0)
    assert [e.name for e in bare.metadata].count(b"crossnet_tf") == 1


def test_metadata_rejects_a_file_without(converted):
    model = schema.ModelT()
    model.buffers, model.metadata = [schema.BufferT()], []
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(ValueError, match="no metadata"):
        writing.read_metadata(bytes(builder.Output()))


def test_real_pairs_are_held_out():
    calibration = pairs.calibration_pairs(30, 40, 4, 3)
    comparing = pairs.real_pairs(30, 40, 4, 3, held_out=True)
    assert [pair.lr.shape for pair in comparing] == [(1, 30, 40, 3)] * 3
    assert comparing[0].hr.shape == comparing[0].ref.shape == (1, 120, 160, 3)
    for ours in comparing:
        for theirs in calibration:
            assert not np.array_equal(ours.hr, theirs.hr)


def test_calibration_has_light_of_all_kinds():
    calibration = pairs.calibration_pairs(30, 40, 4, 2)
    assert len(calibration) == 2 * 3 + 4
    assert {pair.hr.shape for pair in calibration} == {(1, 120, 160, 3)}
    means = [float(pair.lr.mean()) for pair in calibration]
    assert max(means) - min(means) > 0.25
    for one in calibration:
        assert one.lr.shape == (1, 30, 40, 3)
        assert one.ref.min() >= 0
        assert one.ref.max() <= 1


def test_real_pairs_of_any_size():
    """Larger than the photographs: mirrored, both alike."""
    (large,) = pairs.real_pairs(100, 200, 4, 1, held_out=True)
    assert large.hr.shape == large.ref.shape == (1, 400, 800, 3)
    for image in (large.hr, large.ref):
        np.testing.assert_array_equal(
            image[:, 250:], image[:, 100:250][:, ::-1]
        )
        assert image.std() > 0.1
    (small,) = pairs.real_pairs(62, 100, 4, 1, held_out=True)
    np.testing.assert_array_equal(large.hr[:, :248, :400], small.hr)


def _comparison(agreement: float, loss: float) -> comparison.Comparison:
    return comparison.Comparison(agreement, loss, 30.0, 0.1, 0.2, (8, 8))


@pytest.mark.parametrize(
    ("kind", "agreement", "loss", "problem"),
    [
        ("float32", 90, 0.0, ""),
        ("float16", 59.9, 0.0, "within 59.9 dB .* 60 dB are needed"),
        ("int8", 40, 0.3, ""),
        ("int8", 39, 0.0, "40 dB are needed"),
        ("int8", 50, 0.31, "loses 0.31 dB .* at most 0.3 dB"),
        ("float32", float("nan"), 0.0, "needed"),
        ("float32", 90, float("nan"), "loses"),
    ],
)
def test_comparison_names_the_problem(kind, agreement, loss, problem):
    found = _comparison(agreement, loss).problem(kind)
    assert bool(found) == bool(problem)
    assert re.search(problem, found)


def test_psnr_golden():
    x = np.zeros([4])
    assert comparison._psnr(x + 0.1, x) == pytest.approx(20.0)
    assert comparison._psnr(x, x) == 120.0
    assert comparison._psnr(x + np.nan, x) == -np.inf
    assert comparison._psnr(np.zeros([3]), x) == -np.inf


def test_write_rejects_a_bad_conversion(
    version, converted, tmp_path, monkeypatch
):
    monkeypatch.setattr(conversion, "convert", lambda *a: converted)
    monkeypatch.setattr(
        comparison, "compare", lambda *a: _comparison(12.0, 0.0)
    )
    with pytest.raises(ValueError, match=r"float32 .* not written.*12\.0 dB"):
        writing.write(version, tmp_path / "a.tflite", "float32")
    assert list(tmp_path.iterdir()) == []


def test_write_rejects(version, tmp_path):
    output = tmp_path / "a.tflite"
    with pytest.raises(FileNotFoundError, match="`saved_model_dir` .*tmp"):
        writing.write(tmp_path, output, "float32")
    with pytest.raises(FileNotFoundError, match="`output` .*none"):
        writing.write(version, tmp_path / "none" / "a.tflite", "float32")
    with pytest.raises(ValueError, match="`kind` .*kind='int4'"):
        writing.write(version, output, "int4")
    with pytest.raises(ValueError, match="`height` .*height=8, width=0"):
        writing.write(version, output, "float32", height=8)


def test_describe_rejects_damage(tmp_path):
    path = tmp_path / saving.DESCRIPTION
    path.parent.mkdir()
    for text in ('{"scale": 3}', "[]"):
        path.write_text(text)
        with pytest.raises(ValueError, match="no known `scale`"):
            saving.describe(tmp_path)
    path.write_text(json.dumps({"scale": 4}))
    assert saving.describe(tmp_path)["scale"] == 4


def test_command_rejects(capsys, tmp_path):
    for arguments, code, text in (
        (["--output=a.tflite"], 2, "`--saved_model_dir` is required"),
        (["--saved_model_dir=x", "--output=a"], 2, "must end in .tflite"),
        ([f"--saved_model_dir={tmp_path}", "--output=a.tflite"], 1,
         "`saved_model_dir`"),
    ):  # fmt: skip
        with pytest.raises(SystemExit) as end:
            tflite.cli.run(tflite.main, tflite.FLAGS, ["tflite", *arguments])
        assert end.value.code == code
        (line,) = capsys.readouterr().err.splitlines()
        assert text in line


@pytest.mark.slow
def test_onnx_agrees_for_any_size(version, tmp_path):
    path = tmp_path / "a.onnx"
    argv = ["onnx", f"--saved_model_dir={version}", f"--output={path}"]
    with pytest.raises(SystemExit) as end:
        onnx.cli.run(onnx.main, onnx.FLAGS, argv)
    assert end.value.code == 0
    program = comparison.Onnx(path.read_bytes())
    for height, width, batch in ((9, 14, 1), (17, 6, 2)):
        pictures = [np.float32(x) / 255 for x in pair(height, width, batch)]
        expected = _network(*pictures)
        np.testing.assert_allclose(program(*pictures), expected, atol=1e-5)
    facts = program._session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["crossnet_tf"])["scale"] == 4


@pytest.mark.slow
def test_converter_failure_is_told(version, tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"no model")
    with pytest.raises(RuntimeError, match="converter failed: .+"):
        conversion.convert(tmp_path, "float32", 0, 0, 4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["float16", "dynamic", "int8"])
def test_smaller_kinds_are_near(version, tmp_path, kind):
    path = tmp_path / "a.tflite"
    report = writing.write(version, path, kind, height=32, width=48)
    assert re.search(r"MB.*PSNR to the SavedModel [4-9]\d\.\d dB", report)
    facts = writing.read_metadata(path.read_bytes())
    assert (facts["kind"], facts["lr_height"]) == (kind, 32)
    lite = comparison.Lite(path.read_bytes())
    assert lite(*(np.float32(x) / 255 for x in pair(32, 48))).shape == (
        1, 128, 192, 3,
    )  # fmt: skip
    quantized = _quantized_outputs(path.read_bytes())
    assert any("encoder" in name for name in quantized) == (kind == "int8")
    assert not any("flow" in name or "picture" in name for name in quantized)


@pytest.mark.slow
def test_int8_of_the_shipped_weights(tmp_path):
    """Nothing but the convolutions of encoders and upsampler is 8-bit."""
    model, _ = runs.load_model("crossnet-lite-x4")
    version = saving.save(model, tmp_path / "crossnet" / "1")
    path = tmp_path / "a.tflite"
    report = writing.write(version, path, "int8", height=0, width=0)
    assert float(re.search(r"SavedModel (\S+) dB", report)[1]) > 55
    assert float(re.search(r"truth \S+ dB \((\S+) dB", report)[1]) > -0.1
    file = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    (graph,) = file.subgraphs
    codes = [code.builtinCode for code in file.operatorCodes]
    kinds = schema.BuiltinOperator
    allowed = {kinds.CONV_2D, kinds.QUANTIZE, kinds.DEQUANTIZE}
    touched = {
        codes[step.opcodeIndex]
        for step in graph.operators
        for i in (*step.inputs, *step.outputs)
        if i >= 0 and graph.tensors[i].type == schema.TensorType.INT8
    }
    assert touched == allowed


def _quantized_outputs(content: bytes) -> list[str]:
    """Names of what convolutions make in 8 bits."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    codes = [code.builtinCode for code in model.operatorCodes]
    kinds = (
        schema.BuiltinOperator.CONV_2D,
        schema.BuiltinOperator.TRANSPOSE_CONV,
    )
    (graph,) = model.subgraphs
    made = [
        graph.tensors[step.outputs[0]]
        for step in graph.operators
        if codes[step.opcodeIndex] in kinds
    ]
    return [t.name.decode() for t in made if t.type == schema.TensorType.INT8]
