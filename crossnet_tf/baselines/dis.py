"""Optical flow of OpenCV: what a user would write instead of a network.

Nothing is learned. DIS flow (dense inverse search) leads from enlarged LR to
REF, blurred to what LR would show of it. REF is warped by it (cubic), and what
it shows beyond LR is added to enlarged LR, weighted by how well they agree:

    sr = lr_up + D / (D + M) * detail,   detail = warped - blur(warped),

with D the local mean square of `detail`, M that of `lr_up - blur(warped)`.
So detail that is no stronger than what does not fit counts half.

The flow's finest scale is 1 at x4 and 2 at x8, as LR shows nothing finer.
Pictures go through OpenCV outside of the graph, so that this system cannot be
exported, and OpenCV is an extra that only it needs.

Reference: Kroeger et al., "Fast optical flow using dense inverse search",
ECCV 2016.
"""

import types

import keras
import numpy as np
import tensorflow as tf

from crossnet_tf.model.base import Outputs, System
from crossnet_tf.ops.resampling import cubic_upscale, matched_blur
from crossnet_tf.ops.windows import window_power

_FINEST = {2: 0, 4: 1, 8: 2}
# OpenCV's search reads beyond smaller pictures.
_SMALLEST = 32
_TINY = 1e-8


@keras.saving.register_keras_serializable("crossnet_tf")
class DenseInverseSearch(System):
    """DIS flow and REF's detail; has no weights.

    Args:
        config: reads `scale`.

    Raises:
        ValueError: OpenCV is not installed.
    """

    def __init__(self, config, **kwargs):
        super().__init__(config, **kwargs)
        _opencv()

    def super_resolve(self, lr: tf.Tensor, ref: tf.Tensor) -> Outputs:
        """LR upscaled, with the detail of warped REF where both agree."""
        scale = self.config.scale
        lr_up, blurred = cubic_upscale(lr, scale), matched_blur(ref, scale)
        flow, warped = tf.numpy_function(
            self._aligned, [lr_up, blurred, ref], [tf.float32, tf.float32]
        )
        flow = tf.ensure_shape(flow, [None, None, None, 2])
        warped = tf.ensure_shape(warped, ref.shape)
        blurred = matched_blur(warped, scale)
        size = scale // 2 * 2 + 1
        detail = warped - blurred
        strength = window_power(detail, size)
        error = window_power(lr_up - blurred, size)
        weight = strength / (strength + error + _TINY)
        return {
            "sr": lr_up + weight * detail,
            "lr_up": lr_up,
            "flows": [flow],
        }

    def _aligned(
        self, lr_up: np.ndarray, blurred: np.ndarray, ref: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Flow from each of `lr_up` to `blurred`, and `ref` warped by it."""
        cv2 = _opencv()
        search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        search.setFinestScale(_FINEST[self.config.scale])
        flows, pictures = [], []
        for target, source, sharp in zip(lr_up, blurred, ref, strict=True):
            height, width = sharp.shape[:2]
            greys = [_grey(image) for image in (target, source)]
            flow = search.calc(*greys, None)[:height, :width]
            y, x = np.indices(flow.shape[:2], np.float32)
            flows.append(flow)
            pictures.append(
                cv2.remap(
                    sharp,
                    x + flow[..., 0],
                    y + flow[..., 1],
                    cv2.INTER_CUBIC,
                    borderMode=cv2.BORDER_REPLICATE,
                )
            )
        return np.stack(flows), np.stack(pictures)


def _grey(image: np.ndarray) -> np.ndarray:
    """`[H, W, 3]` float in [0, 1] -> 8 bits, edges repeated to 32 pixels."""
    pads = [(0, max(0, _SMALLEST - size)) for size in image.shape[:2]]
    image = np.pad(image, [*pads, (0, 0)], "edge")
    steps = np.clip(np.rint(255.0 * image), 0, 255).astype(np.uint8)
    return _opencv().cvtColor(steps, _opencv().COLOR_RGB2GRAY)


def _opencv() -> types.ModuleType:
    try:
        import cv2
    except ImportError as error:
        raise ValueError(
            "`system` dis needs OpenCV, which is not installed: "
            "`pip install 'crossnet_tf[opencv]'`. Received: system='dis'."
        ) from error
    return cv2
