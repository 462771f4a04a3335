"""Every reader refuses what is broken or hostile: by name, soon, in bounds."""

import functools
import os
import pathlib
import sys
import time

import hostile_files
import pytest

from crossnet_tf import cli, images
from crossnet_tf.cli import outcome
from crossnet_tf.data import archives
from crossnet_tf.data.hci_lf import hci_lf_dataset_builder as hci
from crossnet_tf.export.remote import header_files
from crossnet_tf.pairs import record_files
from crossnet_tf.storage import array_files, bundles, runs, torch_files
from crossnet_tf.video import reading

MAX_SECONDS = 5
"""Of computing: other work on the machine does not count."""
MAX_GROWTH = 2**28
_FLAGS = cli.define_flags("data")


def _frames(path):
    with reading.open_video(path) as video:
        return [frame.rgb() for frame in video.frames()]


def _check_checkpoint(path):
    path.with_suffix(".data-00000-of-00001").write_bytes(bytes(64))
    bundles.check(path.with_suffix(""), limit=1000)


def _flags(path):
    with pytest.raises(SystemExit) as exit_info:
        cli.run(lambda: None, _FLAGS, ["x", f"--flagfile={path}"])
    if exit_info.value.code:
        raise ValueError(f"`{path}`: exit code {exit_info.value.code}")


READERS = {
    "pictures": (hostile_files.pictures, images.read_image),
    "videos": (hostile_files.videos, _frames),
    "archives": (
        hostile_files.archives,
        lambda path: archives.unpack(path, path.parent / "cache"),
    ),
    "maps": (hostile_files.lines, hci.read_pfm),
    "torch": (hostile_files.torch_files, torch_files.read_state_dict),
    "arrays": (
        hostile_files.arrays,
        lambda path: array_files.read(path, hostile_files.EXPECTED),
    ),
    "records": (
        hostile_files.records,
        lambda path: record_files.RecordFiles([(str(path), 0, 1)]),
    ),
    "checkpoints": (hostile_files.checkpoints, _check_checkpoint),
    "settings": (hostile_files.settings, lambda p: runs.load_config(p.parent)),
    "headers": (hostile_files.lines, header_files.read),
    "flags": (hostile_files.lines, _flags),
}


@functools.cache
def _made(reader):
    return READERS[reader][0]()


_FORBIDDEN = ("os.exec", "os.fork", "os.posix_spawn", "os.system", "subprocess")
_executed: list[str] = []


# Names of the module are gone while Python ends, and hooks stay.
def _watch(event, arguments, forbidden=_FORBIDDEN, executed=_executed):
    if event.startswith(forbidden):
        executed.append(event)


def _path(folder: pathlib.Path, reader: str, kind: str) -> pathlib.Path:
    folder.mkdir()
    endings = {
        "pictures": "a.png",
        "videos": "a.mp4",
        "settings": "config.json",
        "checkpoints": "ckpt-1.index",
    }
    suffix = pathlib.PurePath(kind).suffix
    return folder / endings.get(reader, f"a{suffix}" if suffix else "a.bin")


def _refused(reader: str, kind: str, folder: pathlib.Path) -> str:
    """The message for a file; fails if there is none in time and memory."""
    _, read = READERS[reader]
    file, path = _made(reader)[kind], _path(folder, reader, kind)
    if callable(file):
        file(path)
    else:
        path.write_bytes(file)
    before, start = _memory("VmRSS"), time.process_time()
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
    with pytest.raises((ValueError, OSError)) as error:
        read(path)
    assert time.process_time() - start < MAX_SECONDS
    assert _memory("VmHWM") - before < MAX_GROWTH
    return outcome.one_line(error.value)


def _memory(name: str) -> int:
    text = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(text.partition(f"{name}:")[2].split()[0])


def _check(reader: str, kind: str, folder: pathlib.Path) -> None:
    text = _refused(reader, kind, folder)
    assert str(folder) in text, text
    assert text.isprintable()
    assert len(text) < 1000


ALL = [(reader, kind) for reader in READERS for kind in _made(reader)]
# One of each reader, and what asked for most before it was refused.
FEW = [
    ("pictures", "JPEG of 500 scans"),
    ("videos", "pipe"),
    ("archives", "bomb.zip"),
    ("maps", "endless device"),
    ("torch", "overlapping"),
    ("arrays", "long header.safetensors"),
    ("records", "length of 2^63"),
    ("checkpoints", "block of 2^60"),
    ("settings", "nested"),
    ("headers", "endless device"),
    ("flags", "pipe"),
]


@pytest.fixture
def watched():
    """Fails if a program is started, or a pickle's."""
    if _watch not in _hooks:
        _hooks.append(_watch)
        sys.addaudithook(_watch)
    _executed.clear()
    yield
    assert _executed == []
    assert not os.path.exists(hostile_files.EVIL_MARK)


_hooks: list = []
_needs_proc = pytest.mark.skipif(
    not os.path.exists("/proc/self/clear_refs"), reason="needs Linux"
)


def test_there_are_enough():
    assert len(ALL) >= 60
    assert {reader for reader, _ in FEW} == set(READERS)


@_needs_proc
@pytest.mark.parametrize(("reader", "kind"), FEW)
def test_hostile_file_rejects(reader, kind, tmp_path, watched):
    _check(reader, kind, tmp_path / "in")


@pytest.mark.slow
@_needs_proc
@pytest.mark.parametrize(("reader", "kind"), ALL)
def test_every_hostile_file_rejects(reader, kind, tmp_path, watched):
    _check(reader, kind, tmp_path / "in")
