"""Archives as they are downloaded, and archives that mean harm."""

import gzip
import io
import os
import stat
import tarfile
import zipfile

import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds

from crossnet_tf.data import archives, source_tree
from crossnet_tf.data.stereo_folder import (
    stereo_folder_dataset_builder as stereo,
)

SUFFIXES = [".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"]


def _png(rng):
    file = io.BytesIO()
    pixels = rng.integers(0, 256, (6, 10, 3), np.uint8)
    PIL.Image.fromarray(pixels).save(file, "png")
    return file.getvalue(), pixels


def _write(path, members):
    """Writes `(name, content)`; content may be a zipfile or tarfile header."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in members:
                file.writestr(name, content)
        return path
    kinds = {".gz": "gz", ".tgz": "gz", ".bz2": "bz2", ".xz": "xz"}
    mode = f"w:{kinds.get(path.suffix, '')}"
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as file:
        for name, content in members:
            if not isinstance(name, tarfile.TarInfo):
                name = tarfile.TarInfo(name)
                name.size = len(content)
            file.addfile(name, io.BytesIO(content))
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_unpack_roundtrip(tmp_path, rng, suffix):
    content, _ = _png(rng)
    members = [
        ("scene/a.png", content),
        ("scene/read.me", b"x"),
        ("b.jpg", b"y"),
    ]
    path = _write(tmp_path / f"set{suffix}", members)
    folder = archives.unpack(path, tmp_path / "cache")
    found = sorted(p for p in folder.rglob("*") if p.is_file())
    assert found == [folder / "b.jpg", folder / "scene" / "a.png"]
    assert found[1].read_bytes() == content
    time = found[1].stat().st_mtime_ns
    assert archives.unpack(path, tmp_path / "cache") == folder
    assert found[1].stat().st_mtime_ns == time
    os.utime(path, ns=(1, 1))  # another archive of the same name
    assert archives.unpack(path, tmp_path / "cache") != folder


def test_builder_reads_an_archive(tmp_path, rng):
    pairs = {name: [_png(rng), _png(rng)] for name in ("a", "b")}
    for name, pair in pairs.items():
        folder = tmp_path / "in" / "more"
        folder.mkdir(parents=True, exist_ok=True)
        members = [
            (f"{name}/{side}.png", png) for side, (png, _) in zip("LR", pair)
        ]
        _write(folder / f"{name}.tar.gz", members)
    builder = stereo.Builder(data_dir=str(tmp_path / "out"))
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=str(tmp_path / "in")
        )
    )
    (example,) = tfds.as_numpy(builder.as_dataset(split="train"))
    assert example["scene"] == b"more/a"
    expected = [pixels for _, pixels in pairs["a"]]
    np.testing.assert_array_equal(example["views"], expected)


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
@pytest.mark.parametrize(
    "name",
    [
        "../evil.png",
        "a/../../evil.png",
        "/tmp/evil.png",
        "C:\\evil.png",
        "..\\evil.png",
        "a/" * 20 + "evil.png",
        "new\nline.png",
        "../evil.txt",
    ],
)
def test_unsafe_paths_rejects(tmp_path, suffix, name):
    path = _write(tmp_path / f"set{suffix}", [("ok.png", b"x"), (name, b"x")])
    _assert_refused(path, tmp_path, r"(unsafe|strange) path '.*(evil|line)")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, b"3", b"6"])
def test_tar_links_and_devices_rejects(tmp_path, kind):
    member = tarfile.TarInfo("link.png")
    member.type, member.linkname = kind, "/etc/passwd"
    path = _write(tmp_path / "set.tar", [(member, b"")])
    _assert_refused(path, tmp_path, r"link or device, 'link.png'")


@pytest.mark.parametrize("has_filter", [True, False])
def test_tar_links_inside_rejects(tmp_path, monkeypatch, has_filter):
    if not has_filter:  # Python 3.11.3 and before
        monkeypatch.delattr(tarfile, "data_filter")
    member = tarfile.TarInfo("link.png")
    member.type, member.linkname = tarfile.SYMTYPE, "a.png"
    path = _write(tmp_path / "set.tar", [("a.png", b"x"), (member, b"")])
    _assert_refused(path, tmp_path, r"link or device, 'link.png'")


def test_pythons_filter_is_asked(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        tarfile,
        "data_filter",
        lambda member, to: seen.append((member.name, to)),
    )
    path = _write(tmp_path / "set.tar.gz", [("a/b.png", b"x")])
    archives.unpack(path, tmp_path / "cache")
    ((name, folder),) = seen
    assert name == "a/b.png"
    assert folder.startswith(str(tmp_path / "cache"))


def test_zip_links_rejects(tmp_path):
    member = zipfile.ZipInfo("link.png")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = _write(tmp_path / "set.zip", [(member, b"/etc/passwd")])
    _assert_refused(path, tmp_path, r"link or device, 'link.png'")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_rejects(tmp_path):
    path = _write(tmp_path / "set.zip", [("a.png", b"1"), ("a.png", b"2")])
    _assert_refused(path, tmp_path, r"two members called 'a.png'")


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
@pytest.mark.parametrize("name", ["flat.png", "flat.txt"])
def test_bombs_rejects(tmp_path, suffix, name):
    content = bytes(2**25)
    path = _write(tmp_path / f"set{suffix}", [(name, content)])
    if suffix == ".zip" and name == "flat.txt":  # never read
        archives.unpack(path, tmp_path / "cache")
    else:
        _assert_refused(path, tmp_path, "decompression bomb")


def test_huge_header_rejects(tmp_path):
    member = tarfile.TarInfo("a.png")
    member.pax_headers = {"comment": "x" * 2**22}
    path = _write(tmp_path / "set.tar.gz", [(member, b"")])
    _assert_refused(path, tmp_path, "bomb.*in 'a header'")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_truncated_rejects(tmp_path, rng, suffix):
    members = [(f"{n}.png", rng.bytes(5000)) for n in range(4)]
    path = _write(tmp_path / f"set{suffix}", members)
    whole = path.read_bytes()
    # A tar ends with kilobytes of zeros; it is cut between two members.
    last = 2 * (512 + 5120) if suffix == ".tar" else len(whole) - 8
    for length in (0, 10, len(whole) // 2, last):
        path.write_bytes(whole[:length])
        _assert_refused(path, tmp_path, "damaged or truncated")


def test_tar_without_end_rejects(tmp_path, rng):
    path = tmp_path / "set.tar.gz"
    whole = _write(tmp_path / "set.tar", [("a.png", rng.bytes(512))])
    path.write_bytes(gzip.compress(whole.read_bytes()[:1024]))
    _assert_refused(path, tmp_path, "damaged.*it has no end")


def test_encrypted_and_changed_members_rejects(tmp_path, rng):
    content = rng.bytes(3000)
    path = _write(tmp_path / "set.zip", [("a.png", content)])
    whole = bytearray(path.read_bytes())
    whole[200] ^= 1
    path.write_bytes(whole)
    _assert_refused(path, tmp_path, r"damaged.*a.png")
    whole[200] ^= 1
    whole[6] |= 1  # the local header's flag, then the directory's
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(whole)
    _assert_refused(path, tmp_path, "encrypted member 'a.png'")


def test_full_disk_rejects(tmp_path, monkeypatch):
    path = _write(tmp_path / "set.zip", [("a.png", b"x")])
    monkeypatch.setattr(archives, "FREE_BYTES", 2**62)
    with pytest.raises(OSError, match=r"No room to unpack `.*set.zip`"):
        archives.unpack(path, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_cut_off_unpacking_is_not_used(tmp_path):
    path = _write(tmp_path / "set.zip", [("a.png", b"x")])
    cache = tmp_path / "cache"
    folder = archives.unpack(path, cache)
    left = folder.rename(cache / f".unfinished-{folder.name}")
    (left / "half.png").write_bytes(b"")
    again = archives.unpack(path, cache)
    assert [p.name for p in again.iterdir()] == ["a.png"]
    assert list(cache.iterdir()) == [again]


def test_tree_takes_archives_as_folders(tmp_path):
    members = [("cats/lightfield/f.png", b"x"), ("__MACOSX/._f.png", b"x")]
    _write(tmp_path / "cats.zip", members)
    cache = tmp_path / ".cache"
    (folder,) = source_tree.find_folders(tmp_path, cache)
    assert folder.name == "cats"


def _assert_refused(path, tmp_path, match):
    cache = tmp_path / "cache"
    with pytest.raises(ValueError, match=rf"(?s)`{path}`.*{match}"):
        archives.unpack(path, cache)
    left = list(tmp_path.rglob("*"))
    assert not [p for p in left if p.name.startswith("evil")]
    assert not list(cache.iterdir())
