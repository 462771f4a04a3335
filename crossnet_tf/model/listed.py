"""What a layer reads: one tensor, or several that count as put together.

Tensors that a layer reads along the channels need not be put together before:
that would be one more copy of each, 126 MB at the post-fusion of a 320x512
picture. A layer takes them as a list, and makes of it what its form of
computing wants.
"""

from collections.abc import Sequence
from typing import TypeAlias

import tensorflow as tf

Inputs: TypeAlias = tf.Tensor | Sequence[tf.Tensor]
"""`[B, H, W, C]`, or several of one `[B, H, W]`, put together along C."""


def listed(inputs: Inputs) -> list[tf.Tensor]:
    """One or several, as a list."""
    return list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]


def channels(inputs: Inputs) -> list[int]:
    """How many each has; they must be known."""
    return [part.shape[-1] for part in listed(inputs)]


def together(inputs: Inputs) -> tf.Tensor:
    """All as one tensor; a single one is not copied."""
    parts = listed(inputs)
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis=-1)


def apart(whole: tf.Tensor, inputs: Inputs) -> list[tf.Tensor]:
    """The inverse of `together`, of something with as many channels.

    Args:
        whole: `[B, H, W, C]`.
        inputs: what it is divided like.
    """
    counts = channels(inputs)
    return [whole] if len(counts) == 1 else tf.split(whole, counts, axis=-1)


def shape_together(shapes: Sequence) -> Sequence:
    """The shape of `together`, of one shape or a list of several."""
    if not isinstance(shapes[0], (list, tuple)):
        return shapes
    return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))
