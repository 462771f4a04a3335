"""The client: tiles, tries again, and says in one line what is wrong."""

import concurrent.futures
import contextlib
import http.server
import pathlib
import re
import shutil
import subprocess
import sys
import threading

import grpc
import numpy as np
import official_messages as official
import pytest
import serving_export
import serving_process
from PIL import Image
from ports import free_port
from serving_export import pair

from crossnet_tf.export import client
from crossnet_tf.export.remote import (
    benchmark,
    connecting,
    failures,
    over_grpc,
    photos,
    transport,
    upscaler,
)
from crossnet_tf.export.remote.failures import Kind, RequestError
from crossnet_tf.upscaling import tiles

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    version = serving_export.exported()
    shutil.copytree(version, folder / "crossnet" / "1")
    with serving_process.running(folder, "crossnet") as server:
        yield server


@pytest.fixture(params=["grpc", "rest"])
def address(server, request) -> str:
    return getattr(server, request.param)


def _expected(lr: np.ndarray, ref: np.ndarray) -> np.ndarray:
    inputs = {
        name: np.float32(image)[None] / 255
        for name, image in (("lr", lr), ("ref", ref))
    }
    sr = serving_export.tiny_model()(inputs, training=False)["sr"][0]
    return np.clip(sr.numpy(), 0, 1) * 255


@contextlib.contextmanager
def _connected(*arguments, **options):
    way = connecting.connect(transport.Target(*arguments, **options))
    try:
        yield way
    finally:
        way.close()


@pytest.mark.parametrize("signature", ["encoded", "uint8", "serving_default"])
def test_upscale_agrees(address, signature):
    lr, ref = (image[0] for image in pair(9, 14))
    with _connected(address) as way:
        sr = upscaler.upscale(way, lr, ref, signature)
    assert sr.dtype == np.uint8
    assert np.abs(np.float32(sr) - _expected(lr, ref)).max() <= 0.51


def test_upscale_in_tiles_agrees_with_each_tile(server):
    lr, ref = (image[0] for image in pair(130, 40))
    done = []
    with _connected(server.grpc) as way:
        sr = upscaler.upscale(
            way, lr, ref, max_side=256, margin=64, concurrency=3,
            progress=lambda *counts: done.append(counts),
        )  # fmt: skip
    cut = tiles.split(520, 160, 256, 64)
    assert done == [(i + 1, len(cut)) for i in range(len(cut))]
    canvas = tiles.Canvas(520, 160)
    for tile in cut:
        canvas.add(tile, _expected(tile.cut(lr, 4), tile.cut(ref)))
    difference = np.abs(np.float32(np.uint8(canvas.picture() + 0.5)) - sr)
    assert difference.max() <= 2
    assert len(cut) > 2


def test_upscale_stops_at_the_first_failure():
    calls = []

    class Broken(transport.Transport):
        def _once(self, signature, inputs):
            calls.append(signature)
            raise RequestError(Kind.OTHER, "broken")

    lr, ref = (image[0] for image in pair(320, 32))
    way = Broken(transport.Target("a:1"))
    with pytest.raises(RequestError, match="broken"):
        upscaler.upscale(way, lr, ref, max_side=256, margin=0, concurrency=1)
    assert len(calls) < 8


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "LA", "RGBA", "I;16"])
def test_photos_reads_every_plain_kind(tmp_path, mode):
    image = Image.new("RGB", (6, 4), (102, 102, 102))
    if mode == "I;16":
        image = Image.fromarray(np.full([4, 6], 102 * 257, np.uint16))
    elif mode == "1":
        image = Image.new("1", (6, 4), 1)
    else:
        image = image.convert(mode)
    image.save(tmp_path / "a.png")
    pixels = photos.read(tmp_path / "a.png")
    assert (pixels.shape, pixels.dtype) == ((4, 6, 3), np.uint8)
    assert np.all(pixels == (255 if mode == "1" else 102))


def test_photos_turns_by_exif(tmp_path):
    image = Image.new("RGB", (6, 4))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    assert photos.read(tmp_path / "a.jpg").shape == (6, 4, 3)


def test_photos_roundtrip(tmp_path, rng):
    image = rng.integers(0, 256, [5, 7, 3], np.uint8)
    photos.write(tmp_path / "a.png", image)
    np.testing.assert_array_equal(photos.read(tmp_path / "a.png"), image)
    decoded = photos.decode(photos.encode(image), 5, 7)
    np.testing.assert_array_equal(decoded, image)
    photos.write(tmp_path / "a.jpg", image)
    assert photos.read(tmp_path / "a.jpg").shape == (5, 7, 3)


