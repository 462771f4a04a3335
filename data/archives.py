"""Unpacks archives as they were downloaded, and trusts nothing in them.

A member is written only after its name has been checked, into a folder whose
name says that it is unfinished; the folder takes its own name at the end. So
what stands there is whole, and a cut-off run leaves nothing that is used.
Refused, each with its name: paths that are absolute or climb out by `..`,
links, devices, encrypted members, names that come twice, damaged archives and
those that unpack to far more than they weigh. Of the rest only images, PFM
maps and videos are written. `tarfile.data_filter` judges the members of a tar
first; zip files have no such filter, and no library limits ratio and disk.

References: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification"; IEEE Std
1003.1 (pax, ustar).
"""

import bz2
import gzip
import hashlib
import lzma
import pathlib
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

import tqdm

from crossnet_tf import regular
from crossnet_tf.images import formats
from crossnet_tf.video import suffixes

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
KEPT_SUFFIXES = (*formats.SUFFIXES, *suffixes.SUFFIXES, ".pfm")
_MAX_BYTES = 2**42
MAX_MEMBERS = 2_000_000
MAX_DEPTH = 16
# Images barely shrink in an archive; what is small may, such as flat PFMs.
MAX_RATIO = 50
FREE_BYTES = 2**28
_UNFINISHED = ".unfinished-"
_PIECE = 2**20
_MAX_HEADER = 2**20
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    NotImplementedError,
    OSError,
)
_OPENERS: dict[str, Callable[..., Any]] = {
    ".tar": open,
    ".tar.gz": gzip.open,
    ".tgz": gzip.open,
    ".tar.bz2": bz2.open,
    ".tar.xz": lzma.open,
}


def suffix_of(path: pathlib.Path) -> str:
    """The suffix that makes a file an archive, or ""."""
    name = path.name.lower()
    fits = [suffix for suffix in SUFFIXES if name.endswith(suffix)]
    return max(fits, key=len, default="")


def unpack(archive: pathlib.Path, cache: pathlib.Path) -> pathlib.Path:
    """Unpacks an archive once.

    Args:
        archive: a zip or tar file.
        cache: folder for unpacked archives; made if missing.

    Returns:
        The folder in `cache` with the members; that of an earlier call if
        the archive has the same path, size and time as then.

    Raises:
        ValueError: the archive is damaged or hostile, or no regular file;
            nothing is left.
        OSError: it cannot be read, or the disk is full.
    """
    state = regular.check_size(archive, _MAX_BYTES).stat()
    key = f"{archive.resolve()}\n{state.st_size}\n{state.st_mtime_ns}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    stem = re.sub(r"[^\w.-]", "_", archive.name)[:80]
    folder = cache / f"{stem}-{digest}"
    if folder.is_dir():
        return folder
    unfinished = cache / f"{_UNFINISHED}{folder.name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        _write_members(archive, unfinished)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _write_members(archive: pathlib.Path, folder: pathlib.Path) -> None:
    total, names = 0, set()
    progress = tqdm.tqdm(
        _members(archive, folder), f"Unpacking {archive.name}", unit=" files"
    )
    for name, file in progress:
        path = safe_path(name, archive)
        if path in names:
            raise _refused(archive, f"two members called {name!r}")
        names.add(path)
        if len(names) > MAX_MEMBERS:
            raise _refused(archive, f"more than {MAX_MEMBERS:,} members")
        if path.suffix.lower() not in KEPT_SUFFIXES:
            continue
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with open(folder / path, "xb") as out:
            for piece in _pieces(file, name, archive):
                total += len(piece)
                if total > _byte_limit(archive):
                    raise _bomb(archive, name)
                out.write(piece)
        _check_disk(folder, archive)


def _byte_limit(archive: pathlib.Path) -> int:
    return MAX_RATIO * archive.stat().st_size + 2**21


