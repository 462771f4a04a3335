"""Whole pairs to measure on, from any data set, in a fixed order."""

import dataclasses
import sys
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from crossnet_tf import config as config_lib
from crossnet_tf import images
from crossnet_tf.ops import resizing
from crossnet_tf.pairs import folders, light_fields, motorcycle, prepared


@dataclasses.dataclass(frozen=True)
class Pair:
    """A whole test pair; images are float32 in [0, 1].

    Attributes:
        name: of the scene or file.
        view: which view LR shows, such as "(7,7)"; "" if there are no views.
        lr: `[h, w, 3]`.
        ref: `[scale * h, scale * w, 3]`.
        hr: `[scale * h, scale * w, 3]`; None: the ground truth is unknown.
        flow: `[scale * h, scale * w, 3]` from HR to REF: dx, dy in pixels and
            a weight 0 or 1; None: unknown.
    """

    name: str
    view: str
    lr: np.ndarray
    ref: np.ndarray
    hr: np.ndarray | None
    flow: np.ndarray | None = None


def test_pairs(
    data: config_lib.DataConfig, eval: config_lib.EvalConfig, scale: int
) -> Iterator[Pair]:
    """Whole pairs to measure on, in a fixed order.

    Args:
        data: where prepared data are, and which if `eval` names none.
        eval: which data, split and views, and how many light fields.
        scale: HR size / LR size.

    Returns:
        An iterator of pairs. HR is cut to a multiple of `scale` and LR made
        from it, unless the data have their own LR.

    Raises:
        ValueError: the settings do not fit the data, or an image cannot be
            read.
        FileNotFoundError: the data are not there; says how to prepare them.
    """
    name = eval.eval_dataset or data.dataset
    if name == motorcycle.NAME:
        return iter([_motorcycle_pair(scale)])
    if name.startswith(folders.PREFIX):
        files = folders.find_pairs(name.removeprefix(folders.PREFIX))
        files = files[: eval.num_eval_images or None]
        return (_folder_pair(item, scale, eval.max_pixels) for item in files)
    source = prepared.PreparedLightFields(name, data.data_dir)
    examples = source.examples(eval.test_split, source.has_disparity)
    for example in examples.take(1):
        _check_views(example, eval)
    examples = examples.take(eval.num_eval_images or -1)
    return _light_field_pairs(examples, eval, scale)


def count_pairs(
    data: config_lib.DataConfig, eval: config_lib.EvalConfig
) -> int:
    """How many pairs `test_pairs` yields; raises what it raises."""
    name = eval.eval_dataset or data.dataset
    most = eval.num_eval_images or sys.maxsize
    if name == motorcycle.NAME:
        return 1
    if name.startswith(folders.PREFIX):
        files = folders.find_pairs(name.removeprefix(folders.PREFIX))
        return min(len(files), most)
    source = prepared.PreparedLightFields(name, data.data_dir)
    return min(source.count(eval.test_split), most) * len(eval.lr_views)


def _motorcycle_pair(scale: int) -> Pair:
    left, right, flow = motorcycle.motorcycle()
    hr, ref = np.float32(left) / 255, np.float32(right) / 255
    return _make_pair(motorcycle.NAME, "left", hr, ref, scale, flow)


def _make_pair(
    name: str,
    view: str,
    hr: np.ndarray,
    ref: np.ndarray,
    scale: int,
    flow: np.ndarray | None = None,
) -> Pair:
    """A pair whose LR is made from HR."""
    hr, ref = folders.crop_to_scale(hr, ref, scale)
    lr = np.asarray(resizing.make_lr(hr, scale))
    if flow is not None:
        flow = flow[: hr.shape[0], : hr.shape[1]]
    return Pair(name, view, lr, ref, hr, flow)


def _folder_pair(files: folders.Files, scale: int, max_pixels: int) -> Pair:
    """Reads one pair of a folder, and checks that its sizes fit."""
    ref = images.read_image(files.ref, max_pixels)
    hr = None if files.hr is None else images.read_image(files.hr, max_pixels)
    try:
        if files.lr is None:
            pair = _make_pair(files.name, "", hr, ref, scale)
        else:
            lr = images.read_image(files.lr, max_pixels)
            pair = Pair(files.name, "", lr, ref, hr)
        resizing.check_pair(pair.lr.shape, pair.ref.shape, scale)
        if pair.hr is not None:
            resizing.check_pair(pair.lr.shape, pair.hr.shape, scale)
    except ValueError as error:
        raise ValueError(f"{files.ref}: {error}") from error
    return pair


def _check_views(
    example: dict[str, tf.Tensor], eval: config_lib.EvalConfig
) -> None:
    """Checks that the light field has the views that `eval` asks for."""
    rows, cols = int(example["rows"]), int(example["cols"])
    shorter, longer = sorted((rows, cols))
    last = (longer if shorter == 1 else shorter) - 1
    inside = all(0 <= i <= last for i in eval.lr_views)
    if not eval.lr_views or not inside:
        raise ValueError(
            f"`lr_views` must be from 0 to {last} for "
            f"{rows} x {cols} views. Received: lr_views={eval.lr_views}."
        )
    ref = eval.ref_view
    fits = len(ref) == 2 and 0 <= ref[0] < rows and 0 <= ref[1] < cols
    views = [_view(i, rows, cols) for i in eval.lr_views]
    if not fits or ref in views:
        raise ValueError(
            f"`ref_view` must be one of {rows} x {cols} views and none of "
            f"`lr_views`. Received: ref_view={ref}, lr_views={eval.lr_views}."
        )


def _view(i: int, rows: int, cols: int) -> tuple[int, int]:
    """Row and column of view i: on the diagonal, or along a single line."""
    return min(i, rows - 1), min(i, cols - 1)


def _light_field_pairs(
    examples: tf.data.Dataset, eval: config_lib.EvalConfig, scale: int
) -> Iterator[Pair]:
    for example in examples:
        _check_views(example, eval)
        rows, cols = int(example["rows"]), int(example["cols"])
        ref_view = eval.ref_view[0] * cols + eval.ref_view[1]
        name = example["scene"].numpy().decode()
        for i in eval.lr_views:
            row, col = _view(i, rows, cols)
            numbers = tf.constant([[row * cols + col, ref_view]])
            chosen = light_fields.select_views(example, numbers)
            pair = light_fields.decode_pair(
                {key: value[0] for key, value in chosen.items()}
            )
            hr, ref = (
                pair[key].numpy().astype(np.float32) / 255
                for key in ("hr", "ref")
            )
            flow = pair["flow"].numpy() if "flow" in pair else None
            yield _make_pair(name, f"({row},{col})", hr, ref, scale, flow)
