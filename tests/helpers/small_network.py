"""A network with CrossNet's inputs and outputs that is built in no time.

For tests of what surrounds the network: loops, checkpoints, tiles, commands.
The real one takes a minute of graph building for each of them.
"""

import keras
import tensorflow as tf

from crossnet_tf.config import ModelConfig
from crossnet_tf.model.base import System
from crossnet_tf.ops.warp import backward_warp

STRIDE = 16


class SmallNetwork(System):
    """Upscales LR to its nearest pixels and adds a share of warped REF."""

    def __init__(self, config: ModelConfig):
        super().__init__(config, name="small", dtype="float32")
        self.stride = STRIDE
        self.flow_head = keras.layers.Conv2D(
            2, 3, padding="same", name="flow_head", dtype="float32"
        )
        self.fuse = [
            keras.layers.Conv2D(
                3, 3, padding="same", name=f"fuse{i}", dtype="float32"
            )
            for i in range(2)
        ]

    def super_resolve(self, lr, ref):
        scale = self.config.scale
        lr_up = tf.repeat(tf.repeat(lr, scale, axis=1), scale, axis=2)
        flow = self.flow_head(tf.concat([lr_up, ref], axis=-1))
        sr = tf.concat([lr_up, backward_warp(ref, flow)], axis=-1)
        for layer in self.fuse:
            sr = layer(sr)
        return {"sr": lr_up + sr, "lr_up": lr_up, "flows": [flow]}


def build_small_model(config: ModelConfig) -> SmallNetwork:
    """Stands in for `registry.build_model`."""
    model = SmallNetwork(config)
    model.build()
    return model
