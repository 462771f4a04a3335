"""Headers for a proxy that asks who is there, from a file.

A server of models has no passwords, so that it stands behind a proxy that
does. What such a proxy wants goes into a file that others cannot read:

    Authorization: Bearer 0123456789abcdef

one header a line, as `curl --header @FILE` takes it. On a command line,
process lists would show it. No message shows a value.
"""

import os
import pathlib
import re
import stat

_MAX_BYTES = 2**16
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")
# What the transports set themselves.
_TAKEN = {"connection", "expect", "host", "te", "transfer-encoding", "upgrade"}
_TAKEN_BEGINNINGS = ("content-", "grpc-")


def read(path: str | os.PathLike) -> dict[str, str]:
    """The headers in a file, names in small letters.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no text file of `Name: value` lines.
    """
    path = pathlib.Path(path)
    state = path.stat()
    if not stat.S_ISREG(state.st_mode) or state.st_size > _MAX_BYTES:
        raise ValueError(
            "`header_file` must be a text file of at most "
            f"{_MAX_BYTES} bytes. Received: header_file={path}"
        )
    headers = {}
    lines = path.read_text("utf-8-sig", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not (colon and _NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise ValueError(
                "`header_file` must have lines like `Authorization: Bearer "
                f"...`, in ASCII. Received: another in line {number} of {path}"
            )
        name = name.lower()
        taken = name in _TAKEN or name.startswith(_TAKEN_BEGINNINGS)
        if taken or name.endswith("-bin") or name in headers:
            raise ValueError(
                "`header_file` must name each header once, and none that the "
                f"client sets. Received: `{name}` in line {number} of {path}"
            )
        headers[name] = value
    return headers
