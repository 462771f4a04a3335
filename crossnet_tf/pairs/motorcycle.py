"""The stereo pair `motorcycle`, which scikit-image installs.

Two rectified photographs of a garage, 500 x 741, from the Middlebury 2014
stereo benchmark (Scharstein et al., "High-resolution stereo datasets with
subpixel-accurate ground truth", GCPR 2014), with measured disparity d of the
left one: the point at (x, y) on the left is at (x - d, y) on the right, and d
is 7 to 60 pixels. So the left photograph is HR, the right one REF, and the
flow is (-d, 0). Nothing is downloaded.
"""

import functools
from collections.abc import Iterator

import numpy as np
import skimage.data
import tensorflow as tf

from crossnet_tf import config as config_lib
from crossnet_tf.pairs.base import PairDataset
from crossnet_tf.pairs.pair import Pair, pair_of_hr

NAME = "motorcycle"


class Motorcycle(PairDataset):
    """The stereo pair as a data set of one pair.

    Args:
        data: the settings.
        scale: HR size / LR size.
    """

    knows_flow = True

    def __init__(self, data: config_lib.DataConfig, scale: int) -> None:
        super().__init__(NAME)
        self.crops_per_element = data.pairs_per_scene
        self._scale = scale

    def sizes(self) -> list[tuple[str, tuple[int, int]]]:
        """The left photograph's."""
        return [(NAME, motorcycle()[0].shape[:2])]

    def elements(
        self, seed: int, with_flow: bool, first: int = 0
    ) -> tf.data.Dataset:
        """Endlessly the same: there is one pair."""
        del seed, with_flow, first  # Nothing to shuffle or to leave out.
        return tf.data.Dataset.from_tensors(NAME).repeat()

    def decode(
        self, element: tf.Tensor, with_flow: bool
    ) -> dict[str, tf.Tensor]:
        """The whole photographs: `name`, `hr`, `ref`, maybe `flow`."""
        hr, ref, flow = motorcycle()
        pair = {"name": element, "hr": tf.constant(hr), "ref": tf.constant(ref)}
        if with_flow:
            pair["flow"] = tf.constant(flow)
        return pair

    def count(self) -> int:
        """One."""
        return 1

    def test_pairs(self, problems: list[str] | None = None) -> Iterator[Pair]:
        """The pair, with its flow."""
        del problems  # It comes with a package and is never bad.
        left, right, flow = motorcycle()
        hr = np.asarray(left, np.float32) / 255
        ref = np.asarray(right, np.float32) / 255
        yield pair_of_hr(NAME, "left", hr, ref, self._scale, flow)


@functools.cache
def motorcycle() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Loads the pair.

    Returns:
        hr: `[500, 741, 3]` uint8, the left photograph.
        ref: `[500, 741, 3]` uint8, the right one.
        flow: `[500, 741, 3]` float32, dx, dy and a weight: 0 where disparity
            was not measured, or the point is hidden or outside on the right.
    """
    left, right, disparity = skimage.data.stereo_motorcycle()
    return left, right, stereo_flow(disparity)


def stereo_flow(disparity: np.ndarray) -> np.ndarray:
    """Flow from a left to a right photograph, and where it can be trusted.

    Args:
        disparity: `[H, W]` float of the left one, pixels; not finite where
            unknown. Larger is nearer.

    Returns:
        `[H, W, 3]` float32: -d, 0 and a weight. Of the points that fall on
        one pixel of the right photograph only the nearest ones are seen.
    """
    height, width = disparity.shape
    known = np.isfinite(disparity)
    shift = np.where(known, disparity, 0).astype(np.float32)
    target = np.arange(width, dtype=np.float32) - shift
    inside = known & (target >= 0) & (target <= width - 1)
    column = np.clip(np.rint(target), 0, width - 1).astype(np.int64)
    row = np.broadcast_to(np.arange(height)[:, None], column.shape)
    nearest = np.full([height, width], -np.inf, np.float32)
    np.maximum.at(nearest, (row[inside], column[inside]), shift[inside])
    seen = inside & (shift >= nearest[row, column] - 1)
    return np.stack(
        [-shift, np.zeros_like(shift), seen.astype(np.float32)], axis=-1
    )
