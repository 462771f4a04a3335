"""A network with CrossNet's inputs and outputs that is built in no time.

For tests of what surrounds the network: loops, checkpoints, tiles, commands.
The real one takes a minute of graph building for each of them.
"""

import keras
import tensorflow as tf

from crossnet_tf.config import ModelConfig
from crossnet_tf.ops.warp import backward_warp

STRIDE = 16


class SmallNetwork(keras.Model):
    """Upscales LR to its nearest pixels and adds a share of warped REF."""

    def __init__(self, config: ModelConfig):
        super().__init__(name="small", dtype="float32")
        self.config = config
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

    def call(self, inputs):
        scale = self.config.scale
        lr, ref = inputs["lr"], inputs["ref"]
        lr_up = tf.repeat(tf.repeat(lr, scale, axis=1), scale, axis=2)
        flow = self.flow_head(tf.concat([lr_up, ref], axis=-1))
        sr = tf.concat([lr_up, backward_warp(ref, flow)], axis=-1)
        for layer in self.fuse:
            sr = layer(sr)
        outputs = {"sr": lr_up + sr, "lr_up": lr_up, "flow_0": flow}
        for level in range(1, 4):
            flow = tf.nn.avg_pool2d(flow, 2, 2, "SAME") / 2.0
            outputs[f"flow_{level}"] = flow
        return outputs


def build_small_model(config: ModelConfig) -> SmallNetwork:
    """Stands in for `crossnet.build_model`."""
    model = SmallNetwork(config)
    size = STRIDE // config.scale
    model(
        {
            "lr": tf.zeros([1, size, size, 3]),
            "ref": tf.zeros([1, STRIDE, STRIDE, 3]),
        }
    )
    return model
