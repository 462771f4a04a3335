"""The exported SavedModel equals the network and refuses what does not fit."""

import os
import pathlib
import re
import resource
import subprocess
import sys

import numpy as np
import pytest
import serving_export
import tensorflow as tf
from serving_export import blank, decode, encode, pair
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from crossnet_tf.export import saved_model
from crossnet_tf.export.graph import lint, saving, warmup
from crossnet_tf.model.base import named


@pytest.fixture(scope="module")
def version() -> pathlib.Path:
    return serving_export.exported()


@pytest.fixture(scope="module")
def served(version):
    loaded = tf.saved_model.load(str(version))
    # The signatures live as long as the object that they were loaded with.
    yield loaded.signatures
    del loaded


def _network(lr: np.ndarray, ref: np.ndarray) -> dict[str, np.ndarray]:
    inputs = {"lr": np.float32(lr) / 255, "ref": np.float32(ref) / 255}
    outputs = serving_export.tiny_model()(inputs, training=False)
    return {name: value.numpy() for name, value in named(outputs).items()}


def _floats(*images: np.ndarray) -> dict[str, tf.Tensor]:
    return {
        name: tf.constant(np.float32(image) / 255)
        for name, image in zip(("lr", "ref"), images, strict=True)
    }


def _files(lr: list[bytes], ref: list[bytes]) -> dict[str, tf.Tensor]:
    return {
        "lr_bytes": tf.constant(lr, tf.string, [len(lr)]),
        "ref_bytes": tf.constant(ref, tf.string, [len(ref)]),
    }


@pytest.mark.parametrize(
    ("batch", "height", "width"),
    [(1, 4, 7), (2, 17, 9), (3, 8, 8), (4, 11, 13)],
)
def test_serving_default_agrees(served, batch, height, width):
    lr, ref = pair(height, width, batch)
    sr = served["serving_default"](**_floats(lr, ref))["sr"]
    expected = np.clip(_network(lr, ref)["sr"], 0, 1)
    np.testing.assert_allclose(sr, expected, atol=1e-6)
    assert expected.std() > 0.01


def test_uint8_and_encoded_agree(served):
    lr, ref = pair(9, 14, batch=2)
    sr = served["uint8"](lr=tf.constant(lr), ref=tf.constant(ref))["sr"].numpy()
    expected = np.clip(_network(lr, ref)["sr"], 0, 1) * 255
    assert np.abs(np.float32(sr) - expected).max() <= 0.5001
    files = _files([*map(encode, lr)], [*map(encode, ref)])
    pngs = served["encoded"](**files)["sr_bytes"].numpy()
    np.testing.assert_array_equal([decode(png) for png in pngs], sr)


def test_encoded_reads_every_plain_kind(served):
    lr, ref = pair(8, 8)
    expected = served["uint8"](lr=tf.constant(lr), ref=tf.constant(ref))["sr"]
    opaque = np.dstack([lr[0], np.full([8, 8, 1], 255, np.uint8)])
    files = _files([encode(opaque, compress_level=1)], [encode(ref[0])])
    (png,) = served["encoded"](**files)["sr_bytes"].numpy()
    np.testing.assert_array_equal(decode(png), expected[0])
    for data in (
        encode(lr[0], "JPEG", quality=95),
        encode(lr[0], "JPEG", progressive=True),
        blank("JPEG", "L", 8, 8),
        blank("PNG", "1", 8, 8),
        blank("PNG", "P", 8, 8),
        blank("PNG", "I;16", 8, 8),
    ):
        (png,) = served["encoded"](**_files([data], [encode(ref[0])]))[
            "sr_bytes"
        ].numpy()
        assert decode(png).shape == (32, 32, 3)


def test_flow_agrees(served):
    lr, ref = pair(9, 14)
    outputs = served["flow"](**_floats(lr, ref))
    expected = _network(lr, ref)
    for name in ("flow_0", "flow_1", "flow_2", "flow_3"):
        np.testing.assert_allclose(outputs[name], expected[name], atol=1e-5)
    assert outputs["warped_ref"].shape == ref.shape
    assert sorted(outputs) == [*(f"flow_{i}" for i in range(4)), "warped_ref"]


NAN = np.float32([np.nan])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lr, ref: (lr, ref[:, 4:]), "ref must be .1 32 48.*ref .1 28"),
        (lambda lr, ref: (lr[:1].repeat(2, 0), ref), "same batch"),
        (lambda lr, ref: (lr[:0], ref[:0]), "batch at least 1"),
        (lambda lr, ref: (lr[:, :3], ref[:, :12]), "at least 4 pixels"),
        (lambda lr, ref: (lr * NAN, ref), "`lr` must be in .0, 1."),
        (lambda lr, ref: (lr, ref * NAN), "`ref` must be in .0, 1."),
        (lambda lr, ref: (lr * np.float32(255), ref), "`lr`.*255"),
    ],
)
def test_serving_default_rejects(served, change, reason):
    lr, ref = change(*(np.float32(x) / 255 for x in pair(8, 12)))
    with pytest.raises(tf.errors.InvalidArgumentError, match=reason):
        served["serving_default"](lr=tf.constant(lr), ref=tf.constant(ref))


