"""What REST brings back is hostile: refused in one line, in bounded time."""

import base64
import io
import json
import socket
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from odd_servers import answering
from PIL import Image
from serving_export import pair

from crossnet_tf.export.remote import (
    connecting,
    deadlines,
    header_files,
    json_values,
    proxies,
    transport,
    upscaler,
)
from crossnet_tf.export.remote.failures import Kind, RequestError

LR, REF = (image[0] for image in pair(8, 12))
_OK = b"HTTP/1.1 200 OK\r\n"


def _http(body: bytes, head: bytes = _OK) -> bytes:
    length = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head + length.encode() + body


def _json(outputs: object) -> bytes:
    return _http(json.dumps({"outputs": outputs}).encode())


def _ask(where: str, signature: str = "encoded", slept=None, **options):
    options = {"retries": 0, "timeout": 20, **options}
    way = connecting.connect(transport.Target(where, **options))
    way._sleep = (slept if slept is not None else []).append
    try:
        return upscaler.ask(way, signature, LR, REF)
    finally:
        way.close()


def _png(image: np.ndarray = REF) -> list:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return [{"b64": base64.b64encode(file.getvalue()).decode()}]


_NUMBERS = REF[None].tolist()


def _changed(value: object) -> list:
    numbers = json.loads(json.dumps(_NUMBERS))
    numbers[0][1][2][0] = value
    return numbers


@pytest.mark.parametrize(
    ("signature", "outputs"),
    [
        ("encoded", _png()),
        ("encoded", {"sr_bytes": _png()}),
        ("encoded", {"flow": [1], "sr_bytes": _png()}),
        ("uint8", _NUMBERS),
        ("serving_default", (REF[None] / 255).tolist()),
    ],
)
def test_right_answers_golden(signature, outputs):
    with answering(_json(outputs)) as (where, _):
        np.testing.assert_array_equal(_ask(where, signature), REF)


@pytest.mark.parametrize(
    ("signature", "answer", "reason"),
    [
        ("encoded", _json([]), "no picture"),
        ("encoded", _json(None), "no list"),
        ("encoded", _json({}), r"no picture: outputs \[\]"),
        ("encoded", _json({"a": [1], "b": [2]}), "no picture: outputs"),
        ("encoded", _json([{"b64": "%%%"}]), "no base64"),
        ("encoded", _json([{"b64": 7}]), "no base64"),
        ("encoded", _json([{"b46": "AAAA"}]), "no base64"),
        ("encoded", _json([{"b64": "AAAA"}, 1]), "no base64"),
        ("encoded", _json([{"b64": "AAAA"}]), "sent no picture"),
        ("encoded", _json(_png() * 2), "2 byte strings"),
        ("encoded", _json(_png(REF[1:])), "48 x 31 instead of 48 x 32"),
        ("encoded", _http(b'{"outputs": [' + b"{}," * 999 + b"1]}"), "objects"),
        ("encoded", _http(b"[]"), "no `outputs`"),
        ("encoded", _http(b"\xff\xfe"), "no JSON"),
        ("encoded", _http(b'{"outputs": ' + b"[" * 9999 + b"}"), "no JSON"),
        ("encoded", _http(b"", _OK[:-2] + b"\r\nContent-Encoding: gzip\r\n"),
         "coded as 'gzip'"),
        ("uint8", _json(_changed(256)), "values from 0 to 256|to 256 instead"),
        ("uint8", _json(_changed(-1)), "values from -1"),
        ("uint8", _json(_changed(10**30)), "other values than numbers"),
        ("uint8", _http(b'{"outputs": [' + b"9" * 5000 + b"]}"), "no JSON"),
        ("uint8", _json(_changed("a")), "other values|no regular"),
        ("uint8", _json(_changed([1])), "no regular array"),
        ("uint8", _json(_changed(True)[:1] * 2), "shape"),
        ("uint8", _json(REF.tolist()), "shape"),
        ("uint8", _json(REF[None, :, 1:].tolist()), "shape"),
        ("serving_default", _json(_changed(float("nan"))), "NaN or infinity"),
        ("serving_default", _json(_changed(1e999)), "NaN or infinity"),
        ("encoded", _http(b"", b"HTTP/1.1 302 Found\r\nLocation: /x\r\n"),
         "redirects"),
        ("encoded", b"SSH-2.0-OpenSSH\r\n", "does not speak HTTP"),
        ("encoded", b"HTTP/1.1 abc\r\n\r\n", "does not speak HTTP"),
        ("encoded", _OK + b"X: y\r\n" * 200 + b"\r\n", "does not speak HTTP"),
        ("encoded", _OK + b"X: " + b"y" * 70_000 + b"\r\n\r\n", "speak HTTP"),
        ("encoded", _OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "."),
        ("encoded", _http(b'{"error": "\x1b[31mred"}', b"HTTP/1.1 500 X\r\n"),
         "500"),
        ("encoded", _http(b'{"error": ["a"]}', b"HTTP/1.1 500 X\r\n"), "500"),
        ("encoded", _http(b"", b"HTTP/1.1 401 No\r\n"), "--header_file"),
    ],
)  # fmt: skip
def test_wrong_answers_reject(signature, answer, reason):
    with (
        answering(answer) as (where, _),
        pytest.raises(RequestError, match=reason) as error,
    ):
        _ask(where, signature)
    text = str(error.value)
    assert "\n" not in text
    assert text.isprintable()
    assert len(text) < 600


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        _OK + b"Content-Length: 999\r\n\r\n{",
        _OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{",
        _OK + b"\r\n" + b'{"outputs": [',
    ],
)
def test_a_server_that_dies_in_the_middle_is_asked_again(broken):
    slept = []
    with answering(broken, broken, _json(_png())) as (where, requests):
        sr = _ask(where, retries=5, slept=slept)
    np.testing.assert_array_equal(sr, REF)
    assert (len(requests), len(slept)) == (3, 2)


