"""Cubic resampling as convolutions with fixed kernels.

Keys' cubic (a = -0.5, half-pixel centres) by an integer factor has one
kernel per phase, so it is a convolution and a change of layout. Written so,
it is differentiable, runs on every device, and exports to TF-Lite, which
lacks the resize operator. Kernels are renormalised where they reach over the
border. The result is that of `tf.image.resize(method='bicubic')`, up to
rounding, with `antialias=True` for downscaling.
"""

import numpy as np
import tensorflow as tf

from crossnet_tf import cubic


def cubic_upscale(images: tf.Tensor, scale: int) -> tf.Tensor:
    """Enlarges by `scale`: `[B, h, w, C]` -> `[B, s*h, s*w, C]`, float32."""
    phases, channels = _upscale_taps(scale), images.shape[-1]
    taps = np.einsum("iy,jx->ijyx", phases, phases)
    kernel = np.einsum("ijyx,cd->ijcyxd", taps, np.eye(channels))
    kernel = kernel.reshape(5, 5, channels, scale * scale * channels)
    images = tf.cast(images, tf.float32)
    # As many channels as the picture: division is slow where it broadcasts.
    weights = np.repeat(taps.reshape(5, 5, 1, scale * scale), channels, -1)
    result = _convolve(images, kernel, 1, 2, scale)
    return result / _convolve(_ones_like(images), weights, 1, 2, scale)


def cubic_downscale(images: tf.Tensor, scale: int) -> tf.Tensor:
    """Shrinks by `scale`, antialiased: `[B, s*h, s*w, C]` -> `[B, h, w, C]`.

    Not rounded to 8 bits; height and width must be multiples of `scale`.
    """
    taps = cubic.shrinking(scale)
    size = len(taps)
    images, ones = tf.cast(images, tf.float32), _ones_like(images)
    channels = np.eye(images.shape[-1])
    pad = (size - scale) // 2
    for axis in (0, 1):
        shape = (size, 1) if axis == 0 else (1, size)
        kernel = np.einsum("ij,cd->ijcd", taps.reshape(shape), channels)
        strides = (scale, 1) if axis == 0 else (1, scale)
        pads = (pad, 0) if axis == 0 else (0, pad)
        images = _convolve(images, kernel, strides, pads)
        weights = taps.reshape(*shape, 1, 1)
        ones = _convolve(ones, weights, strides, pads)
    return images / ones


def matched_blur(images: tf.Tensor, scale: int) -> tf.Tensor:
    """What LR would show of `images`: downscaled, then enlarged again."""
    return cubic_upscale(cubic_downscale(images, scale), scale)


def seen_again(images: tf.Tensor, scale: int) -> tf.Tensor:
    """`cubic_downscale` of `cubic_upscale`: a filter of `images`' own size.

    The border is mirrored, so that it differs there from the two.
    """
    taps, reach = _seen_again_taps(scale), 4
    channels = np.eye(images.shape[-1])
    pads = [[0, 0], [reach, reach], [reach, reach], [0, 0]]
    images = tf.pad(images, pads, "SYMMETRIC")
    for shape in ((-1, 1), (1, -1)):
        kernel = np.einsum("ij,cd->ijcd", taps.reshape(shape), channels)
        images = _convolve(images, kernel, 1, 0)
    return images


def _seen_again_taps(scale: int) -> np.ndarray:
    """What becomes of a single bright pixel, `[9]`."""
    length = 17
    bright = np.zeros(length)
    bright[length // 2] = 1.0
    centres = (np.arange(length * scale) + 0.5) / scale - 0.5
    large = cubic.keys(centres[:, None] - np.arange(length)) @ bright
    middle = (np.arange(length) + 0.5) * scale - 0.5
    weights = cubic.keys((np.arange(length * scale) - middle[:, None]) / scale)
    return (weights / scale @ large)[length // 2 - 4 : length // 2 + 5]


def _upscale_taps(scale: int) -> np.ndarray:
    """`[5, scale]`: weight of neighbour i - 2 at each phase."""
    centres = (np.arange(scale) + 0.5) / scale - 0.5
    return cubic.keys(np.arange(-2, 3)[:, None] - centres[None, :])


def _ones_like(images: tf.Tensor) -> tf.Tensor:
    shape = tf.shape(images)
    return tf.ones(tf.stack([1, shape[1], shape[2], 1]), tf.float32)


def _convolve(images, kernel, strides, pads, block=1) -> tf.Tensor:
    pad_y, pad_x = (pads, pads) if isinstance(pads, int) else pads
    padding = [[0, 0], [pad_y, pad_y], [pad_x, pad_x], [0, 0]]
    kernel = tf.constant(kernel, tf.float32)
    images = tf.nn.conv2d(images, kernel, strides, padding)
    return images if block == 1 else tf.nn.depth_to_space(images, block)