def test_serving_default_rejects_too_many_pixels(served):
    lr, ref = (tf.zeros([2, 8 * k, 8 * k * 129, 3]) for k in (1, 4))
    with pytest.raises(tf.errors.InvalidArgumentError, match="most 262144"):
        served["serving_default"](lr=lr, ref=ref)


LR, REF = (encode(image[0]) for image in pair(8, 12))
_SIZE = slice(16, 24)


def _with_size(data: bytes, size: bytes) -> bytes:
    return data[: _SIZE.start] + 2 * size + data[_SIZE.stop :]


@pytest.mark.parametrize(
    ("lr", "ref", "reason"),
    [
        ([b""], [REF], "`lr_bytes` must be a PNG or JPEG.*0 other bytes"),
        ([b"GIF89a" * 9], [REF], "`lr_bytes` must be a PNG or JPEG"),
        ([LR[:40]], [REF], "Invalid PNG"),
        ([LR[:-30]], [REF], "Invalid PNG"),
        ([LR], [encode(pair(8, 12)[1][0], "JPEG")[:-99]], "Invalid JPEG"),
        ([_with_size(LR, b"\x7f\xff\xff\xff")], [REF], "2147483647"),
        ([_with_size(LR, b"\xff\xff\xff\xff")], [REF], "`lr_bytes` .*-1"),
        ([LR], [serving_export.jpeg_bomb()], "`ref_bytes` .*20000 20000"),
        ([_with_size(LR, b"\0\0\0\0")], [REF], "`lr_bytes` .*.0 0."),
        ([LR], [LR], "ref must be .1 32 48.*ref .1 8 12"),
        ([], [], "`lr_bytes` must hold at least one"),
        ([LR, REF], [REF, REF], "`lr_bytes`: all pictures .* one size"),
        ([blank("PNG", "RGBA", 8, 12)], [REF], "`lr_bytes` .*transparent"),
        ([blank("JPEG", "CMYK", 8, 12)], [REF], "`lr_bytes` .*CMYK"),
        ([LR], [encode(pair(8, 12)[1][0], "JPEG") + b"\xff\xda" * 101],
         "`ref_bytes` .*100 scans"),
    ],
)  # fmt: skip
def test_encoded_rejects(served, lr, ref, reason):
    with pytest.raises(tf.errors.InvalidArgumentError, match=reason):
        served["encoded"](**_files(lr, ref))


def test_encoded_rejects_a_bomb_before_decoding(served):
    files = _files([LR], [serving_export.bomb()])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(tf.errors.InvalidArgumentError, match="20000 20000"):
        served["encoded"](**files)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000, "kB; decoded it would be 1,200,000"


def test_warmup_records_fit_the_signatures(version, served):
    path = version / "assets.extra" / "tf_serving_warmup_requests"
    records = [*tf.data.TFRecordDataset(str(path)).as_numpy_iterator()]
    seen = set()
    for record in records:
        log = prediction_log_pb2.PredictionLog.FromString(record)
        request = log.predict_log.request
        assert request.model_spec.name == "crossnet"
        function = served[request.model_spec.signature_name]
        arguments = {
            name: tf.constant(tf.make_ndarray(proto))
            for name, proto in request.inputs.items()
        }
        assert function(**arguments)
        seen.add(request.model_spec.signature_name)
    assert seen == {"serving_default", "uint8", "encoded", "flow"}


def test_lint_finds_nothing_in_the_export(version):
    assert lint.problems(version) == []


def test_lint_rejects_python_xla_and_files(tmp_path):
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
    def serve(x):
        compiled = tf.function(lambda v: v + 1.0, jit_compile=True)(x)
        called = tf.py_function(lambda v: v, [x], tf.float32)
        with tf.control_dependencies([tf.io.write_file("a", "b")]):
            return {"y": compiled + called}

    tf.saved_model.save(module, str(tmp_path / "1"), signatures=serve)
    found = " ".join(lint.problems(tmp_path / "1"))
    assert "_XlaMustCompile" in found
    assert "EagerPyFunc: calls Python" in found
    assert "WriteFile: touches files" in found


