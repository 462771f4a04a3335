"""What the local page asks for, without a browser."""

import asyncio
import sys

import numpy as np
import pytest

from crossnet_tf import images
from crossnet_tf.app import examples, session, shield
from crossnet_tf.cli import program
from crossnet_tf.upscaling import files
from crossnet_tf.upscaling.options import Options


@pytest.fixture
def asked(tmp_path):
    """A session that needs no training."""
    return session.Session(["bicubic-x8", "patchmatch-x4"], Options(), tmp_path)


@pytest.fixture
def pair(tmp_path):
    ref = images.read_image(examples.example_pairs()[0][1])[:64, 100:196]
    lr = ref.reshape(16, 4, 24, 4, 3).mean((1, 3))
    images.write_image(tmp_path / "lr.png", lr)
    images.write_image(tmp_path / "ref.png", ref)
    return tmp_path / "lr.png", tmp_path / "ref.png"


def test_result_is_that_of_upscale(asked, pair, tmp_path):
    alone = tmp_path / "alone.png"
    options = Options(match="none")
    files.upscale("patchmatch-x4", *pair, alone, options)
    assert asked.scales == [4, 8]
    for _ in range(2):  # the second replaces the first
        result = asked(*pair, 4, match=False)
    assert result.after.read_bytes() == alone.read_bytes()
    assert images.read_image(result.before).shape == (64, 96, 3)
    assert all(path.is_file() and text for path, text in result.looks)
    assert len(result.looks) == 3
    assert result.notes[-1].startswith("Took ")
    assert images.read_image(asked(pair[0], None, 8).after).shape == (
        128,
        192,
        3,
    )


def test_without_reference_it_is_said(asked, pair):
    result = asked(pair[0], None, 4)
    assert "Without REF" in result.notes[0]
    assert not result.looks


def test_mistakes_reject(asked, pair, tmp_path):
    with pytest.raises(ValueError, match="small picture first"):
        asked(None, pair[1], 4)
    with pytest.raises(ValueError, match=r"`scale`.*\[4, 8\].*3"):
        asked(*pair, 3)
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ValueError, match="torn.png"):
        asked(pair[0], tmp_path / "torn.png", 4)
    small = session.Session(["bicubic-x4"], Options(max_pixels=99), tmp_path)
    with pytest.raises(ValueError, match="99"):
        small(*pair, 4)
    with pytest.raises(ValueError, match="one network for x4"):
        session.Session(["bicubic-x4", "patchmatch-x4"], Options(), tmp_path)


def test_examples_are_whole_and_small():
    for lr, ref in examples.example_pairs():
        assert min(images.read_image(lr).shape[:2]) >= 48
        assert np.prod(images.read_image(ref).shape[:2]) < 1e6
        assert lr.stat().st_size + ref.stat().st_size < 100e3


@pytest.mark.parametrize(
    ("hosts", "host", "status"),
    [
        (["127.0.0.1"], b"127.0.0.1:7860", 200),
        (["127.0.0.1"], b"evil.example", 421),
        (["127.0.0.1"], b"evil.example:7860", 421),
        ([], b"station.lan:7860", 200),
    ],
)
def test_shield_knows_its_name(hosts, host, status):
    async def answer(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "headers": [(b"host", host)]}
    asyncio.run(shield.Shield(answer, hosts)(scope, None, send))
    assert sent[0]["status"] == status
    names = dict(sent[0]["headers"])
    assert (b"content-security-policy" in names) == (status == 200)


def test_missing_gradio_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(SystemExit) as exit_info:
        program.main(["crossnet", "demo_app", "--weights=bicubic-x4"])
    assert exit_info.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert "pip install 'crossnet_tf[demo]'" in line
