"""The flow estimator of preset `lite`: small, and quick to learn to align.

FlowNetS+ has 34 million weights that must discover matching by themselves.
Here matching is built in: REF is blurred to what LR shows, so that both
pictures agree wherever the flow is right; features of both are correlated
from 1/32 to 1/4, and each level only estimates what is left after warping
by the coarser flow. One estimator serves all of these levels, so a
displacement learned at one scale is known at every other. Two light steps
bring the flow to 1/2 and to full size.

References:
    Sun et al., "PWC-Net", CVPR 2018 (correlation after warping);
    Hur and Roth, "Iterative residual refinement", CVPR 2019 (one estimator).
"""

import keras
import tensorflow as tf

from crossnet_tf.model.convolution import Convolution, leaky_relu
from crossnet_tf.model.resampling import matched_blur, resize_flow
from crossnet_tf.model.warp import backward_warp

STRIDE = 32
RADIUS = 3
COARSEST, FINEST = 5, 2


@keras.saving.register_keras_serializable("crossnet_tf")
class PyramidFlow(keras.layers.Layer):
    """Flow by correlation and residual estimation, level by level.

    Args:
        scale: HR size / LR size: how far REF is blurred.
        width: channels at half size; twice as many from 1/4 on.
        iterations: estimates at the finest correlated level.
    """

    def __init__(
        self, scale: int, width: int = 16, iterations: int = 2, **kwargs
    ):
        super().__init__(autocast=False, **kwargs)
        self.scale, self.width = scale, width
        self.iterations = iterations
        self.pyramid = [
            [
                Convolution(filters, size, 2, leaky_relu, name=f"down{level}"),
                Convolution(filters, 3, 1, leaky_relu, name=f"same{level}"),
            ]
            for level, filters, size in [
                (1, width, 5),
                *((i, 2 * width, 3) for i in range(2, COARSEST + 1)),
            ]
        ]
        self.estimator = _Estimator([6, 4, 3], 2 * width, name="estimator")
        self.refiners = [
            _Estimator([2], width, name=f"refine{level}") for level in (1, 0)
        ]

    def call(self, lr_up: tf.Tensor, ref: tf.Tensor) -> list[tf.Tensor]:
        """Flows V0 to V3 of `[B, H, W, 3]` images, H and W in 32nds.

        Returns:
            Four float32 tensors `[B, H / 2**i, W / 2**i, 2]`, finest first.
        """
        target = [tf.cast(lr_up, tf.float32)]
        source = [matched_blur(ref, self.scale)]
        for down, same in self.pyramid:
            target.append(same(down(target[-1])))
            source.append(same(down(source[-1])))
        flow = tf.zeros_like(target[COARSEST][..., :2], tf.float32)
        hidden = tf.zeros_like(target[COARSEST])
        flows = {}
        for level in range(COARSEST, FINEST - 1, -1):
            if level < COARSEST:
                flow, hidden = resize_flow(flow), _enlarge(hidden)
            for _ in range(1 if level > FINEST else self.iterations):
                warped = backward_warp(source[level], flow)
                costs = correlation(target[level], warped, RADIUS)
                features = [costs, target[level], hidden, _like(flow, costs)]
                flow, hidden = self.estimator(features, flow)
            flows[level] = flow
        for level, refiner in zip((1, 0), self.refiners):
            flow, hidden = resize_flow(flow), _enlarge(hidden)
            warped = backward_warp(source[level], flow)
            difference = target[level] - warped
            hidden = hidden[..., : self.width]
            features = [target[level], warped, difference, hidden]
            flow, hidden = refiner(features, flow)
            flows[level] = flow
        return [flows[level] for level in range(4)]

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "scale": self.scale,
            "width": self.width,
            "iterations": self.iterations,
        }


def correlation(a: tf.Tensor, b: tf.Tensor, radius: int) -> tf.Tensor:
    """Mean products of each pixel of `a` with the neighbourhood in `b`.

    Args:
        a: `[B, H, W, C]`.
        b: `[B, H, W, C]`, zero outside.
        radius: largest displacement compared, in pixels.

    Returns:
        `[B, H, W, (2 * radius + 1)**2]`, rows of displacements first.
    """
    shape = tf.shape(a)
    pads = [[0, 0], [radius, radius], [radius, radius], [0, 0]]
    b = tf.pad(b, pads)
    costs = [
        tf.reduce_mean(
            a * b[:, dy : dy + shape[1], dx : dx + shape[2]], axis=-1
        )
        for dy in range(2 * radius + 1)
        for dx in range(2 * radius + 1)
    ]
    return tf.stack(costs, axis=-1)


class _Estimator(keras.layers.Layer):
    """Convolutions to a residual flow; also returns its last features."""

    def __init__(self, ratios: list[int], unit: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        widths = [ratio * unit // 2 for ratio in ratios]
        widths[-1] = unit
        self.convolutions = [
            Convolution(filters, 3, 1, leaky_relu, name=f"conv{i}")
            for i, filters in enumerate(widths)
        ]
        self.head = Convolution(
            2,
            3,
            kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3),
            dtype="float32",
            name="head",
        )

    def call(self, features, flow):
        hidden = tf.concat(features, axis=-1)
        for convolution in self.convolutions:
            hidden = convolution(hidden)
        return flow + self.head(hidden), hidden


def _enlarge(features: tf.Tensor) -> tf.Tensor:
    shape = tf.shape(features)
    size = [2 * shape[1], 2 * shape[2]]
    return _like(tf.image.resize(features, size), features)


def _like(values: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    return tf.cast(values, other.dtype)