def test_a_server_that_stays_dead_is_said():
    with (
        answering(b"") as (where, _),
        pytest.raises(RequestError, match=f"No server answers at {where}"),
    ):
        _ask(where, retries=1)


@pytest.mark.parametrize("begin", [b"", _OK, _OK + b"\r\n{"])
def test_dripping_ends_at_the_deadline(begin):
    def drip(connection):
        connection.sendall(begin)
        for _ in range(200):
            connection.sendall(b"H")
            time.sleep(0.05)

    start = time.monotonic()
    with (
        answering(drip) as (where, _),
        pytest.raises(RequestError, match="within 0.5 s") as error,
    ):
        _ask(where, timeout=0.5)
    assert error.value.kind == Kind.TIMEOUT
    assert time.monotonic() - start < 5


def test_a_server_that_does_not_read_ends_at_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        where = f"http://127.0.0.1:{listener.getsockname()[1]}"
        way = connecting.connect(transport.Target(where, retries=0, timeout=1))
        value = {"lr": [bytes(2**24)]}
        start = time.monotonic()
        with pytest.raises(RequestError, match="within 1 s"):
            way.predict("encoded", value)
        way.close()
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    "head", [b"\r\n", b"Content-Length: 99999999999\r\n\r\n"]
)
def test_endless_answers_take_bounded_memory(head):
    def pour(connection):
        connection.sendall(_OK + head)
        while True:
            connection.sendall(b"[" * 2**16)

    limit = upscaler.answer_limit("encoded", REF.shape[0] * REF.shape[1])
    tracemalloc.start()
    with (
        answering(pour) as (where, _),
        pytest.raises(RequestError, match=f"at most {limit:,} bytes") as error,
    ):
        _ask(where, max_answer=limit)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error.value.kind == Kind.TOO_LARGE
    assert peak < 5 * limit


def test_right_answers_are_within_the_limit(rng):
    noise = rng.integers(0, 256, [64, 64, 3], np.uint8)
    floats = (noise[None] / 255).astype(np.float32)
    for signature, outputs in (
        ("encoded", _png(noise)),
        ("uint8", noise[None].tolist()),
        ("serving_default", floats.tolist()),
    ):
        size = len(json.dumps({"outputs": outputs}, indent=None))
        assert size < upscaler.answer_limit(signature, 64 * 64)


def test_headers_go_with_each_request(tmp_path):
    path = tmp_path / "headers"
    path.write_text("Authorization: Bearer s3cret\n\nX-Team: a b\n")
    with answering(_json(_png())) as (where, requests):
        _ask(where, header_file=str(path))
    lines = requests[0].lower().splitlines()
    assert b"authorization: bearer s3cret" in lines
    assert b"x-team: a b" in lines
    assert b"content-type: application/json" in lines


