"""A light-field data set that is prepared in a second, and a plain warp."""

import pathlib

import numpy as np

from crossnet_tf.data.synthetic_lf import (
    synthetic_lf_dataset_builder as builder_lib,
)

HEIGHT, WIDTH, ROWS, COLS = 48, 64, 3, 4
TRAIN_SCENES, TEST_SCENES = 3, 2
CONFIG = builder_lib.SyntheticLfConfig(
    name="tiny",
    height=HEIGHT,
    width=WIDTH,
    rows=ROWS,
    cols=COLS,
    train_scenes=TRAIN_SCENES,
    test_scenes=TEST_SCENES,
    max_disparity=1.0,
)


def prepare(data_dir: pathlib.Path) -> str:
    """Prepares `synthetic_lf/tiny` in `data_dir`; returns that name."""
    builder = builder_lib.Builder(data_dir=str(data_dir), config=CONFIG)
    builder.download_and_prepare()
    return "synthetic_lf/tiny"


def warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """out(x, y) = image(x + dx, y + dy), bilinear, clamped; plain NumPy."""
    height, width = image.shape[:2]
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float64)
    x = np.clip(x + flow[..., 0], 0, width - 1)
    y = np.clip(y + flow[..., 1], 0, height - 1)
    left = np.minimum(x.astype(int), width - 2)
    top = np.minimum(y.astype(int), height - 2)
    a, b = x - left, y - top
    if image.ndim == 3:
        a, b = a[..., None], b[..., None]
    above = image[top, left] * (1 - a) + image[top, left + 1] * a
    below = image[top + 1, left] * (1 - a) + image[top + 1, left + 1] * a
    return above * (1 - b) + below * b


def psnr(one: np.ndarray, two: np.ndarray, where: np.ndarray) -> float:
    """Of two images in [0, 1], over the pixels `where`."""
    error = (np.float64(one) - two)[where]
    return float(-10 * np.log10(np.mean(error**2)))