def _saved(path: pathlib.Path, data: bytes) -> pathlib.Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "an empty file"),
        (b"<html>", "an HTML page"),
        (serving_export.encode(pair(8, 12)[0][0])[:-40], "truncated"),
        (serving_export.blank("PNG", "RGBA", 2, 2), "transparency"),
        (serving_export.blank("JPEG", "RGB", 2, 2), "a JPEG image"),
        (serving_export.blank("PNG", "1", 11_000, 11_000), "121,000,000"),
    ],
)
def test_photos_rejects(tmp_path, data, reason):
    with pytest.raises(ValueError, match=rf"Image `.*a.png` must .*{reason}"):
        photos.read(_saved(tmp_path / "a.png", data))


def test_photos_reads_cmyk_as_rgb(tmp_path):
    data = serving_export.blank("JPEG", "CMYK", 3, 2)
    pixels = photos.read(_saved(tmp_path / "a.jpg", data))
    assert (pixels.shape, pixels.dtype) == ((3, 2, 3), np.uint8)


def test_photos_output_rejects(tmp_path):
    with pytest.raises(ValueError, match="output must end in .*`a.gif`"):
        photos.check_output("a.gif")
    with pytest.raises(FileNotFoundError, match="folder must .*none/a.png"):
        photos.check_output(tmp_path / "none" / "a.png")
    with pytest.raises(ValueError, match="sent no picture"):
        photos.decode(b"junk", 4, 4)


def test_scale_rejects():
    lr, ref = pair(4, 6)
    with pytest.raises(ValueError, match="`ref` .*12 x 8.*ref 24 x 15"):
        upscaler.scale_of(lr[0], ref[0, 1:])
    assert upscaler.scale_of(lr[0], ref[0]) == 4


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"model": "no"}, Kind.WRONG_MODEL, "has no model `no`"),
        ({"version": 9}, Kind.WRONG_MODEL, "`crossnet`, version 9"),
        ({"label": "x"}, Kind.WRONG_MODEL, "`crossnet`, version x"),
        ({"timeout": 1e-4}, Kind.TIMEOUT, "within 0.0001 s"),
    ],
)
def test_server_rejects_target(address, options, kind, text):
    lr, ref = (image[0] for image in pair(8, 12))
    options = {"retries": 0, **options}
    with (
        _connected(address, **options) as way,
        pytest.raises(RequestError, match=text) as error,
    ):
        upscaler.ask(way, "encoded", lr, ref)
    assert error.value.kind == kind


@pytest.mark.parametrize(
    ("signature", "top", "kind", "text"),
    [
        ("x", 0, Kind.WRONG_SIGNATURE, "no signature `x`"),
        ("flow", 0, Kind.WRONG_SIGNATURE, "inputs"),
        ("encoded", 1, Kind.REFUSED, "`ref` must be 4"),
    ],
)
def test_server_rejects(address, signature, top, kind, text):
    lr, ref = (image[0] for image in pair(8, 12))
    with (
        _connected(address) as way,
        pytest.raises(RequestError, match=text) as error,
    ):
        upscaler.ask(way, signature, lr, ref[top:])
    assert error.value.kind == kind
    assert "\n" not in str(error.value)
    assert "[[" not in str(error.value)


@pytest.mark.parametrize("form", ["localhost:{}", "http://localhost:{}"])
def test_no_server(form):
    where = form.format(free_port())
    with (
        _connected(where, retries=0) as way,
        pytest.raises(RequestError, match=f"answers at {where}") as error,
    ):
        way.predict("uint8", {})
    assert error.value.kind == Kind.SERVER_DOWN
    assert error.value.retry


def test_the_other_port(server):
    ports = server.grpc, server.rest
    swapped = ports[1].removeprefix("http://"), f"http://{ports[0]}"
    for where in swapped:
        with (
            _connected(where, retries=0, timeout=10) as way,
            pytest.raises(RequestError) as error,
        ):
            way.predict("uint8", {})
        assert error.value.kind in (Kind.NOT_A_SERVER, Kind.SERVER_DOWN)


