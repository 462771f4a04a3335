"""Light fields whose views are files of a folder: a grid, or a row."""

import dataclasses
import functools
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from crossnet_tf import images
from crossnet_tf.ops.quantization import to_uint8

from . import source_tree

RUN_LENGTH = 16


@dataclasses.dataclass(frozen=True)
class Scene:
    """A light field that can be read.

    Attributes:
        name: unique in the data set.
        rows: of the camera grid.
        cols: of the camera grid.
        read_views: gives `rows * cols` views `[H, W, 3]` uint8, row by row.
        read_disparity: gives their `[H, W]` float32 maps, in pixels per view
            step, NaN: unknown.
    """

    name: str
    rows: int
    cols: int
    read_views: Callable[[], Iterable[np.ndarray]]
    read_disparity: Callable[[], Iterable[np.ndarray]] | None = None


def read_files(paths: list[pathlib.Path]) -> Iterator[np.ndarray]:
    """Reads images as `[H, W, 3]` uint8; errors name the file.

    8 bits are kept as they are; of 16 bits the nearest 8-bit value is.

    Raises:
        ValueError: one is no image, or not of the size of the first.
    """
    sizes = []
    for path in paths:
        view = np.asarray(to_uint8(images.read_image(path)))
        sizes.append(view.shape[:2])
        if sizes[-1] != sizes[0]:
            raise ValueError(
                f"Image `{path}` must be as large as `{paths[0]}`, (height, "
                f"width) {sizes[0]}. Received: {sizes[-1]}."
            )
        yield view


def one_per_view(
    name: str, rows: int, cols: int, paths: list[pathlib.Path]
) -> Scene:
    """A scene with one file per view, row by row."""
    return Scene(name, rows, cols, functools.partial(read_files, paths))


def grid_places(
    folder: source_tree.Folder, pattern: str
) -> dict[tuple[int, int], pathlib.Path]:
    """The images of a folder that are named by row and column.

    Args:
        folder: of the scene.
        pattern: regular expression with groups `row` and `col`, searched for
            in file names without suffix.

    Raises:
        ValueError: two files are the same view.
    """
    found: dict[tuple[int, int], pathlib.Path] = {}
    for path in folder.images:
        match = re.search(pattern, path.stem)
        if match is None:
            continue
        place = int(match["row"]), int(match["col"])
        if place in found:
            raise ValueError(
                f"Each view must have one file. Received: {found[place]} and "
                f"{path} for row {place[0]}, column {place[1]}."
            )
        found[place] = path
    return found


def grid_scene(folder: source_tree.Folder, pattern: str, form: str) -> Scene:
    """A scene with one file per view, named by row and column.

    Args:
        folder: of the scene; its name is the scene's.
        pattern: as for `grid_places`.
        form: the pattern for people, such as "view_RR_CC.png".

    Raises:
        FileNotFoundError: no file fits, or the grid has holes.
        ValueError: two files are the same view.
    """
    found = grid_places(folder, pattern)
    if not found:
        raise _no_view(folder, form)
    rows, cols = (sorted({place[axis] for place in found}) for axis in (0, 1))
    missing = [(r, c) for r in rows for c in cols if (r, c) not in found]
    if missing:
        raise FileNotFoundError(
            f"Scene folder {folder.path} must hold all {len(rows)}x"
            f"{len(cols)} views, named {form}. Missing: (row, column) "
            f"{missing[:5]}."
        )
    paths = [found[row, col] for row in rows for col in cols]
    return one_per_view(folder.name, len(rows), len(cols), paths)


def _no_view(folder: source_tree.Folder, form: str) -> FileNotFoundError:
    example = folder.images[0].name if folder.images else "no image"
    return FileNotFoundError(
        f"Scene folder {folder.path} must hold images named {form}. "
        f"Received: {example}."
    )


def row_scenes(
    folder: source_tree.Folder, run_length: int = RUN_LENGTH
) -> list[Scene]:
    """Scenes whose views are a row: the folder's images by name.

    Numbers in names count as numbers, so v10 comes after v9.

    Args:
        folder: of the scene; its name is the scene's.
        run_length: a longer row becomes several scenes of at most so many
            views, called NAME/000 and so on.

    Raises:
        FileNotFoundError: there are fewer than 2 images.
    """
    paths = sorted(
        folder.images, key=lambda path: source_tree.by_number(path.stem)
    )
    if len(paths) < 2:
        raise FileNotFoundError(
            f"Scene folder {folder.path} must hold at least 2 images. "
            f"Received: {len(paths)}."
        )
    return [
        one_per_view(name, 1, len(run), [paths[number] for number in run])
        for name, run in named_runs(folder.name, len(paths), run_length)
    ]


def split_runs(found: list[list[Scene]]) -> dict[str, list[Scene]]:
    """Splits by folder or video, so that both parts show different ones.

    Args:
        found: the runs of each.
    """
    parts = source_tree.split(found, lambda runs: runs[0].name)
    return {
        name: [run for runs in part for run in runs]
        for name, part in parts.items()
    }


def named_runs(
    name: str, count: int, run_length: int
) -> list[tuple[str, range]]:
    """Cuts a row of `count` views into runs of at most `run_length`, alike.

    Returns:
        Name and numbers of the views of each run.

    Raises:
        ValueError: `run_length` is less than 2.
    """
    if run_length < 2:
        raise ValueError(
            "`run_length` must be at least 2, for a view and its reference. "
            f"Received: run_length={run_length}."
        )
    num_runs = -(-count // run_length)
    if num_runs <= 1:
        return [(name, range(count))]
    ends = [round(n * count / num_runs) for n in range(num_runs + 1)]
    return [
        (f"{name}/{n:03d}", range(ends[n], ends[n + 1]))
        for n in range(num_runs)
    ]
