"""What a system gets: checked, padded to its stride, and cropped back."""

from collections.abc import Mapping

import tensorflow as tf

MIN_SIZE = 16


def checked_inputs(
    inputs: Mapping[str, tf.Tensor], scale: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """`lr` and `ref`, or a ValueError that says what does not fit."""
    if not isinstance(inputs, Mapping) or not {"lr", "ref"} <= set(inputs):
        raise ValueError(
            "`inputs` must be a dict with `lr` and `ref`. "
            f"Received: inputs={inputs!r}."
        )
    lr, ref = (tf.convert_to_tensor(inputs[name]) for name in ("lr", "ref"))
    for name, image in (("lr", lr), ("ref", ref)):
        if image.shape.rank != 4 or image.shape[-1] != 3:
            raise ValueError(
                f"`{name}` must be [B, H, W, 3]. "
                f"Received: {name}.shape={image.shape}."
            )
        if not image.dtype.is_floating:
            raise ValueError(
                f"`{name}` must be float in [0, 1]; divide by what is white. "
                f"Received: {name}.dtype={image.dtype.name}."
            )
    for axis in (1, 2):
        small, large = lr.shape[axis], ref.shape[axis]
        if None not in (small, large) and large != scale * small:
            raise ValueError(
                f"`ref` must be {scale} times as large as `lr`. "
                f"Received: lr.shape={lr.shape}, ref.shape={ref.shape}."
            )
        if large is not None and large < MIN_SIZE:
            raise ValueError(
                f"`ref` must be at least {MIN_SIZE} pixels high and wide. "
                f"Received: ref.shape={ref.shape}."
            )
    return lr, ref


def pad_to(images: tf.Tensor, multiple: int) -> tf.Tensor:
    """Repeats the last row and column until sizes are multiples."""
    if multiple == 1:
        return images
    for axis in (1, 2):
        known = images.shape[axis]
        if known is not None and known % multiple == 0:
            continue
        size = tf.shape(images)[axis]
        padded = (size + multiple - 1) // multiple * multiple
        rows = tf.minimum(tf.range(padded), size - 1)
        images = tf.gather(images, rows, axis=axis)
    return images


def crop(images: tf.Tensor, shape: tf.Tensor, level: int = 0) -> tf.Tensor:
    """The inverse of `pad_to`.

    Args:
        images: `[B, H', W', C]`.
        shape: `[B, H, W, C]` of a full-size picture before padding.
        level: of the pyramid that `images` belong to.

    Returns:
        `[B, ceil(H / 2**level), ceil(W / 2**level), C]`.
    """
    step = 2**level
    height = (shape[1] + step - 1) // step
    width = (shape[2] + step - 1) // step
    return images[:, :height, :width]
