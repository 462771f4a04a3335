"""A file is the old one or the new one, and temporaries go away."""

import resource

import pytest

from crossnet_tf import atomic


@pytest.fixture
def full_disk():
    """Every file may have at most 1000 bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_write_roundtrip(tmp_path):
    path = tmp_path / "new" / "file"
    atomic.write(path, b"one")
    atomic.write(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_full_disk_keeps_the_old_file(tmp_path, full_disk):
    path = tmp_path / "file"
    atomic.write(path, b"old")
    with pytest.raises(OSError, match="too large"):
        atomic.write(path, bytes(2000))
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_clean_removes_what_a_kill_left(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic.os, "fsync", _kill)
    monkeypatch.setattr(atomic.pathlib.Path, "unlink", lambda *_, **__: None)
    with pytest.raises(SystemExit):
        atomic.write(tmp_path / "file", b"half")
    monkeypatch.undo()
    (tmp_path / ".hidden").touch()
    assert len(list(tmp_path.iterdir())) == 2
    atomic.clean(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [".hidden"]


def _kill(_):
    raise SystemExit
