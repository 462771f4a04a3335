"""Files that are either the old one or the new one, never half of it.

The bytes go to a hidden temporary file in the same folder, which then takes
the name in one step; the temporary's own is short, as names may have 255
bytes. A process that is killed leaves at most a temporary, and `clean` removes
those.
"""

import os
import pathlib
import secrets

SUFFIX = ".crossnet_tf_tmp"


def write(path: str | os.PathLike, data: bytes) -> None:
    """Writes `data` to `path`, replacing what is there in one step.

    Args:
        path: the file; its folder is made if missing.
        data: the whole content.

    Raises:
        OSError: no permission, disk full; an old file at `path` is intact.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{os.getpid()}.{secrets.token_hex(4)}{SUFFIX}"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def clean(directory: str | os.PathLike) -> None:
    """Removes the temporaries that killed processes left in `directory`."""
    for temporary in pathlib.Path(directory).glob(f".*{SUFFIX}"):
        temporary.unlink(missing_ok=True)
