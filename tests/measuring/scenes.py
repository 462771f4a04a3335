"""Pairs of photographs by a list, and what is made of them."""

import csv
import dataclasses
import pathlib

import numpy as np

from crossnet_tf import images
from crossnet_tf.alignment import sampling


@dataclasses.dataclass(frozen=True)
class Scene:
    """HR and REF, `[H, W, 3]` float32 in [0, 1], by name."""

    name: str
    hr: np.ndarray
    ref: np.ndarray


def read_scenes(path: pathlib.Path, only: str = "") -> list[Scene]:
    """The pairs of a CSV file `name,hr,ref`; `only` must be in their name."""
    with open(path, newline="") as file:
        rows = [row for row in csv.DictReader(file) if only in row["name"]]
    read = [
        (
            row["name"],
            *(images.read_image(path.parent / row[k]) for k in ("hr", "ref")),
        )
        for row in rows
    ]
    return [Scene(*parts) for parts in read]


def levels(picture: np.ndarray) -> np.ndarray:
    """Rounded to 8 bits, as a file would hold it."""
    return np.round(np.clip(picture, 0.0, 1.0) * 255).astype(np.float32) / 255


def cut(picture: np.ndarray, multiple: int) -> np.ndarray:
    """The part from the top left whose sides are multiples."""
    height, width = (n // multiple * multiple for n in picture.shape[:2])
    return picture[:height, :width]


def shrunk(hr: np.ndarray, scale: int) -> np.ndarray:
    """LR: antialiased cubic of HR, 8 bits."""
    return levels(sampling.resized(hr, *(n // scale for n in hr.shape[:2])))


def psnr(
    result: np.ndarray, hr: np.ndarray, where: np.ndarray | None = None
) -> float:
    """In dB, RGB, of 8-bit pictures; within `where` if it is given."""
    error = np.square(np.float64(levels(result)) - levels(hr))
    if where is not None:
        error = error[where]
    return float(-10.0 * np.log10(max(error.mean(), 1e-10)))
