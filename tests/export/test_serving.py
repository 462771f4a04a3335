"""The SavedModel in a server: right answers, right errors, no downtime.

What is real here and what a stand-in, `serving_server.py` says.
"""

import concurrent.futures
import json
import os
import pathlib
import shutil
import threading
import urllib.error
import urllib.request

import grpc
import numpy as np
import official_messages as official
import pytest
import serving_export
import serving_process
from google.protobuf import text_format
from serving_export import encode, pair
from serving_models import wait_until

with official.importable():
    from tensorflow_serving.apis import get_model_metadata_pb2
    from tensorflow_serving.config import model_server_config_pb2

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAX_GROWTH = 300e6  # bytes of a server under hostile load
stand_in_only = pytest.mark.skipif(
    serving_process.IS_REAL, reason="looks into the stand-in"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("models")
    for name in ("crossnet", "swap"):
        shutil.copytree(serving_export.exported(), folder / name / "1")
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with serving_process.running(folder, "crossnet", "swap") as server:
        yield server


@pytest.fixture(scope="module")
def stub(server):
    options = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(server.grpc, options) as channel:
        yield official.prediction_service_pb2_grpc.PredictionServiceStub(
            channel
        )


def _request(signature: str = "uint8", model: str = "crossnet", **inputs):
    request = official.predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(official.to_proto(value))
    return request


def _good(height: int = 8, width: int = 12, seed: int = 0, **options):
    lr, ref = pair(height, width, seed=seed)
    return _request(lr=lr, ref=ref, **options)


def _expected(height: int = 8, width: int = 12, seed: int = 0) -> np.ndarray:
    lr, ref = pair(height, width, seed=seed)
    inputs = {"lr": np.float32(lr) / 255, "ref": np.float32(ref) / 255}
    outputs = serving_export.tiny_model()(inputs, training=False)
    return np.clip(outputs["sr"].numpy(), 0, 1)


def _close(sr: np.ndarray, expected: np.ndarray) -> bool:
    """Within rounding to 8 bits."""
    return np.abs(np.float32(sr) / 255 - expected).max() <= 0.51 / 255


def _post(url: str, body) -> tuple[int, dict | str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(url, data, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_grpc_agrees(stub):
    lr, ref = (np.float32(image) / 255 for image in pair(9, 13, 2))
    response = stub.Predict(_request("serving_default", lr=lr, ref=ref), 60)
    sr = official.from_proto(response.outputs["sr"])
    expected = serving_export.tiny_model()(
        {"lr": lr, "ref": ref}, training=False
    )["sr"]
    np.testing.assert_allclose(sr, np.clip(expected, 0, 1), atol=1e-6)
    assert response.model_spec.version.value == 1


@stand_in_only
def test_warmup_was_replayed(server):
    assert server.started["warmed_up"] == {"crossnet": 4, "swap": 4}


def _with(change):
    request = _good()
    change(request)
    return request


C = grpc.StatusCode


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        # server_core.cc, basic_manager.cc
        (lambda r: r.model_spec.ClearField("name"), C.INVALID_ARGUMENT,
         "has no name"),
        (lambda r: setattr(r.model_spec, "name", "no"), C.NOT_FOUND,
         "Servable not found for request: Latest(no)"),
        (lambda r: setattr(r.model_spec.version, "value", 7), C.NOT_FOUND,
         "Servable not found for request: Specific(crossnet, 7)"),
        (lambda r: setattr(r.model_spec, "version_label", "x"),
         C.INVALID_ARGUMENT, "Unrecognized servable version label: x"),
        # predict_util.cc
        (lambda r: setattr(r.model_spec, "signature_name", "x"),
         C.FAILED_PRECONDITION, 'Serving signature key "x" not found.'),
        (lambda r: r.inputs.pop("ref"), C.INVALID_ARGUMENT,
         "input size does not match signature: 1!=2 len({lr})"),
        (lambda r: r.inputs["z"].CopyFrom(r.inputs.pop("ref")),
         C.INVALID_ARGUMENT, "input tensor alias not found in signature: z"),
        (lambda r: r.output_filter.append("hr"), C.INVALID_ARGUMENT,
         "output tensor alias not found in signature: hr"),
        (lambda r: r.output_filter.extend(["sr", "sr"]), C.INVALID_ARGUMENT,
         "duplicate output tensor alias: sr"),
        (lambda r: setattr(r.inputs["lr"], "tensor_content", b"1"),
         C.INVALID_ARGUMENT, "tensor parsing error: lr"),
        # TensorFlow
        (lambda r: r.inputs["lr"].CopyFrom(official.to_proto([b"x"])),
         C.INVALID_ARGUMENT, "to be uint8 but string is provided"),
        (lambda r: r.inputs["lr"].CopyFrom(r.inputs["ref"]),
         C.INVALID_ARGUMENT, "`ref` must be 4 times as large as `lr`"),
        (lambda r: r.inputs["lr"].tensor_shape.dim.pop(0),
         C.INVALID_ARGUMENT, "Shape of tensor"),
    ],
)  # fmt: skip
def test_grpc_rejects(stub, change, code, text):
    with pytest.raises(grpc.RpcError) as error:
        stub.Predict(_with(change), 60)
    assert error.value.code() == code
    details = error.value.details()
    assert text in details


@pytest.mark.slow
def test_grpc_default_limit_is_4_mib(server, stub):
    lr, ref = (np.float32(image) / 255 for image in pair(128, 128))
    request = _request("flow", lr=lr, ref=ref)
    with grpc.insecure_channel(server.grpc) as channel:
        other = official.prediction_service_pb2_grpc.PredictionServiceStub(
            channel
        )
        with pytest.raises(grpc.RpcError) as error:
            other.Predict(request, 60)
    assert error.value.code() == C.RESOURCE_EXHAUSTED
    assert "larger than max" in error.value.details()
    assert stub.Predict(request, 60).outputs["warped_ref"]


def test_metadata_lists_the_signatures(stub):
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = "crossnet"
    request.metadata_field.append("signature_def")
    response = stub.GetModelMetadata(request, 60)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    names = {"encoded", "flow", "serving_default", "uint8"}
    assert names <= set(signatures.signature_def)


def test_rest_agrees(server):
    url = f"{server.rest}/v1/models/crossnet:predict"
    lr, ref = pair(8, 12)
    inputs = {"lr": lr.tolist(), "ref": ref.tolist()}
    status, answer = _post(url, {"signature_name": "uint8", "inputs": inputs})
    assert status == 200
    assert _close(np.array(answer["outputs"]), _expected())
    rows = [{"lr": lr[0].tolist(), "ref": ref[0].tolist()}]
    body = {"signature_name": "uint8", "instances": rows}
    status, row_answer = _post(url, body)
    assert (status, row_answer["predictions"]) == (200, answer["outputs"])


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        ("no:predict", {"inputs": {}}, 404, "Servable not found"),
        ("crossnet/versions/7:predict", {"inputs": {}}, 404, "Specific("),
        ("crossnet:predict", b"{", 400, "JSON Parse error"),
        ("crossnet:predict", b"[]", 400, "Is not object"),
        ("crossnet:predict", {}, 400, "Missing 'inputs' or 'instances' key"),
        ("crossnet:predict", {"signature_name": "x", "inputs": {}}, 400,
         "x"),
        ("crossnet:predict", {"inputs": {"lr": []}}, 400,
         "Missing named input: ref"),
        ("crossnet:predict",
         {"signature_name": "encoded",
          "inputs": {"lr_bytes": [{"b64": "?"}], "ref_bytes": []}}, 400,
         "Unable to base64 decode"),
        ("crossnet:dance", {}, 400, "Malformed request"),
    ],
)  # fmt: skip
def test_rest_rejects(server, path, body, status, text):
    found, answer = _post(f"{server.rest}/v1/models/{path}", body)
    assert found == status
    assert text in answer.replace("\\'", "'")


