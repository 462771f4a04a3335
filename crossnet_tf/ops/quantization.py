"""The 8-bit grid: clip to [0, 1], round half up.

Outputs are measured as files would hold them, and LR is a picture that came
out of a file. NumPy arrays stay NumPy arrays, tensors stay tensors, with the
same numbers from both. TensorFlow is imported for tensors alone: a server's
client, which reads pictures, has none.
"""

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

Images = TypeVar("Images", np.ndarray, "tf.Tensor")


def to_uint8(images: Images) -> Images:
    """Pictures as 8-bit integers.

    Args:
        images: float, any shape, [0, 1]; clipped beyond. No NaN.

    Returns:
        uint8 of the same shape, `floor(255 * x + 0.5)`.

    Raises:
        ValueError: `images` is not floating-point.
    """
    steps = to_steps(images, 255)
    if isinstance(steps, np.ndarray):
        return steps.astype(np.uint8)
    import tensorflow as tf

    return tf.cast(steps, tf.uint8)


def quantize(images: Images) -> Images:
    """The nearest pictures that 8 bits can hold.

    Args:
        images: float, any shape, [0, 1]; clipped beyond.

    Returns:
        float32 of the same shape, multiples of 1/255 in [0, 1].

    Raises:
        ValueError: `images` is not floating-point.
    """
    return to_steps(images, 255) / np.float32(255)


def to_steps(images: Images, top: int) -> Images:
    """Whole numbers 0 to `top`, in float32; `top` is 255 or 65535.

    Raises:
        ValueError: `images` is not floating-point.
    """
    name = images.dtype.name
    if "float" not in name:
        raise ValueError(
            "`images` must be floating-point in [0, 1]. "
            f"Received: dtype={name}."
        )
    if isinstance(images, np.ndarray):
        images = np.clip(images.astype(np.float32), 0, 1)
        return np.floor(images * np.float32(top) + np.float32(0.5))
    import tensorflow as tf

    images = tf.clip_by_value(tf.cast(images, tf.float32), 0.0, 1.0)
    return tf.floor(images * float(top) + 0.5)
