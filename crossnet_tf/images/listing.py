"""What lies in folders of pictures, and the names that pairs are found by.

LR, REF and HR belong together by their names up to the suffix, in Unicode's
composed form: a name from a Mac equals the same name from a camera. What a
file manager or a person leaves beside pictures is passed over: thumbnails,
resource forks (`._a.jpg`, `Thumbs.db`, `__MACOSX/`), notes.
"""

import pathlib
import unicodedata
from collections.abc import Iterator

from crossnet_tf.images import formats

_HIDDEN = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "icon\r"}

_JUNK_SUFFIXES = {
    *(".db", ".ini", ".txt", ".md", ".json", ".xml", ".xmp", ".aae", ".csv"),
    *(".html", ".log", ".yaml", ".yml", ".thm", ".lnk", ".url"),
}


def list_files(
    folder: pathlib.Path, recursive: bool = False
) -> Iterator[pathlib.Path]:
    """Yields what may be meant as a picture, sorted by path.

    Args:
        folder: a folder that exists.
        recursive: look into its folders, too.
    """
    for path in visible(folder, recursive):
        parts = path.relative_to(folder).parts
        if not path.is_dir() and not any(map(is_junk, parts)):
            yield path


def pair_name(path: pathlib.Path, root: pathlib.Path) -> str:
    """The name by which a picture below `root` finds its partners."""
    inside = path.relative_to(root) if path.is_relative_to(root) else path
    return unicodedata.normalize("NFC", inside.with_suffix("").as_posix())


def is_junk(name: str) -> bool:
    """Whether a file or folder of this name is passed over."""
    suffix = pathlib.PurePath(name.lower()).suffix
    return name.startswith(".") or suffix in _JUNK_SUFFIXES


def visible(
    folder: pathlib.Path, recursive: bool = False
) -> Iterator[pathlib.Path]:
    """What a user sees in a folder, sorted by path.

    Args:
        folder: a folder that exists.
        recursive: look into its folders, too.

    Yields:
        Files of any kind, folders, and links, also those to nothing.
    """
    for path in sorted(folder.rglob("*") if recursive else folder.iterdir()):
        if not any(map(_is_hidden, path.relative_to(folder).parts)):
            yield path


def pictures(
    folder: pathlib.Path, recursive: bool = False
) -> list[pathlib.Path]:
    """The pictures of a folder, by their suffixes, sorted by path."""
    return [
        path
        for path in visible(folder, recursive)
        if formats.is_picture(path) and not path.is_dir()
    ]


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _HIDDEN