def _install(folder: pathlib.Path, name: str, number: int, damage=False):
    """A new version, as `export.saved_model` makes it appear."""
    temporary = folder / name / f".{number}.tmp"
    shutil.copytree(folder / name / "1", temporary)
    if damage:
        (temporary / "saved_model.pb").write_bytes(b"no model")
    os.rename(temporary, folder / name / str(number))


def test_versions_swap_under_load_without_a_failure(server, stub, folder):
    versions, stop = [], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            response = stub.Predict(_good(model="swap"), 60)
            versions.append(response.model_spec.version.value)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        askers = [pool.submit(ask) for _ in range(4)]
        try:
            wait_until(lambda: 1 in versions)
            _install(folder, "swap", 2)
            wait_until(lambda: versions[-1] == 2)
            wait_until(lambda: server.states("swap")[1] == "END")
            _install(folder, "swap", 3, damage=True)
            # A real server tries for minutes before it gives up.
            gone = "LOADING" if serving_process.IS_REAL else "END"
            wait_until(lambda: server.states("swap").get(3) == gone)
            count = len(versions)
            wait_until(lambda: len(versions) > count + 4)
        finally:
            stop.set()
        for asker in askers:
            asker.result()  # raises if a request failed
    assert set(versions) == {1, 2}
    assert server.states("swap")[2] == "AVAILABLE"


