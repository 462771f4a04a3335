"""The released layers in PyTorch, to compare speeds with.

Weights are a dict with the names of the released checkpoints, and the network
is a function of them, so that PyTorch is needed only when it runs. Presets
`official` and `paper` differ in activation, encoders and post-fusion; LR
comes in at full size.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

from crossnet_tf.config import ModelConfig

_CONTRACTING = (
    ("1", 0, 1, 7), ("2", 1, 2, 5), ("3", 2, 4, 5), ("3_1", 4, 4, 3),
    ("4", 4, 8, 3), ("4_1", 8, 8, 3), ("5", 8, 8, 3), ("5_1", 8, 8, 3),
    ("6", 8, 16, 3), ("6_1", 16, 16, 3),
)  # fmt: skip
_STRIDE = 64
_EXPANDING = ((5, 4), (4, 4), (3, 2), (2, 1), (1, 1), (0, 1))


def shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Shape of each kernel; biases have its outputs.

    Args:
        config: of preset `official` or `paper`.
    """
    flow = config.flow_width
    found: dict[str, tuple[int, ...]] = {}
    for name, inputs, outputs, size in _CONTRACTING:
        inputs = 6 if name == "1" else flow * inputs
        found[f"FlowNet.conv{name}.0"] = (flow * outputs, inputs, size, size)
    inputs, skips = 16 * flow, [3, *(flow * n for n in (1, 2, 4, 8, 8))]
    for level, filters in _EXPANDING:
        up = f"FlowNet.deconv{level}.0"
        found[f"FlowNet.flow{level + 1}.0"] = (2, inputs, 3, 3)
        found[f"FlowNet.flow{level + 1}_up"] = (2, 2, 4, 4)
        found[up] = (inputs, filters * flow, 4, 4)
        inputs = skips[level] + filters * flow + 2
    small, width = flow // 4, config.width
    found["FlowNet.concat0_conv1.0"] = (small, inputs, 7, 7)
    found["FlowNet.concat0_conv2.0"] = (small, small, 7, 7)
    found["FlowNet.flow_12.0"] = (2, small, 3, 3)
    for encoder in _encoders(config):
        found[f"{encoder}.layer_f.0"] = (width, 3, 5, 5)
        for level in range(1, 5):
            found[f"{encoder}.conv{level}.0"] = (width, width, 5, 5)
    decoder = "UNet_decoder_2"
    for level, count in ((4, 2), (3, 3), (2, 3)):
        name = f"{decoder}.warp_deconv{level}.0"
        found[name] = (count * width, width, 4, 4)
    for i in range(1, config.post_fusion_convs):
        channels = 3 * width if i == 1 else width
        found[f"{decoder}.post_fusion{i}.0"] = (width, channels, 5, 5)
    found[f"{decoder}.final.0"] = (3, width, 5, 5)
    return found


def random_weights(config: ModelConfig) -> dict[str, Any]:
    """Tensors that want gradients, of the size that keeps features' power."""
    import torch

    weights = {}
    for name, shape in shapes(config).items():
        doubling = shape[2] == 4
        deviation = (math.prod(shape[1:]) / (4 if doubling else 1)) ** -0.5
        weights[f"{name}.weight"] = deviation * torch.randn(shape)
        weights[f"{name}.bias"] = torch.zeros(shape[1 if doubling else 0])
    return {name: w.requires_grad_() for name, w in weights.items()}


def super_resolve(
    config: ModelConfig, weights: dict[str, Any], lr_up: Any, ref: Any
) -> Any:
    """The network.

    Args:
        config: of preset `official` or `paper`.
        weights: of `shapes`.
        lr_up: `[B, 3, H, W]` float32; padded to multiples of 64, as ours is.
        ref: `[B, 3, H, W]` float32.

    Returns:
        `[B, 3, H, W]`.
    """
    height, width = ref.shape[2:]
    pictures = (_padded(picture) for picture in (lr_up, ref))
    return _whole(config, weights, *pictures)[:, :, :height, :width]


