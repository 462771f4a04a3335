"""What TensorBoard shows of a run: `tensorboard --logdir RUN_DIR`.

Scalars of the training batches, the held-out PSNR, and one held-out pair as
pictures: LR upscaled, REF, REF warped by the flow, the output, the truth and
the flow in the usual colour wheel. The pair is always the same, so that the
slider shows the network learn.
"""

import math
import os
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from crossnet_tf.drawing.colors import flow_to_rgb
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.pairs.pair import Pair
from crossnet_tf.upscaling.upscaler import Upscaler

_MAX_SIDE = 512


class Summaries:
    """Writes scalars and pictures of a run.

    Args:
        run_dir: where the event files go; empty: nothing is written.
        pair: the pair to draw; its middle is cut out if it is large.
        upscaler: the network to draw it with.
    """

    def __init__(
        self,
        run_dir: str | os.PathLike,
        pair: Pair,
        upscaler: Upscaler,
    ):
        self._writer = (
            tf.summary.create_file_writer(os.fspath(run_dir))
            if run_dir
            else tf.summary.create_noop_writer()
        )
        self._enabled = bool(run_dir)
        self._lr, self._ref, self._hr = _middle(pair)
        self._upscaler = upscaler

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Adds one point to each curve.

        Args:
            step: steps done.
            values: by the curve's name; those that are not finite are left
                out.
        """
        with self._writer.as_default(step):
            for name, value in values.items():
                if math.isfinite(value):
                    tf.summary.scalar(name, value)

    def pictures(self, step: int) -> None:
        """Runs the network on the pair and adds the six pictures."""
        if not self._enabled:
            return
        names = ("lr_up", "sr", "flow_0")
        outputs = self._upscaler(self._lr, self._ref, names)
        flow = outputs["flow_0"]
        warped = backward_warp(self._ref[None], flow[None])[0]
        drawn = {
            "1_lr_up": outputs["lr_up"],
            "2_ref": self._ref,
            "3_warped_ref": warped.numpy(),
            "4_sr": outputs["sr"],
            "5_hr": self._hr,
            "6_flow": flow_to_rgb(flow),
        }
        with self._writer.as_default(step):
            for name, image in drawn.items():
                if image is not None:
                    tf.summary.image(name, np.clip(image, 0.0, 1.0)[None])
        self._writer.flush()

    def close(self) -> None:
        """Writes what is still in memory."""
        self._writer.close()


def _middle(pair: Pair) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """LR, REF and HR of the pair's middle, at most 512 x 512."""
    scale = pair.ref.shape[0] // pair.lr.shape[0]
    rows, columns = (
        _span(size, _MAX_SIDE // scale) for size in pair.lr.shape[:2]
    )
    large = tuple(
        slice(span.start * scale, span.stop * scale) for span in (rows, columns)
    )
    hr = None if pair.hr is None else pair.hr[large]
    return pair.lr[rows, columns], pair.ref[large], hr


def _span(size: int, limit: int) -> slice:
    begin = max(0, (size - limit) // 2)
    return slice(begin, begin + min(size, limit))
