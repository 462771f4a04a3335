"""A network as graphs for pictures of all sizes, with and without its hold.

Preset `quick` holds its result to the LR that it gets (`model/holding.py`). An
LR that was sharpened is a bad one to hold to: its rounding was sharpened, too.
Then the same weights are taken without that step, and the result is held to LR
as it was given (`alignment/consistency.py`).
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from crossnet_tf.model.base import System, named
from crossnet_tf.storage import fitting, runs

Network = Callable[[np.ndarray, np.ndarray], Mapping[str, tf.Tensor]]
"""`[1, h, w, 3]` and `[1, s*h, s*w, 3]` float32 -> outputs by name."""


def compiled(model: System) -> Network:
    """The model as one graph for all sizes; its outputs by name."""
    image = tf.TensorSpec([1, None, None, 3], tf.float32)

    @tf.function(input_signature=[image, image], autograph=False)
    def network(lr: tf.Tensor, ref: tf.Tensor) -> dict[str, tf.Tensor]:
        return named(model({"lr": lr, "ref": ref}, training=False))

    return network


def without_hold(model: System) -> System:
    """The network without its step of back-projection, the same weights."""
    if not model.config.back_projection:
        return model
    config = dataclasses.replace(model.config, back_projection=False)
    free = runs.build(config, model.dtype_policy.name)
    fitting.copy_fitting(model, free)
    return free
