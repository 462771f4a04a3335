"""Which picture goes with which reference, and where the result goes.

LR and REF are each a file, a folder, or a pattern such as `shots/*.jpg`. In
folders, pictures belong together by their name up to the suffix (and, with
`recursive`, by the folders on the way), compared in Unicode's composed form:
a name from a Mac equals the same name from a camera. A single REF serves
every LR; an LR without one is done by the upsampler alone. What a file
manager leaves in folders is passed over; whatever else is not done is named.
"""

import dataclasses
import glob
import os
import pathlib
from collections.abc import Callable, Iterator

from crossnet_tf.images import formats, listing

_PATTERN = frozenset("*?[")


@dataclasses.dataclass(frozen=True)
class Job:
    """LR and REF to read, the output to write; `ref` None: there is none."""

    lr: pathlib.Path
    ref: pathlib.Path | None
    output: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Naming:
    """How outputs in a folder are called.

    Attributes:
        suffix: what follows LR's name, such as "_x4".
        format: "png", "jpg", ..., or "same": as LR, where that is written.
        recursive: look into folders of folders, too.
    """

    suffix: str = ""
    format: str = "png"
    recursive: bool = False


def is_many(lr: str | os.PathLike) -> bool:
    """Whether `lr` may name several pictures: a folder or a pattern."""
    path = pathlib.Path(lr).expanduser()
    return path.is_dir() or (
        not path.exists() and bool(_PATTERN & set(str(lr)))
    )


def find_jobs(
    lr: str | os.PathLike,
    ref: str | os.PathLike,
    output: str | os.PathLike,
    naming: Naming,
) -> tuple[list[Job], list[str]]:
    """All pairs of a folder or pattern, and a line for what is left out.

    Args:
        lr: a folder or a pattern.
        ref: a file, a folder, a pattern; "": none.
        output: the folder for the results, no folder of the inputs.
        naming: how results are called.

    Raises:
        FileNotFoundError: there is no LR or no REF at all.
        ValueError: `output` is a folder of the inputs.
    """
    output = pathlib.Path(output).expanduser()
    lr_files, left_out = _listed("lr", lr, naming.recursive)
    find_ref, found_refs = _references(ref, naming.recursive, left_out)
    for path in (*lr_files.values(), *found_refs):
        if path and output.resolve() == path[0].parent.resolve():
            raise ValueError(
                "`output` must be another folder than `lr` and `ref`. "
                f"Received: output={output}"
            )
    jobs: list[Job] = []
    taken: dict[str, pathlib.Path] = {}
    for key, paths in sorted(lr_files.items()):
        refs = find_ref(key)
        if len(paths) > 1 or len(refs) > 1:
            left_out.append(f"{key}: several files of this name.")
            continue
        result = output / output_name(key, paths[0], naming)
        folded = os.path.normcase(result)
        if folded in taken:
            left_out.append(f"{paths[0]}: {taken[folded]} has the same output.")
            continue
        taken[folded] = paths[0]
        jobs.append(Job(paths[0], refs[0] if refs else None, result))
    return jobs, left_out


def output_name(key: str, lr: pathlib.Path, naming: Naming) -> str:
    """What the result of `lr` is called in a folder; PNG where in doubt."""
    ending = lr.suffix if naming.format == "same" else f".{naming.format}"
    if ending.lower() not in formats.WRITABLE:
        ending = ".png"
    return f"{key}{naming.suffix}{ending}"


def _references(
    ref: str | os.PathLike, recursive: bool, left_out: list[str]
) -> tuple[Callable[[str], list[pathlib.Path]], list[list[pathlib.Path]]]:
    """A function from a name to its references, and all that there are."""
    path = pathlib.Path(ref).expanduser()
    if not str(ref):
        return (lambda key: []), []
    if path.is_file():
        return (lambda key: [path]), []
    files, problems = _listed("ref", ref, recursive)
    left_out += problems
    return (lambda key: files.get(key, [])), list(files.values())


def _listed(
    flag: str, place: str | os.PathLike, recursive: bool
) -> tuple[dict[str, list[pathlib.Path]], list[str]]:
    """Pictures by name, and a line for each file that is none."""
    found: dict[str, list[pathlib.Path]] = {}
    left_out = []
    for path, key in _files(place, recursive):
        if not formats.is_picture(path):
            left_out.append(f"{path}: is no picture (by its suffix).")
        elif not path.exists():
            left_out.append(f"{path}: is a link to nothing.")
        elif not path.is_file():
            left_out.append(f"{path}: is no regular file.")
        else:
            found.setdefault(key, []).append(path)
    if not found:
        where = f"{flag}={os.fspath(place)}"
        raise FileNotFoundError(
            f"`{flag}` must be a picture, or a folder or pattern that has "
            f"some. Received: {where}"
            + (f", with {len(left_out)} other files." if left_out else "")
        )
    return found, left_out


def _files(
    place: str | os.PathLike, recursive: bool
) -> Iterator[tuple[pathlib.Path, str]]:
    """Files that are not junk, with the name that pairs are found by."""
    root = pathlib.Path(place).expanduser()
    if root.is_dir():
        paths = listing.list_files(root, recursive)
    else:
        found = sorted(map(pathlib.Path, glob.glob(str(root), recursive=True)))
        root = pathlib.Path(
            os.path.commonpath([str(p.parent) for p in found] or ["."])
        )
        paths = (
            path
            for path in found
            if not path.is_dir() and not listing.is_junk(path.name)
        )
    for path in paths:
        yield path, listing.pair_name(path, root)