@pytest.mark.parametrize(
    "text",
    [
        "s3cret",
        "Authorization s3cret",
        "Authorization:",
        ": s3cret",
        "Author ization: s3cret",
        "Authorization: s3cret\x00",
        "Authorization: s3cret\u00e9",
        "Content-Length: 3",
        "Host: s3cret",
        "grpc-timeout: 3",
        "token-bin: s3cret",
        "X: 1\nx: s3cret",
        "X: " + "s3cret" * 20_000,
    ],
)
def test_header_file_rejects(tmp_path, text):
    path = tmp_path / "headers"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=f"`header_file` .*{path}") as error:
        header_files.read(path)
    assert "s3cret" not in str(error.value)


def test_values_roundtrip(rng):
    for value in (
        rng.integers(0, 256, [1, 2, 3, 3], np.uint8),
        rng.random([1, 2, 3, 3], np.float32),
    ):
        text = json.dumps({"outputs": {"sr": json_values.to_json(value)}})
        found = json_values.outputs(text.encode())["sr"]
        np.testing.assert_array_equal(found.astype(value.dtype), value)
    text = json.dumps({"outputs": json_values.to_json([b"a", b""])})
    assert json_values.outputs(text.encode()) == {"": [b"a", b""]}


def test_deadline_is_over():
    with deadlines.within(0), pytest.raises(TimeoutError):
        deadlines.left()


@pytest.fixture
def no_proxies(monkeypatch):
    for name in ("http", "https", "all", "grpc", "no", "no_grpc"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)
    return monkeypatch


def test_loopback_ignores_proxies(no_proxies):
    no_proxies.setenv("http_proxy", "http://127.0.0.1:9")
    with answering(_json(_png())) as (where, _):
        np.testing.assert_array_equal(_ask(where), REF)


def test_a_proxy_is_asked_and_named(no_proxies):
    with answering(_json(_png()), b"") as (where, requests):
        proxy = where.replace("//", "//me:s3cret@")
        no_proxies.setenv("http_proxy", proxy)
        np.testing.assert_array_equal(_ask("http://models.invalid"), REF)
        head = requests[0].splitlines()
        assert head[0].startswith(b"POST http://models.invalid/v1/models/")
        secret = base64.b64encode(b"me:s3cret")
        assert any(secret in line for line in head)
        with pytest.raises(RequestError) as error:
            _ask("http://models.invalid:8501")
    assert "through the proxy http://***@127" in str(error.value)
    assert "`http_proxy`" in str(error.value)
    assert "s3cret" not in str(error.value)


def test_a_dead_proxy_is_named(no_proxies):
    no_proxies.setenv("HTTPS_PROXY", "me:s3cret@127.0.0.1:9")
    with pytest.raises(RequestError, match="the proxy .*:9 of `https_proxy`"):
        _ask("https://models.invalid")
    no_proxies.setenv("no_proxy", "models.invalid")
    with pytest.raises(RequestError, match=r"at https://models.invalid:"):
        _ask("https://models.invalid")


@pytest.mark.parametrize("url", ["socks5://a:1", "http://", "http://a:x"])
def test_proxy_rejects(no_proxies, url):
    no_proxies.setenv("http_proxy", url)
    with pytest.raises(ValueError, match="`http_proxy` must be"):
        _ask("http://models.invalid")


def test_grpc_follows_its_own_variables(no_proxies):
    address = connecting.addresses.parse("models.invalid:8500")
    assert proxies.of(address) is None
    no_proxies.setenv("http_proxy", "http://a:1")
    assert str(proxies.of(address)) == "the proxy http://a:1 of `http_proxy`"
    no_proxies.setenv("grpc_proxy", "b:2")
    assert proxies.of(address).url == "http://b:2"
    no_proxies.setenv("no_proxy", "other, .invalid")
    assert proxies.of(address) is None
    local = connecting.addresses.parse("[::1]:8500")
    no_proxies.delenv("no_proxy")
    assert proxies.of(local) is None


def test_pictures_of_the_server_are_checked_before_decoding():
    claim = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + claim
    bomb += struct.pack(">I", zlib.crc32(claim))
    bomb += struct.pack(">I4s", 2**20, b"IDAT") + bytes(99)
    outputs = [{"b64": base64.b64encode(bomb).decode()}]
    with (
        answering(_json(outputs)) as (where, _),
        pytest.raises(RequestError, match="60000 x 60000 instead of"),
    ):
        _ask(where)
