"""What TensorBoard shows of a run: `tensorboard --logdir RUN_DIR`.

Scalars of the training batches, the held-out PSNR, and one held-out pair as
pictures: LR upscaled, REF, REF warped by the flow, the output, the truth and
the flow in the usual colour wheel. The pair is always the same, so that the
slider shows the network learn.
"""

import math
import os
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from crossnet_tf import pictures
from crossnet_tf.model.warp import backward_warp
from crossnet_tf.pipeline import Pair

_MAX_SIDE = 512


class Summaries:
    """Writes scalars and pictures of a run.

    Args:
        run_dir: where the event files go; empty: nothing is written.
        pair: the pair to draw; its middle is cut out if it is large.
        model: the network to draw it with.
    """

    def __init__(
        self,
        run_dir: str | os.PathLike,
        pair: Pair,
        model: keras.Model,
    ):
        self._writer = (
            tf.summary.create_file_writer(os.fspath(run_dir))
            if run_dir
            else tf.summary.create_noop_writer()
        )
        self._enabled = bool(run_dir)
        self._inputs, self._hr = _middle(pair, model)
        self._network = tf.function(
            lambda inputs: model(inputs, training=False)
        )

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
        outputs = self._network(self._inputs)
        flow = outputs["flow_0"]
        ref = self._inputs["ref"]
        drawn = {
            "1_lr_up": outputs["lr_up"],
            "2_ref": ref,
            "3_warped_ref": backward_warp(ref, flow),
            "4_sr": outputs["sr"],
            "5_hr": self._hr,
            "6_flow": pictures.flow_to_rgb(flow.numpy()),
        }
        with self._writer.as_default(step):
            for name, image in drawn.items():
                if image is not None:
                    clipped = np.clip(np.asarray(image), 0.0, 1.0)
                    tf.summary.image(name, clipped)
        self._writer.flush()

    def close(self) -> None:
        """Writes what is still in memory."""
        self._writer.close()


def _middle(
    pair: Pair, model: keras.Model
) -> tuple[dict[str, tf.Tensor], np.ndarray | None]:
    """The middle of the pair, at most 512 x 512, with a batch axis."""
    scale = model.config.scale
    rows, columns = (
        _span(size, _MAX_SIDE // scale) for size in pair.lr.shape[:2]
    )
    large = tuple(
        slice(span.start * scale, span.stop * scale) for span in (rows, columns)
    )
    inputs = {
        "lr": tf.constant(pair.lr[rows, columns][None]),
        "ref": tf.constant(pair.ref[large][None]),
    }
    return inputs, None if pair.hr is None else pair.hr[large][None]


def _span(size: int, limit: int) -> slice:
    begin = max(0, (size - limit) // 2)
    return slice(begin, begin + min(size, limit))
