"""What killed preparations left, removed by the next one.

TFDS writes into a folder `incomplete.*` and renames it at the end; of a
process that is killed the folder stays, as large as the data set. A lock,
which ends with its process, tells whether another one still writes there.
"""

import contextlib
import pathlib
import re
import shutil
from collections.abc import Iterator
from typing import Any

import filelock
import tensorflow_datasets as tfds

_LOCK_FILE = ".preparing.lock"
_LEFT = re.compile(r"incomplete\.[0-9A-Za-z]+_.+")


class Preparing:
    """For a builder to inherit: cleans up before it prepares."""

    def download_and_prepare(self, **arguments: Any) -> None:
        """As TFDS does it, in a folder that has nothing unfinished."""
        builder: Any = self
        with alone(str(builder.data_dir)):
            super().download_and_prepare(**arguments)  # type: ignore[misc]


@contextlib.contextmanager
def alone(data_dir: str) -> Iterator[None]:
    """Removes what is unfinished beside a data set's own folder.

    If another process prepares a version of the data set meanwhile, nothing
    is removed.

    Args:
        data_dir: DATA_DIR/NAME[/CONFIG]/VERSION, which need not be there.
    """
    folder = pathlib.Path(data_dir).parent
    if tfds.core.Path(data_dir).as_posix() != pathlib.Path(data_dir).as_posix():
        yield  # not of this machine: no lock, and nothing of ours to remove
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / _LOCK_FILE)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(filelock.Timeout):
            lock.acquire(blocking=False)
            stack.callback(lock.release)
            _remove(folder)
        yield


def _remove(folder: pathlib.Path) -> None:
    for path in folder.iterdir():
        is_own = path.is_dir() and not path.is_symlink()
        if is_own and _LEFT.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)