class _Fake(official.prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers with its input, after `failures` times UNAVAILABLE."""

    def __init__(self, failures: int = 0):
        self.failures, self.calls = failures, 0

    def Predict(self, request, context):
        self.calls += 1
        if self.calls <= self.failures:
            context.abort(grpc.StatusCode.UNAVAILABLE, "restarting")
        response = official.predict_pb2.PredictResponse()
        response.outputs["sr"].CopyFrom(request.inputs["lr"])
        return response


@contextlib.contextmanager
def _fake(servicer, options=(), credentials=None):
    pool = concurrent.futures.ThreadPoolExecutor(2)
    server = grpc.server(pool, options=options)
    official.prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        servicer, server
    )
    if credentials:
        port = server.add_secure_port("localhost:0", credentials)
    else:
        port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        yield f"localhost:{port}"
    finally:
        server.stop(None).wait()


def test_retries_with_back_off():
    servicer, slept = _Fake(failures=3), []
    with _fake(servicer) as where:
        way = over_grpc.Grpc(transport.Target(where), sleep=slept.append)
        value = np.ones([1, 2], np.uint8)
        outputs = way.predict("uint8", {"lr": value})
        way.close()
    np.testing.assert_array_equal(outputs["sr"], value)
    assert servicer.calls == 4
    for i, seconds in enumerate(slept):
        assert 0.1 * 2**i <= seconds <= 0.2 * 2**i


def test_retries_end():
    servicer, slept = _Fake(failures=9), []
    with _fake(servicer) as where:
        target = transport.Target(where, retries=2)
        way = over_grpc.Grpc(target, sleep=slept.append)
        with pytest.raises(RequestError, match="restarting"):
            way.predict("uint8", {"lr": np.ones([1], np.uint8)})
        way.close()
    assert (servicer.calls, len(slept)) == (3, 2)


def test_large_messages_pass_and_the_server_may_refuse():
    value = np.zeros([5_000_000], np.uint8)  # above gRPC's default of 4 MiB
    with (
        _fake(_Fake(), [("grpc.max_receive_message_length", -1)]) as where,
        _connected(where) as way,
    ):
        assert way.predict("uint8", {"lr": value})["sr"].size == value.size
    with (
        _fake(_Fake()) as where,
        _connected(where) as way,
        pytest.raises(RequestError, match="too large.*4194304") as error,
    ):
        way.predict("uint8", {"lr": value})
    assert error.value.kind == Kind.TOO_LARGE


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (413, "<html>nginx</html>", Kind.TOO_LARGE),
        (404, "<html>nginx</html>", Kind.NOT_A_SERVER),
        (503, "<html>nginx</html>", Kind.SERVER_DOWN),
        (504, "{}", Kind.TIMEOUT),
        (200, "<html>hello</html>", Kind.NOT_A_SERVER),
        (500, '{"error": "broken"}', Kind.OTHER),
    ],
)
def test_rest_understands_proxies(status, body, kind):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments):
            pass

    with http.server.HTTPServer(("localhost", 0), Handler) as proxy:
        threading.Thread(target=proxy.handle_request, daemon=True).start()
        where = f"http://localhost:{proxy.server_address[1]}"
        with (
            _connected(where, retries=0) as way,
            pytest.raises(RequestError) as error,
        ):
            way.predict("uint8", {"lr": np.ones([1], np.uint8)})
    assert error.value.kind == kind


@pytest.fixture
def certificate(tmp_path) -> tuple[pathlib.Path, pathlib.Path]:
    """A key, and a certificate for localhost that it signed itself."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048",
         "-keyout", key, "-out", certificate, "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, certificate


def test_tls(certificate):
    files = [tuple(path.read_bytes() for path in certificate)]
    credentials = grpc.ssl_server_credentials(files)
    value = {"lr": np.ones([2], np.uint8)}
    with _fake(_Fake(), credentials=credentials) as where:
        trusted = {"tls": True, "root_certificates": str(certificate[1])}
        with _connected(where, **trusted) as way:
            assert way.predict("uint8", value)["sr"].size == 2
        for options in ({"tls": True}, {}):
            with (
                _connected(where, retries=0, **options) as way,
                pytest.raises(RequestError) as error,
            ):
                way.predict("uint8", value)
            assert error.value.kind == Kind.SERVER_DOWN


@pytest.mark.parametrize("where", ["localhost", "http://", "a/b:1", ":8500"])
def test_connect_rejects(where):
    with pytest.raises(ValueError, match=f"`server` .*server={where}"):
        connecting.connect(transport.Target(where))


def test_readable_drops_the_graph():
    details = (
        "assertion failed: [`lr` must be in [0, 1].]\n"
        "\t [[{{function_node f}}{{node Assert}}]]"
    )
    assert failures.readable(details) == "`lr` must be in [0, 1]"
    details = "Invalid PNG data, size 7\n\t [[{{node DecodePng}}]]"
    assert failures.readable(details) == "Invalid PNG data, size 7"
    assert failures.readable("") == "no reason given"
    assert len(failures.readable("x" * 999)) < 310


def test_tensors_roundtrip(rng):
    for value in (
        rng.random([2, 3], np.float32),
        rng.integers(0, 256, [1, 4], np.uint8),
    ):
        proto = official.to_proto(value)
        np.testing.assert_array_equal(official.from_proto(proto), value)
        field = "float_val" if value.dtype == np.float32 else "int_val"
        getattr(proto, field).extend(value.ravel().tolist())
        proto.ClearField("tensor_content")
        np.testing.assert_array_equal(official.from_proto(proto), value)
    assert official.from_proto(official.to_proto([b"a", b""])) == [b"a", b""]
    with pytest.raises(ValueError, match="`value` .*float64"):
        official.to_proto(np.zeros([1]))


def test_load_counts_answers_and_failures():
    numbers = iter(range(20))

    def call():
        if next(numbers) % 5 == 0:
            raise RequestError(Kind.OTHER, "broken")

    report = benchmark.run(call, 20, 1)
    assert len(report.latencies) == 16
    assert report.errors == {"broken": 4}
    assert re.search(r"16 answers, .* requests/s", str(report))
    assert re.search(r"p50 \d+ ms, p90 \d+ ms, p99 .*4 failed", str(report), 16)


def _run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        client.cli.run(client.main, client.FLAGS, ["client", *arguments])
    printed = capsys.readouterr()
    return end.value.code, printed.out, printed.err


def _files(folder: pathlib.Path) -> list[str]:
    lr, ref = (image[0] for image in pair(9, 14))
    photos.write(folder / "lr.png", lr)
    photos.write(folder / "ref.png", ref)
    return [
        f"--lr={folder}/lr.png",
        f"--ref={folder}/ref.png",
        f"--output={folder}/sr.png",
    ]


def test_command_writes_the_picture(address, tmp_path, capsys):
    server = f"--server={address}"
    code, _, errors = _run(capsys, server, *_files(tmp_path))
    assert (code, errors) == (0, "")
    lr, ref = (image[0] for image in pair(9, 14))
    sr = np.float32(photos.read(tmp_path / "sr.png"))
    assert np.abs(sr - _expected(lr, ref)).max() <= 0.51


def test_command_rejects(server, tmp_path, capsys):
    files = _files(tmp_path)
    nowhere = f"--server=localhost:{free_port()}"
    here = f"--server={server.grpc}"
    for arguments, code, text in (
        ([nowhere, "--retries=0", *files], 1, "No server answers"),
        ([here, "--model=no", *files], 1, "has no model `no`"),
        ([here, "--signature=x", *files], 1, "no signature `x`"),
        ([here, *files, "--ref=none.png"], 1, "none.png"),
        ([here, *files, "--output=a.gif"], 1, "output must end in"),
        ([here, files[0]], 2, "`--ref` is required"),
        (["--server=x", *files], 1, "`server` must be"),
    ):
        found, out, err = _run(capsys, *arguments)
        assert (found, out) == (code, ""), arguments
        (line,) = err.splitlines()
        assert text in line
    assert not (tmp_path / "sr.png").exists()


def test_command_benchmark(address, capsys):
    code, out, _ = _run(
        capsys, f"--server={address}", "--benchmark", "--requests=6",
        "--concurrency=2", "--side=32",
    )  # fmt: skip
    assert code == 0
    assert re.search(r"^6 answers, [\d.]+ requests/s\nlatency p50 \d+ ms", out)


def test_client_does_not_load_tensorflow():
    program = (
        "import sys; from crossnet_tf.export import client; "
        "from crossnet_tf.export.remote import benchmark, connecting; "
        "from crossnet_tf.export.remote import upscaler; "
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


@pytest.mark.slow
def test_tensorflow_can_be_loaded_after_the_client():
    program = (
        "from crossnet_tf.export.remote import messages; "
        "import numpy as np, tensorflow as tf; "
        "proto = tf.make_tensor_proto(np.ones([2], np.float32)); "
        "sent = proto.SerializeToString(); "
        "ours = messages.pb.TensorProto.FromString(sent); "
        "value = tf.make_ndarray(type(proto).FromString(sent)); "
        "assert value.tolist() == [1, 1] == "
        "messages.from_proto(ours).tolist()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
