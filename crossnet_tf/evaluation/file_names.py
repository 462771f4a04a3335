"""Names of files made from names of things.

Data sets, pictures and labels may have any characters; files shall be easy to
read, work on every system, and never be shared by two things.
"""

import hashlib
import re
import unicodedata

_UNSAFE = re.compile(r"[^\w+.,()-]+")
_MAX_BYTES = 100


def file_name(text: str) -> str:
    """Part of a file's name, another one for each `text`.

    Args:
        text: any, also empty.

    Returns:
        `text` itself if it is harmless. Otherwise letters and digits of any
        language, `_` for the rest, and some digits that tell it from others.
    """
    name = _UNSAFE.sub("_", unicodedata.normalize("NFC", text)).strip("_. ")
    while len(name.encode()) > _MAX_BYTES:
        name = name[:-1]
    if name and name == text:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    return f"{name}-{digest.hexdigest()[:8]}"
