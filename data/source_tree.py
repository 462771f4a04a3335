"""Finds the folders of scenes among what the user has put in one folder.

Archives may lie there as they were downloaded, and scenes at any depth, as
archives have them: `training.zip` with `training/boxes/input_Cam000.png` is
found like the unpacked folder. Hidden files are left out, and so is what
macOS adds to archives.
"""

import dataclasses
import pathlib
import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from crossnet_tf.images import formats, listing

from . import archives

MAX_DEPTH = archives.MAX_DEPTH
TEST_FOLDERS = ("test",)
# Folders that say what is in them and not which scene it is.
_PLAIN_NAMES = ("rectified", "lightfield", "images")

_Scene = TypeVar("_Scene")


@dataclasses.dataclass(frozen=True)
class Folder:
    """A folder with files.

    Attributes:
        name: path below the user's folder, such as "training/boxes"; folders
            that only say what they hold are left out.
        path: where it is.
        files: what it holds, by name, without folders and archives.
    """

    name: str
    path: pathlib.Path
    files: tuple[pathlib.Path, ...]

    @property
    def images(self) -> list[pathlib.Path]:
        """The pictures, in the order of their names."""
        return list(filter(formats.is_picture, self.files))


def find_folders(root: pathlib.Path, cache: pathlib.Path) -> list[Folder]:
    """All folders with files below `root`, in the order of their names.

    Args:
        root: the user's folder.
        cache: where archives are unpacked to.

    Raises:
        ValueError: an archive is damaged or hostile, or folders are nested
            too deeply or found twice, by links.
    """
    found = _walk(root, (), cache, {})
    return sorted(found, key=lambda folder: by_number(folder.name))


def _walk(
    path: pathlib.Path,
    parts: tuple[str, ...],
    cache: pathlib.Path,
    seen: dict[tuple[int, int], pathlib.Path],
) -> list[Folder]:
    """Folders below `path`.

    Args:
        path: a folder.
        parts: its name below the user's folder.
        cache: where archives are unpacked to.
        seen: folders so far, by device and number.
    """
    _check_place(path, parts, seen)
    files, found = [], []
    for entry in listing.visible(path):
        suffix = archives.suffix_of(entry)
        if entry.is_dir():
            found += _walk(entry, (*parts, entry.name), cache, seen)
        elif suffix:
            inside = archives.unpack(entry, cache)
            name = entry.name[: -len(suffix)]
            found += _walk(inside, (*parts, name), cache, seen)
        else:
            files.append(entry)
    if files:
        found.append(Folder(_name(parts), path, tuple(files)))
    return found


def _check_place(
    path: pathlib.Path,
    parts: tuple[str, ...],
    seen: dict[tuple[int, int], pathlib.Path],
) -> None:
    """Refuses links that lead round in circles, or to everything again."""
    if len(parts) > MAX_DEPTH:
        raise ValueError(
            f"Folders must be nested at most {MAX_DEPTH} deep. Received: "
            f"{path}."
        )
    state = path.stat()
    place = state.st_dev, state.st_ino
    if place in seen:
        raise ValueError(
            f"Each folder must be there once. Received: {path} is "
            f"{seen[place]} again, by a link."
        )
    seen[place] = path


def _name(parts: tuple[str, ...]) -> str:
    """Joins folders, without repetitions as of "cats.zip" with "cats/"."""
    kept: list[str] = []
    for part in parts:
        if part.lower() not in _PLAIN_NAMES and kept[-1:] != [part]:
            kept.append(part)
    return "/".join(kept)


def by_number(name: str) -> list[tuple[int, str]]:
    """Sorts "v10" after "v9"."""
    parts = re.split(r"(\d+)", name)
    return [(int(p), "") if p.isdigit() else (-1, p) for p in parts]


def with_images(folders: Iterable[Folder], what: str) -> list[Folder]:
    """The folders that hold images.

    Raises:
        FileNotFoundError: none does; `what` says what was expected.
    """
    found = [folder for folder in folders if folder.images]
    if not found:
        raise FileNotFoundError(
            f"The folder of --manual_dir must hold {what}. Received: no PNG "
            "or JPEG image in it or in a folder below."
        )
    return found


def split(
    scenes: list[_Scene], name_of: Callable[[_Scene], str]
) -> dict[str, list[_Scene]]:
    """Splits scenes into "train" and "test".

    Scenes in a folder called `test`, at any depth, are the test split, if
    there are others. Without such a folder the last tenth is, at least one
    of two or more.
    """
    in_test = [
        any(part in TEST_FOLDERS for part in name_of(s).split("/"))
        for s in scenes
    ]
    if any(in_test) and not all(in_test):
        return {
            "train": [s for s, test in zip(scenes, in_test) if not test],
            "test": [s for s, test in zip(scenes, in_test) if test],
        }
    return hold_out(scenes)


def hold_out(scenes: list[_Scene]) -> dict[str, list[_Scene]]:
    """Makes the last tenth, at least one of two or more, the test split."""
    count = max(1, len(scenes) // 10) if len(scenes) > 1 else 0
    train = scenes[: len(scenes) - count]
    test = scenes[len(scenes) - count :]
    return {"train": train, "test": test} if test else {"train": train}