def _hostile() -> list:
    """Requests that must be refused, each with what is wrong with it."""
    lr, ref = pair(8, 12)
    png, ref_png = encode(lr[0]), encode(ref[0])
    floats = {"lr": np.float32(lr) / 255, "ref": np.float32(ref) / 255}

    def files(lr_bytes: bytes, ref_bytes: bytes):
        return _request("encoded", lr_bytes=[lr_bytes], ref_bytes=[ref_bytes])

    return [
        files(png[:-20], ref_png),
        files(encode(lr[0], "JPEG")[:-60], ref_png),
        files(png, serving_export.bomb()),
        files(png, serving_export.jpeg_bomb()),
        files(png, png),
        files(b"", ref_png),
        files(png, b"<html>"),
        _request("encoded", lr_bytes=[], ref_bytes=[]),
        _request("serving_default", **{**floats, "lr": floats["lr"] * np.nan}),
        _request("serving_default", **{**floats, "ref": floats["ref"] * 255}),
        _request("serving_default", lr=floats["lr"][:0], ref=floats["ref"][:0]),
        _request(lr=lr, ref=ref[:, 1:]),
        _request(lr=lr[0], ref=ref[0]),
        _request(lr=np.zeros([1, 0, 0, 3], np.uint8), ref=ref),
    ]  # fmt: skip


def _bombard(server, stub, num_requests: int, num_hostile: int) -> None:
    """Every good one is answered right, every bad one with a reason."""
    hostile = _hostile()
    sizes = [(8, 12), (11, 7), (16, 16), (5, 30)]
    answers = [_expected(*size) for size in sizes]
    for size in sizes:
        stub.Predict(_good(*size), 60)
    before = server.memory()
    every = num_requests // num_hostile

    def ask(i: int) -> bool:
        if i % every == 0:
            request = hostile[i // every % len(hostile)]
            with pytest.raises(grpc.RpcError) as error:
                stub.Predict(request, 60)
            return (
                error.value.code() == C.INVALID_ARGUMENT
                and len(error.value.details()) > 10
            )
        response = stub.Predict(_good(*sizes[i % len(sizes)]), 60)
        sr = official.from_proto(response.outputs["sr"])
        return _close(sr, answers[i % len(sizes)])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        right = list(pool.map(ask, range(num_requests)))
    assert [i for i, ok in enumerate(right) if not ok] == []
    assert server.memory() - before < MAX_GROWTH
    assert _close(
        official.from_proto(stub.Predict(_good(), 60).outputs["sr"]),
        _expected(),
    )


def test_hostile_requests(server, stub):
    _bombard(server, stub, 60, 15)


@pytest.mark.slow
def test_a_thousand_requests_among_them_200_hostile_ones(server, stub):
    _bombard(server, stub, 1000, 200)


def test_shipped_configuration_is_valid_and_does_not_batch():
    folder = ROOT / "export" / "serving"
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse((folder / "models.config").read_text(), config)
    (model,) = config.model_config_list.config
    assert model.name == "crossnet"
    labels = dict(model.version_labels)
    assert set(labels) == {"stable", "canary"}
    assert set(labels.values()) <= set(
        model.model_version_policy.specific.versions
    )
    for name in ("compose.yaml", "kubernetes.yaml"):
        text = (folder / name).read_text()
        assert "--model_config_file" in text
        lines = [x for x in text.splitlines() if "#" not in x]
        assert not any("enable_batching" in line for line in lines)
