"""Regular files of a bounded size: all that is read from outside is one.

A path may lead to a pipe, on which opening waits for ever, to a device that
never ends, or to a file that does not fit the memory. Each is refused by name
before it is opened.
"""

import os
import pathlib
import stat


def check_size(path: str | os.PathLike, limit: int) -> pathlib.Path:
    """Refuses what could not be read in bounded memory and time.

    Args:
        path: of a file.
        limit: of its size, in bytes.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no regular file (a pipe, a device, a folder), or more
            than `limit` bytes.
    """
    path = pathlib.Path(path)
    received = size(path)
    if received > limit:
        raise ValueError(
            f"`{path}` must have at most {limit:,} bytes for what it should "
            f"hold. Received: {received:,} bytes."
        )
    return path


def size(path: str | os.PathLike) -> int:
    """Bytes of a file, which may have any number of them.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no regular file.
    """
    state = os.stat(path)
    if not stat.S_ISREG(state.st_mode):
        raise ValueError(f"`{path}` must be a regular file. Received: another.")
    return state.st_size
