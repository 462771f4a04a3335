"""Pyramids: pictures and flows at full size, 1/2, 1/4, ..., finest first.

A flow is in pixels of its own level, so that its values change with its size.
"""

import tensorflow as tf


def pyramid(images: tf.Tensor, coarsest: int) -> list[tf.Tensor]:
    """`images` halved again and again: `coarsest` + 1 levels, finest first."""
    levels = [images]
    for _ in range(coarsest):
        levels.append(tf.nn.avg_pool2d(levels[-1], 2, 2, "SAME"))
    return levels


def halve_flow(flow: tf.Tensor) -> tf.Tensor:
    """The flow of the next coarser level.

    Args:
        flow: `[B, H, W, 2]` float32.

    Returns:
        `[B, ceil(H / 2), ceil(W / 2), 2]` float32.
    """
    return 0.5 * tf.nn.avg_pool2d(flow, 2, 2, "SAME")


def halved_flows(flows: list[tf.Tensor], coarsest: int) -> list[tf.Tensor]:
    """Flows, finest first, and halved ones down to level `coarsest`."""
    flows = list(flows)
    while len(flows) <= coarsest:
        flows.append(halve_flow(flows[-1]))
    return flows


def double_flow(flow: tf.Tensor) -> tf.Tensor:
    """The flow of the next finer level, bilinear.

    Args:
        flow: `[B, h, w, 2]` float32.

    Returns:
        `[B, 2h, 2w, 2]` float32.
    """
    shape = tf.shape(flow)
    size = [2 * shape[1], 2 * shape[2]]
    return 2.0 * tf.image.resize(flow, size, method="bilinear")
