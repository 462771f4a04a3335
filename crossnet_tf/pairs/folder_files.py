"""The files of image pairs of a user's own, listed and checked.

    PATH/hr/garden.png    PATH/ref/garden.jpg         LR is made from HR
    PATH/lr/garden.png    PATH/ref/garden.jpg         [PATH/hr/garden.png]

Files belong together by their stem, here `garden`; accents may be composed or
not (macOS takes them apart, other systems do not). REF is `scale` times the
size of LR, and so as large as HR; pairs may differ in size. Pairs without HR
can be upscaled, not trained on.
"""

import dataclasses
import pathlib

from crossnet_tf import images
from crossnet_tf.images import listing


@dataclasses.dataclass(frozen=True)
class Files:
    """The files of one pair; `lr` or `hr` may be None.

    Attributes:
        name: their stem.
        ref: path of REF.
        lr: path of LR; None: it is made from HR.
        hr: path of the ground truth; None: there is none.
    """

    name: str
    ref: pathlib.Path
    lr: pathlib.Path | None
    hr: pathlib.Path | None


def find_pairs(path: str | pathlib.Path) -> list[Files]:
    """Lists the pairs in a folder, by name.

    Args:
        path: the folder that holds `ref/` and `hr/` or `lr/`.

    Returns:
        At least one pair.

    Raises:
        FileNotFoundError: there is no such folder, or it lacks `ref/`, or
            both of `hr/` and `lr/`, or images, or partners of images; each
            image without a partner is named.
        ValueError: two files of a folder have the same stem.
    """
    path = pathlib.Path(path).expanduser()
    kinds = [kind for kind in ("lr", "ref", "hr") if (path / kind).is_dir()]
    if "ref" not in kinds or len(kinds) < 2:
        raise FileNotFoundError(
            f"`folder:PATH` must be a folder with `ref/` and `hr/` or `lr/`. "
            f"Received: folder:{path}, which "
            + (f"has only {kinds}." if path.is_dir() else "is no folder.")
        )
    files = {kind: _by_stem(path / kind) for kind in kinds}
    stems = sorted(set().union(*files.values()))
    lonely = [
        f"{kind}/{stem}.*"
        for stem in stems
        for kind in kinds
        if stem not in files[kind]
    ]
    if lonely or not stems:
        raise FileNotFoundError(
            f"Each image in {path} must have one of the same name in each of "
            f"{kinds}. Missing: {', '.join(lonely) or 'all images'}."
        )
    return [
        Files(
            stem,
            files["ref"][stem],
            *(files.get(kind, {}).get(stem) for kind in ("lr", "hr")),
        )
        for stem in stems
    ]


def check_training_pair(pair: Files, scale: int) -> tuple[int, int]:
    """Checks a pair's sizes by the files' headers, without decoding.

    Args:
        pair: the files.
        scale: HR size / LR size.

    Returns:
        HR's (rows, columns).

    Raises:
        ValueError: there is no HR, a file is no image, or REF or HR is not
            `scale` times LR.
    """
    if pair.hr is None:
        raise ValueError(
            f"Training needs the ground truth. Received: {pair.lr} without a "
            "file of the same name in hr/."
        )
    sizes = {
        kind: images.read_info(path).upright_size
        for kind, path in (("hr", pair.hr), ("ref", pair.ref), ("lr", pair.lr))
        if path is not None
    }
    expected = sizes["hr"]
    if "lr" in sizes:
        expected = scale * sizes["lr"][0], scale * sizes["lr"][1]
    if not sizes["hr"] == sizes["ref"] == expected:
        raise ValueError(
            "REF must be as large as HR, and LR 1 / scale of it. Received: "
            f"scale={scale}, "
            + ", ".join(
                f"{getattr(pair, kind)} (height {size[0]}, width {size[1]})"
                for kind, size in sizes.items()
            )
            + "."
        )
    return expected


def _by_stem(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    found: dict[str, pathlib.Path] = {}
    for path in listing.list_files(folder):
        if not path.is_file():
            continue
        stem = listing.pair_name(path, folder)
        if stem in found:
            raise ValueError(
                "Images of a folder must have different names. "
                f"Received: {found[stem]} and {path}."
            )
        found[stem] = path
    return found
