"""What a user gives the client: addresses, pictures, places for the result."""

import os

import numpy as np
import pytest
from PIL import Image
from serving_export import pair

from crossnet_tf.export import client
from crossnet_tf.export.remote import addresses, photos


@pytest.mark.parametrize(
    ("server", "url", "place"),
    [
        ("localhost:8500", "grpc://localhost:8500", "localhost:8500"),
        ("[::1]:8500", "grpc://[::1]:8500", "[::1]:8500"),
        ("http://a.b-c.d", "http://a.b-c.d", "a.b-c.d:80"),
        ("HTTPS://a", "https://a", "a:443"),
        ("http://[::1]:1/", "http://[::1]:1", "[::1]:1"),
        ("https://a:1/x/y/", "https://a:1/x/y", "a:1"),
        ("http://\u00fcml\u00e4ut.invalid:1", "http://xn--mlut-moa5l.invalid:1",
         "xn--mlut-moa5l.invalid:1"),
    ],
)  # fmt: skip
def test_address_golden(server, url, place):
    address = addresses.parse(server)
    assert (address.url, address.place) == (url, place)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True), ("LOCALHOST.", True), ("a.localhost", True),
        ("127.0.0.2", True), ("[::1]", True), ("0.0.0.0", True),
        ("localhost.example", False), ("128.0.0.1", False), ("a", False),
    ],
)  # fmt: skip
def test_loopback_golden(host, expected):
    assert addresses.parse(f"{host}:1").is_loopback == expected


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ("", "host:port"),
        ("localhost", "host:port"),
        (":8500", "host:port"),
        ("localhost:", "port of 1 to 65535"),
        ("localhost:port", "port of 1 to 65535"),
        ("localhost:0", "port of 1 to 65535"),
        ("localhost:99999", "port of 1 to 65535"),
        ("localhost:\u0661", "port of 1 to 65535"),
        ("::1:1", "IPv6 address in brackets"),
        ("[::1:8500", "IPv6 address in brackets"),
        ("[localhost]:1", r"IPv6 address in \[\]"),
        ("a/b:1", "host:port"),
        ("dns:///localhost:1", "host:port"),
        ("grpc://localhost:1", "host:port"),
        ("ftp://localhost:1", "host:port"),
        ("http://", "host:port"),
        ("http://localhost:port", "port of 1 to 65535"),
        ("http://localhost:99999", "port of 1 to 65535"),
        ("http://localhost:8501:", "port|brackets"),
        ("http://exa mple:1", "must name a host"),
        ("http://exa\tmple:1", "must name a host"),
        ("http://a..b:1", "must name a host"),
        ("http://" + "a" * 64, "must name a host"),
        ("http://\u00fc" + "a" * 70, "must name a host"),
        ("http://a/b?c=d", "path without"),
        ("http://a/b?token=secret", "path without"),
        ("http://a/b#secret", "path without"),
        ("http://user:secret\uff20localhost:1", "no user and no password"),
        ("http://a\x1b[31m:1", "."),
        ("http://user:secret@localhost:1", "no user and no password"),
        ("http://user:se/cret@localhost:1", "no user and no password"),
        ("user:secret@localhost:1", "no user and no password"),
    ],
)
def test_address_rejects(server, reason):
    with pytest.raises(ValueError, match=f"`server` .*{reason}") as error:
        addresses.parse(server)
    text = str(error.value)
    assert "secret" not in text
    assert "cret@" not in text
    assert text.isprintable()


def _run(capsys, *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        client.cli.run(client.main, client.FLAGS, ["client", *arguments])
    return end.value.code, capsys.readouterr().err


@pytest.fixture
def files(tmp_path):
    lr, ref = (image[0] for image in pair(8, 12))
    photos.write(tmp_path / "lr.png", lr)
    photos.write(tmp_path / "ref.png", ref)
    return tmp_path


def _flags(folder, **changes) -> list[str]:
    values = {"lr": "lr.png", "ref": "ref.png", "output": "sr.png", **changes}
    flags = [f"--{name}={folder / value}" for name, value in values.items()]
    return [*flags, "--server=localhost:1", "--retries=0"]


@pytest.mark.parametrize(
    "output", ["lr.png", "ref.png", "link.png", "hard.png"]
)
def test_command_never_writes_over_its_inputs(files, capsys, output):
    (files / "link.png").symlink_to("lr.png")
    os.link(files / "ref.png", files / "hard.png")
    before = {p.name: p.read_bytes() for p in files.iterdir()}
    code, err = _run(capsys, *_flags(files, output=output))
    assert (code, err.count("\n")) == (1, 1)
    assert "must not be one of the inputs" in err
    assert {p.name: p.read_bytes() for p in files.iterdir()} == before


def test_command_says_that_16_bits_become_8(files, capsys):
    pixels = np.full([8, 12], 102 * 257, np.uint16)
    Image.fromarray(pixels).save(files / "lr16.png")
    code, err = _run(capsys, *_flags(files, lr="lr16.png"))
    said, failed = err.splitlines()
    assert "lr16.png has 16 bits per channel; a server's picture has 8" in said
    assert "No server answers" in failed
    assert code == 1


def test_command_hides_passwords(files, capsys):
    server = "--server=http://user:secret@localhost:1"
    code, err = _run(capsys, *_flags(files), server)
    assert (code, err.count("\n")) == (1, 1)
    assert "secret" not in err


def test_photos_take_the_first_picture_of_a_phone(tmp_path):
    first = Image.new("RGB", (12, 8), (102, 102, 102))
    preview = Image.new("RGB", (3, 2))
    path = tmp_path / "lr.jpg"
    first.save(path, "MPO", save_all=True, append_images=[preview])
    with Image.open(path) as image:
        assert image.n_frames == 2
    pixels = photos.read(path)
    assert pixels.shape == (8, 12, 3)
    assert np.all(pixels == 102)


def test_photos_reject_animations(tmp_path):
    frames = [Image.new("RGB", (3, 2), color) for color in ("red", "blue")]
    path = tmp_path / "a.png"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with pytest.raises(
        ValueError, match=f"`{path}` must be .* an animated PNG"
    ):
        photos.read(path)


def test_photos_reject_special_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for name in ("pipe.png", "zero.png"):
        with pytest.raises(ValueError, match=f"{name}` must be a file"):
            photos.read(tmp_path / name)