def _check_disk(folder: pathlib.Path, archive: pathlib.Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES:
        raise OSError(
            f"No room to unpack `{archive}` in {folder.parent}: {free:,} bytes "
            "are left. Make room, or name another --download_dir."
        )


def safe_path(name: str, archive: pathlib.Path) -> pathlib.PurePosixPath:
    """A member's path, relative and inside the folder it is unpacked to.

    Raises:
        ValueError: it is absolute, climbs out, or is no sane path.
    """
    path = pathlib.PurePosixPath(name.replace("\\", "/"))
    drive = re.match(r"[A-Za-z]:", name)
    if path.is_absolute() or drive or ".." in path.parts:
        raise _refused(archive, f"the unsafe path {name!r}")
    wild = any(ord(c) < 32 for c in name) or any(
        len(part.encode(errors="replace")) > 255 for part in path.parts
    )
    if wild or not path.parts or len(path.parts) > MAX_DEPTH:
        raise _refused(archive, f"the strange path {name[:300]!r}")
    return path


def _members(
    archive: pathlib.Path, folder: pathlib.Path
) -> Iterator[tuple[str, IO[bytes]]]:
    """Yields name and content of the files in an archive.

    Args:
        archive: a zip or tar file.
        folder: what its members will be written to.

    Raises:
        ValueError: it is damaged, or a member is no plain file.
    """
    is_zip = suffix_of(archive) == ".zip"
    try:
        if is_zip:
            yield from _zip_members(archive)
        else:
            yield from _tar_members(archive, folder)
    except _DAMAGE as error:
        raise _damaged(archive, error) from error


def _zip_members(archive: pathlib.Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if member.is_dir():
                safe_path(member.filename, archive)
                continue
            if kind not in (0, stat.S_IFREG):
                raise _refused(
                    archive, f"a link or device, {member.filename!r}"
                )
            if member.flag_bits & 1:
                raise _refused(
                    archive, f"the encrypted member {member.filename!r}"
                )
            with file.open(member) as content:
                yield member.filename, content


def _tar_members(
    archive: pathlib.Path, folder: pathlib.Path
) -> Iterator[tuple[str, IO[bytes]]]:
    with _OPENERS[suffix_of(archive)](archive, "rb") as stream:
        guarded = _Guarded(stream, archive)
        with tarfile.open(
            fileobj=guarded,  # type: ignore[call-overload]  # only reads
            mode="r:",
        ) as file:
            for member in file:
                _filter(member, folder, archive)
                if member.isdir():
                    safe_path(member.name, archive)
                elif not member.isreg() or member.issparse():
                    raise _refused(
                        archive, f"a link or device, {member.name!r}"
                    )
                else:
                    yield member.name, file.extractfile(member)
        guarded.finish()


def _filter(
    member: tarfile.TarInfo, folder: pathlib.Path, archive: pathlib.Path
) -> None:
    """Refuses what Python's own filter for data refuses."""
    # Python 3.11.4 brought it, Debian 12 has 3.11.2: our own rules hold alone.
    if not hasattr(tarfile, "data_filter"):
        return
    try:
        tarfile.data_filter(member, str(folder))
    except (
        tarfile.AbsolutePathError,
        tarfile.OutsideDestinationError,
    ) as error:
        raise _refused(archive, f"the unsafe path {member.name!r}") from error
    except tarfile.FilterError as error:
        raise _refused(archive, f"a link or device, {member.name!r}") from error


class _Guarded:
    """A stream that gives no more than an honest archive has.

    `tarfile` reads headers of any size at once, skips by reading, and takes
    the end of the file for the end of the archive.
    """

    def __init__(self, stream: IO[bytes], archive: pathlib.Path) -> None:
        self._stream, self._archive = stream, archive
        self._limit = _byte_limit(archive)
        self._last = b""
        self.tell = stream.tell

    def read(self, size: int) -> bytes:
        if size > _MAX_HEADER:
            raise _bomb(self._archive, "a header")
        self._check(self.tell() + size)
        self._last = self._stream.read(size)
        return self._last

    def seek(self, position: int) -> int:
        self._check(position)
        return self._stream.seek(position)

    def finish(self) -> None:
        """Refuses an archive that is cut off between two members."""
        if self._last != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it has no end")
        while self.read(_PIECE):  # checks the checksum
            pass

    def _check(self, position: int) -> None:
        if position > self._limit:
            raise _bomb(self._archive, "a member that is not used")


def _pieces(
    file: IO[bytes], name: str, archive: pathlib.Path
) -> Iterator[bytes]:
    try:
        while piece := file.read(_PIECE):
            yield piece
    except _DAMAGE as error:
        raise _damaged(archive, f"{name}: {error}") from error


def _refused(archive: pathlib.Path, what: str) -> ValueError:
    return ValueError(
        f"Archive `{archive}` must hold plain files that stay in its folder. "
        f"Received: {what}. Nothing was unpacked; download it again."
    )


def _bomb(archive: pathlib.Path, name: str) -> ValueError:
    return _refused(
        archive,
        f"more than {MAX_RATIO} times its size when unpacked (a decompression "
        f"bomb?), in {name!r}",
    )


def _damaged(archive: pathlib.Path, error: object) -> ValueError:
    return ValueError(
        f"Archive `{archive}` must be a whole zip or tar file. Received: a "
        f"damaged or truncated one ({error}). Download it again."
    )
