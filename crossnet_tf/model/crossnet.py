"""CrossNet: the whole network.

`CrossNet.call` reads as the paper's figure: upsample LR, estimate the flow
to REF at four scales, encode both, warp the features of REF, decode, fuse.
Any height and width from 16 on work: both pictures are padded at the right
and lower edge to the stride of the flow estimator, and cropped back.

Reference: Zheng et al., "CrossNet: An End-to-end Reference-based Super
Resolution Network using Cross-scale Warping", ECCV 2018.
"""

from collections.abc import Mapping

import keras
import tensorflow as tf

from crossnet_tf.config import ModelConfig, section_from_dict
from crossnet_tf.model import flownet, pyramid_flow
from crossnet_tf.model.convolution import ACTIVATIONS
from crossnet_tf.model.decoder import (
    Decoder,
    PostFusion,
    ReferenceDetail,
    gated,
)
from crossnet_tf.model.encoder import Encoder
from crossnet_tf.model.upsampler import CubicUpsampler, make_upsampler
from crossnet_tf.ops.levels import level_of
from crossnet_tf.ops.warp import backward_warp

MIN_SIZE = 16


@keras.saving.register_keras_serializable("crossnet_tf")
class CrossNet(keras.Model):
    """Reference-based super-resolution of one picture by another.

    Args:
        config: the network's settings; `PRESETS` of `config.py` has the
            paper's, the released code's and a small one.
    """

    def __init__(self, config: ModelConfig, **kwargs):
        # Pictures stay float32 under mixed precision; layers cast features.
        kwargs.pop("autocast", None)
        super().__init__(autocast=False, **kwargs)
        self.config = config
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

    def build(self, input_shape: object = None) -> None:
        """Creates all weights; their shapes depend on the config only."""
        if not self.built:
            self.built = True
            size = self.stride
            small = size // self.config.scale
            self.call(
                {
                    "lr": tf.zeros([1, small, small, 3]),
                    "ref": tf.zeros([1, size, size, 3]),
                }
            )

    def call(
        self, inputs: Mapping[str, tf.Tensor], training: bool = False
    ) -> dict[str, tf.Tensor]:
        """Super-resolves `lr` with the help of `ref`.

        Args:
            inputs: `lr` `[B, h, w, 3]` and `ref` `[B, s*h, s*w, 3]`, float
                in [0, 1], s the config's `scale`, h and w at least 16 / s.
            training: whether to return also the flows that led to the
                result, to learn from.

        Returns:
            `sr` and `lr_up` `[B, s*h, s*w, 3]` float32, not clipped, and
            `flow_0` to `flow_3` `[B, ceil(s*h / 2**i), ceil(s*w / 2**i), 2]`
            float32. In training of preset `lite`, `flow_LEVEL_NUMBER`, too:
            flows that the estimator made on the way, of the same shapes.

        Raises:
            ValueError: an input is missing, has not three channels, or the
                sizes, where known, do not fit each other.
        """
        lr, ref = checked_inputs(inputs, self.config.scale)
        shape = tf.shape(ref)
        lr = pad_to(lr, self.stride // self.config.scale)
        ref = pad_to(ref, self.stride)

        lr_up = self.upsampler(lr)
        flow_lr = self.flow_upsampler(lr) if self.flow_upsampler else lr_up
        flows, earlier = self.flow_estimator(flow_lr, ref)
        ref_features = self.ref_encoder(ref)
        lr_features = self.lr_encoder(lr_up)
        warped = [
            backward_warp(features, flow)
            for features, flow in zip(ref_features, flows)
        ]
        fused = self.decoder(lr_features, warped)
        if self.config.detail_gate:
            with_ref, mismatch, trust = self.detail(lr, ref, flows[0])
            matches = tf.concat([with_ref - lr_up, 10.0 * mismatch], axis=-1)
            matches = tf.cast(matches, fused.dtype)
            fused = tf.concat([fused, matches], axis=-1)
        sr = tf.cast(self.post_fusion(fused), tf.float32)
        if self.config.detail_gate:
            sr = gated(sr, lr_up, with_ref, trust)
        elif self.config.global_residual:
            sr += lr_up

        outputs = {"sr": sr, "lr_up": lr_up}
        outputs |= {f"flow_{level}": flow for level, flow in enumerate(flows)}
        if training:
            levels = pyramid_flow.EARLIER_LEVELS
            for number, flow in enumerate(earlier):
                outputs[f"flow_{levels[number]}_{number}"] = flow
        return cropped(outputs, shape)

    def get_config(self) -> dict:
        fields = {
            name: getattr(self.config, name)
            for name in self.config.__dataclass_fields__
        }
        return {**super().get_config(), "config": fields}

    @classmethod
    def from_config(cls, config: dict) -> "CrossNet":
        fields = section_from_dict(ModelConfig, config.pop("config"))
        return cls(fields, **config)


def build_model(config: ModelConfig) -> CrossNet:
    """A `CrossNet` whose weights exist.

    Args:
        config: the network's settings.
    """
    model = CrossNet(config, name="crossnet")
    model.build()
    return model


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


def cropped(
    outputs: dict[str, tf.Tensor], shape: tf.Tensor
) -> dict[str, tf.Tensor]:
    """The inverse of the padding, for full-size pictures and each flow."""
    cropped = {}
    for name, value in outputs.items():
        step = 2 ** (level_of(name) or 0)
        height = (shape[1] + step - 1) // step
        width = (shape[2] + step - 1) // step
        cropped[name] = value[:, :height, :width]
    return cropped


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
    layer = kinds[config.flow_estimator](config.flow_width, name=name)
    return layer, flownet.STRIDE


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
