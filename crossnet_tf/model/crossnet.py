"""CrossNet: the whole network.

`CrossNet.super_resolve` reads as the paper's figure: upsample LR, estimate
the flow to REF at four scales, encode both, warp the features of REF, decode,
fuse. Any height and width from 16 on work: `base.System` pads both pictures at
the right and lower edge to the stride of the flow estimator, and crops back.

Reference: Zheng et al., "CrossNet: An End-to-end Reference-based Super
Resolution Network using Cross-scale Warping", ECCV 2018.
"""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from crossnet_tf.config import ModelConfig, model_config
from crossnet_tf.model import flownet, pyramid_flow
from crossnet_tf.model.base import Outputs, System
from crossnet_tf.model.convolution import ACTIVATIONS
from crossnet_tf.model.decoder import Decoder, PostFusion
from crossnet_tf.model.detail import ReferenceDetail, doubted, gated
from crossnet_tf.model.encoder import Encoder
from crossnet_tf.model.inputs import checked_inputs, crop, pad_to
from crossnet_tf.model.upsampler import CubicUpsampler, make_upsampler
from crossnet_tf.ops.recomputation import part
from crossnet_tf.ops.warp import backward_warp


@keras.saving.register_keras_serializable("crossnet_tf")
class CrossNet(System):
    """Reference-based super-resolution of one picture by another.

    Args:
        config: the network's settings; `PRESETS` of `config.py` has the
            paper's, the released code's and a small one.
    """

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(config, **kwargs)
        activation = ACTIVATIONS[config.activation]
        encoder = (config.width, activation, config.encoder_stem)
        self.upsampler = make_upsampler(config)
        self.flow_upsampler = (
            CubicUpsampler(config.scale, name="flow_upsampler")
            if config.flow_upsampler == "bicubic"
            else None
        )
        self.flow_estimator, self.stride = make_flow_estimator(config)
        self.ref_encoder = Encoder(*encoder, name="ref_encoder")
        self.lr_encoder = (
            self.ref_encoder
            if config.shared_encoder
            else Encoder(*encoder, name="lr_encoder")
        )
        self.decoder = Decoder(config.width, activation, name="decoder")
        self.post_fusion = PostFusion(
            config.width,
            4 if config.detail_gate else 3,
            config.post_fusion_convs,
            activation,
            small_start=config.global_residual,
            name="post_fusion",
        )
        self.detail = ReferenceDetail(config.scale, name="detail")

    def super_resolve(self, lr: tf.Tensor, ref: tf.Tensor) -> Outputs:
        """The figure: upsample, estimate flow, encode, warp, decode, fuse."""
        lr_up = part(self.upsampler, lr)
        flow_lr = self.flow_upsampler(lr) if self.flow_upsampler else lr_up
        flows, earlier = part(self.flow_estimator, flow_lr, ref)
        ref_features = part(self.ref_encoder, ref)
        lr_features = part(self.lr_encoder, lr_up)
        fused = part(self._fuse, lr_features, ref_features, flows)
        if self.config.detail_gate:
            with_ref, mismatch, trust = self.detail(lr, ref, flows[0])
            matches = tf.concat([with_ref - lr_up, 10.0 * mismatch], axis=-1)
            fused = [*fused, tf.cast(matches, fused[0].dtype)]
        sr = tf.cast(self.post_fusion(fused), tf.float32)
        if self.config.detail_gate:
            sr = gated(sr, lr_up, with_ref, trust)
        elif self.config.global_residual:
            sr += lr_up
        return {"sr": sr, "lr_up": lr_up, "flows": flows, "earlier": earlier}

    def judged(
        self, outputs: Outputs, lr: tf.Tensor, ref: tf.Tensor
    ) -> Outputs:
        """With `ref_trust`, upsampled LR where REF does not explain LR.

        Training goes without: as long as the flow is wrong, the network must
        learn from what it makes of REF.
        """
        if not self.config.ref_trust or self.config.detail_gate:
            return outputs
        sr, lr_up = outputs["sr"], outputs["lr_up"]
        trust = self.detail(lr, ref, outputs["flows"][0])[2]
        return {**outputs, "sr": doubted(sr, lr_up, trust)}

    def _fuse(
        self,
        lr_features: list[tf.Tensor],
        ref_features: list[tf.Tensor],
        flows: list[tf.Tensor],
    ) -> list[tf.Tensor]:
        """Warps the features of REF and decodes both."""
        warped = [
            backward_warp(features, flow)
            for features, flow in zip(ref_features, flows)
        ]
        return self.decoder(lr_features, warped)

    @classmethod
    def from_preset(cls, preset: str, **changes: Any) -> "CrossNet":
        """A network with new weights, by the name of its settings.

        Args:
            preset: a name of `config.PRESETS`, such as "paper".
            **changes: fields of `ModelConfig` to set otherwise.

        Raises:
            ValueError: unknown preset, or a value outside its limits.
            TypeError: an unknown field.

        Example:
            >>> import crossnet_tf
            >>> model = crossnet_tf.CrossNet.from_preset("lite", scale=4)
            >>> model.count_params() > 100_000
            True
        """
        model = cls(model_config(preset, **changes), name="crossnet")
        model.build()
        return model

    def estimate_flows(
        self, inputs: Mapping[str, tf.Tensor], finest: int = 0
    ) -> list[tuple[int, tf.Tensor]]:
        """Only the flow, at every level where it is estimated.

        Encoders, decoder and the flow's layers beyond `finest` do not run.

        Args:
            inputs: as `call`.
            finest: the finest level of FlowNetS+ that is wanted; preset
                `lite` gives all its flows.

        Returns:
            Levels, coarsest first, once for each of `flow_passes`, and
            their flows
            `[B, ceil(s*h / 2**level), ceil(s*w / 2**level), 2]` float32.

        Raises:
            ValueError: as `call`.
        """
        lr, ref = checked_inputs(inputs, self.config.scale)
        shape = tf.shape(ref)
        lr = pad_to(lr, self.stride // self.config.scale)
        ref = pad_to(ref, self.stride)
        lr_up = (self.flow_upsampler or self.upsampler)(lr)
        if self.config.flow_estimator == "pyramid":
            final, flows = self.flow_estimator(lr_up, ref)
            flows = flows + list(enumerate(final))[::-1]
        else:
            passes = self.flow_estimator.all_passes(lr_up, ref, finest)
            flows = [flow for found in passes for flow in found.items()]
        return [(level, crop(flow, shape, level)) for level, flow in flows]


def make_flow_estimator(
    config: ModelConfig, name: str = "flow_estimator"
) -> tuple[keras.layers.Layer, int]:
    """The flow estimator that `config` names, and its stride."""
    if config.flow_estimator == "pyramid":
        layer = pyramid_flow.PyramidFlow(
            config.scale, config.flow_width, name=name
        )
        return layer, pyramid_flow.STRIDE
    kinds = {
        "flownet_s": flownet.FlowNetS,
        "flownet_s_plus": flownet.FlowNetSPlus,
    }
    layer = kinds[config.flow_estimator](
        config.flow_width, passes=config.flow_passes, name=name
    )
    return layer, flownet.STRIDE
