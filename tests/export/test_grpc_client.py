"""What gRPC brings back is hostile, too; headers go with each request."""

import time
import tracemalloc

import grpc
import numpy as np
import pytest
from odd_servers import answering_grpc as answering
from serving_export import pair

from crossnet_tf.export.remote import (
    connecting,
    messages,
    photos,
    transport,
    upscaler,
)
from crossnet_tf.export.remote import crossnet_serving_pb2 as pb
from crossnet_tf.export.remote.failures import Kind, RequestError

LR, REF = (image[0] for image in pair(8, 12))


def _ask(where, signature="encoded", **options):
    options = {"retries": 0, "timeout": 20, **options}
    way = connecting.connect(transport.Target(where, **options))
    way._sleep = lambda seconds: None
    try:
        return upscaler.ask(way, signature, LR, REF)
    finally:
        way.close()


def _answer(**outputs) -> bytes:
    response = messages.PredictResponse()
    for name, value in outputs.items():
        is_proto = isinstance(value, pb.TensorProto)
        proto = value if is_proto else messages.to_proto(value)
        response.outputs[name].CopyFrom(proto)
    return response.SerializeToString()


def _tensor(shape, dtype=pb.DT_UINT8, **values) -> pb.TensorProto:
    proto = pb.TensorProto(dtype=dtype, **values)
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    return proto


def _half(value: float) -> np.ndarray:
    picture = np.full([1, *REF.shape], 0.5, np.float32)
    picture[0, 1, 2, 0] = value
    return picture


def test_right_answers_golden():
    for signature, value in (
        ("encoded", [photos.encode(REF)]),
        ("uint8", REF[None]),
        ("serving_default", np.float32(REF[None]) / 255),
    ):
        with answering(_answer(sr=value)) as (where, _):
            np.testing.assert_array_equal(_ask(where, signature), REF)


SHAPE = [1, *REF.shape]
HOSTILE = {
    "no message": ("encoded", b"\xff" * 99, "."),
    "nothing": ("encoded", b"", r"no picture: outputs \[\]"),
    "two outputs": ("encoded", _answer(a=[b""], b=[b""]), "outputs"),
    "no picture": ("encoded", _answer(sr=[b"<html>"]), "sent no picture"),
    "two pictures": ("encoded", _answer(sr=[b"", b""]), "2 byte strings"),
    "a smaller picture": (
        "encoded", _answer(sr=[photos.encode(REF[1:])]), "48 x 31 instead"),
    "a cut picture": (
        "encoded", _answer(sr=[photos.encode(REF)[:-200]]), "sent no picture"),
    "a shape of 10^18": (
        "uint8", _answer(sr=_tensor([10**9, 10**9], int_val=[1])), "shape"),
    "a negative shape": (
        "uint8", _answer(sr=_tensor([-1], int_val=[1])), "shape"),
    "two negative sizes": (
        "uint8", _answer(sr=_tensor([-1, -9], int_val=[1])), "shape"),
    "too few values": (
        "uint8", _answer(sr=_tensor(SHAPE, int_val=[1, 2])), "`sr`: "),
    "too many bytes": (
        "uint8", _answer(sr=_tensor([1], tensor_content=b"ab")), "`sr`: "),
    "bytes that are no floats": (
        "uint8",
        _answer(sr=_tensor([1], pb.DT_FLOAT, tensor_content=b"ab")), "`sr`: "),
    "values above 255": (
        "uint8", _answer(sr=_tensor(SHAPE, int_val=[256])), "`sr`: "),
    "values below 0": (
        "uint8", _answer(sr=_tensor(SHAPE, int_val=[-1])), "`sr`: "),
    "another dtype": ("uint8", _answer(sr=_tensor([1], 3)), "dtype 3"),
    "no dtype": ("uint8", _answer(sr=_tensor([1], 0)), "dtype 0"),
    "another shape": ("uint8", _answer(sr=REF[None, 1:]), "shape"),
    "NaN": ("serving_default", _answer(sr=_half(np.nan)), "NaN or infinity"),
    "infinity": ("serving_default", _answer(sr=_half(np.inf)), "NaN or inf"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_wrong_answers_reject(kind):
    signature, answer, reason = HOSTILE[kind]
    with (
        answering(answer) as (where, _),
        pytest.raises(RequestError, match=reason) as error,
    ):
        _ask(where, signature)
    text = str(error.value)
    assert text.isprintable()
    assert len(text) < 600


def test_long_answers_take_bounded_memory():
    limit = upscaler.answer_limit("encoded", REF.shape[0] * REF.shape[1])
    answer = _answer(sr=[bytes(20 * limit)])
    tracemalloc.start()
    with (
        answering(answer) as (where, _),
        pytest.raises(RequestError, match=f"at most {limit:,} bytes") as error,
    ):
        _ask(where, max_answer=limit)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error.value.kind == Kind.TOO_LARGE
    assert peak < 5 * limit


def test_a_silent_server_ends_at_the_deadline():
    start = time.monotonic()
    with (
        answering(lambda context: time.sleep(1.5) or b"") as (where, _),
        pytest.raises(RequestError, match="within 0.3 s"),
    ):
        _ask(where, timeout=0.3)
    assert time.monotonic() - start < 5


def test_refusals_are_printable():
    def refuse(context):
        details = "\x1b[31mno\n" + "way " * 400
        context.abort(grpc.StatusCode.UNAUTHENTICATED, details)

    with (
        answering(refuse) as (where, _),
        pytest.raises(RequestError, match="--header_file") as error,
    ):
        _ask(where)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 600


def test_headers_go_with_each_request(tmp_path):
    path = tmp_path / "headers"
    path.write_text("Authorization: Bearer s3cret\nX-Team: a b\n")
    with answering(_answer(sr=[photos.encode(REF)])) as (where, found):
        _ask(where, header_file=str(path))
        _ask(where)
    assert found[0]["authorization"] == "Bearer s3cret"
    assert found[0]["x-team"] == "a b"
    assert "authorization" not in found[1]


def test_loopback_ignores_proxies(monkeypatch):
    for name in ("grpc_proxy", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with answering(_answer(sr=[photos.encode(REF)])) as (where, _):
        np.testing.assert_array_equal(_ask(where), REF)