def test_lint_rejects_an_op_without_kernel(tmp_path):
    model = saved_model_pb2.SavedModel()
    model.meta_graphs.add().graph_def.node.add(name="a", op="FlexWarp")
    (tmp_path / "saved_model.pb").write_bytes(model.SerializeToString())
    assert lint.problems(tmp_path) == ["FlexWarp: no CPU kernel in TensorFlow"]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        lint.problems(tmp_path / "nowhere")


def test_save_rejects_an_existing_version(version):
    before = sorted(os.listdir(version.parent))
    with pytest.raises(FileExistsError, match="`output_dir`.*crossnet/1"):
        saving.save(serving_export.tiny_model(), version)
    assert sorted(os.listdir(version.parent)) == before == ["1"]


@pytest.mark.parametrize("name", ["model", "model/v1", "1", "model/-1"])
def test_save_rejects_a_name_that_is_no_version(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"`output_dir` .*output_dir={name}"):
        saving.save(None, name)


def test_save_leaves_nothing_of_a_bad_export(tmp_path, monkeypatch):
    monkeypatch.setattr(lint, "problems", lambda directory: ["X: bad"])
    monkeypatch.setattr(saving, "_write", lambda m, d, p: d.mkdir())
    with pytest.raises(RuntimeError, match="X: bad"):
        saving.save(serving_export.tiny_model(), tmp_path / "m" / "1")
    assert os.listdir(tmp_path / "m") == []


def test_save_rejects_what_differs_from_the_network(version, tmp_path):
    other = serving_export.tiny_model()
    weight = other.trainable_variables[-1]
    original = weight.numpy()
    weight.assign(original + 0.1)
    try:
        with pytest.raises(RuntimeError, match="must equal the network"):
            saving._check(version, other)
    finally:
        weight.assign(original)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--output_dir=m/1"], 2, "Give one of --run_dir and --weights"),
        (["--weights=none", "--output_dir=m/1"], 1, "weights.*'none'"),
        (["--weights=none", "--output_dir=m"], 1, "`output_dir` .*=m"),
        (["--weights=none"], 2, "`--output_dir` is required"),
    ],
)
def test_command_rejects(
    capsys, monkeypatch, tmp_path, arguments, code, message
):
    monkeypatch.chdir(tmp_path)
    argv = ["saved_model", *arguments]
    with pytest.raises(SystemExit) as end:
        saved_model.cli.run(saved_model.main, saved_model.FLAGS, argv)
    assert end.value.code == code
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(message, line)


def test_the_network_is_stored_once(version):
    content = (version / lint.SAVED_MODEL_FILE).read_bytes()
    (graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    convolutions = [
        sum(node.op == "Conv2D" for node in function.node_def)
        for function in graph.graph_def.library.function
    ]
    assert len([count for count in convolutions if count > 10]) == 1


@pytest.mark.slow
def test_bfloat16_is_close_to_float32(tmp_path):
    from crossnet_tf.storage import runs

    exact = serving_export.tiny_model()
    model = runs.build(serving_export.tiny_model_config(), "mixed_bfloat16")
    runs.copy_weights(exact, model)
    path = saving.save(model, tmp_path / "m" / "1")
    lr, ref = pair(16, 24)
    served = tf.saved_model.load(str(path)).signatures["serving_default"]
    sr = served(**_floats(lr, ref))["sr"].numpy()
    expected = np.clip(_network(lr, ref)["sr"], 0, 1)
    assert 0 < np.abs(sr - expected).max() < 0.05
    assert sr.dtype == np.float32


@pytest.mark.slow
def test_saved_model_cli_agrees(version, served, tmp_path):
    lr, ref = pair(8, 12)
    np.savez(tmp_path / "in.npz", lr=lr, ref=ref)
    command = [
        pathlib.Path(sys.executable).with_name("saved_model_cli"), "run",
        "--dir", version, "--tag_set", "serve", "--signature_def", "uint8",
        "--inputs", f"lr={tmp_path}/in.npz[lr];ref={tmp_path}/in.npz[ref]",
        "--outdir", tmp_path,
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    sr = served["uint8"](lr=tf.constant(lr), ref=tf.constant(ref))["sr"]
    np.testing.assert_array_equal(np.load(tmp_path / "sr.npy"), sr)


@pytest.mark.slow
def test_saved_model_cli_shows_names_and_types(version):
    command = [
        pathlib.Path(sys.executable).with_name("saved_model_cli"),
        "show", "--dir", version, "--all",
    ]  # fmt: skip
    shown = subprocess.run(
        command, check=True, capture_output=True, text=True
    ).stdout
    for signature, expected in warmup.examples(4, 16).items():
        assert f"signature_def['{signature}']" in shown
        for name in expected:
            assert f"inputs['{name}']" in shown