def _padded(picture: Any) -> Any:
    """The last row and column repeated until sizes are multiples of 64."""
    import torch

    down, right = (-size % _STRIDE for size in picture.shape[2:])
    return torch.nn.functional.pad(picture, (0, right, 0, down), "replicate")


def _whole(
    config: ModelConfig, weights: dict[str, Any], lr_up: Any, ref: Any
) -> Any:
    import torch

    layer = functools.partial(_layer, weights)
    activation = getattr(torch.nn.functional, config.activation)
    flows = _flows(layer, lr_up, ref)
    lr_encoder, ref_encoder = _encoders(config)[0], _encoders(config)[-1]
    ref_features = _encode(layer, ref_encoder, activation, ref)
    lr_features = _encode(layer, lr_encoder, activation, lr_up)
    warped = [warp(f, v) for f, v in zip(ref_features, flows, strict=True)]
    fused = torch.cat([lr_features[3], warped[3]], 1)
    for level in (3, 2, 1):
        name = f"UNet_decoder_2.warp_deconv{level + 1}.0"
        up = activation(layer(name, fused, 2))
        fused = torch.cat([up, lr_features[level - 1], warped[level - 1]], 1)
    for i in range(1, config.post_fusion_convs):
        fused = activation(layer(f"UNet_decoder_2.post_fusion{i}.0", fused))
    return layer("UNet_decoder_2.final.0", fused)


def warp(image: Any, flow: Any) -> Any:
    """Bilinear, borders clamped; `flow` is (dx, dy) in pixels."""
    import torch

    height, width = image.shape[2:]
    flow = flow.float()
    x = torch.arange(width, dtype=flow.dtype) + flow[:, 0]
    y = torch.arange(height, dtype=flow.dtype)[:, None] + flow[:, 1]
    grid = torch.stack(
        [2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1], -1
    )
    warped = torch.nn.functional.grid_sample(
        image.float(), grid, padding_mode="border", align_corners=True
    )
    return warped.to(image.dtype)


def _encoders(config: ModelConfig) -> list[str]:
    return ["Encoder"] if config.shared_encoder else ["LREncoder", "Encoder"]


def _layer(
    weights: dict[str, Any], name: str, inputs: Any, stride: int = 1
) -> Any:
    """A convolution, or a doubling one where the kernel has an even size."""
    from torch.nn import functional

    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    if weight.shape[2] == 4:
        return functional.conv_transpose2d(inputs, weight, bias, 2, 1)
    return functional.conv2d(inputs, weight, bias, stride, weight.shape[2] // 2)


def _flows(layer: Callable, lr_up: Any, ref: Any) -> list[Any]:
    """FlowNetS+: flows at full size, 1/2, 1/4 and 1/8."""
    import torch

    leaky = functools.partial(
        torch.nn.functional.leaky_relu, negative_slope=0.1
    )
    features, skips, flows = torch.cat([lr_up, ref], 1), [ref], {}
    for name, *_ in _CONTRACTING:
        stride = 1 if "_" in name else 2
        features = leaky(layer(f"FlowNet.conv{name}.0", features, stride))
        if stride == 1:
            skips[-1] = features
        else:
            skips.append(features)
    for level, _ in _EXPANDING:
        flow = flows[level + 1] = layer(f"FlowNet.flow{level + 1}.0", features)
        up = leaky(layer(f"FlowNet.deconv{level}.0", features))
        flow_up = layer(f"FlowNet.flow{level + 1}_up", flow)
        features = torch.cat([skips[level], up, flow_up], 1)
    selu = torch.nn.functional.selu
    for i in (1, 2):
        features = selu(layer(f"FlowNet.concat0_conv{i}.0", features))
    return [
        layer("FlowNet.flow_12.0", features),
        *(flows[i] for i in (1, 2, 3)),
    ]


def _encode(
    layer: Callable, name: str, activation: Callable, image: Any
) -> list[Any]:
    features, pyramid = activation(layer(f"{name}.layer_f.0", image)), []
    for level in range(1, 5):
        stride = 2 if level > 1 else 1
        features = activation(layer(f"{name}.conv{level}.0", features, stride))
        pyramid.append(features)
    return pyramid
