"""The released network in PyTorch, written from its layer table.

Module names are those of the released checkpoints, so that `state_dict` has
their keys. The bicubic LR comes in at full size; the second post-fusion
convolution is there and unused, as released.
"""

import torch
from torch import nn
from torch.nn import functional


def _conv(inputs, outputs, size, stride=1, activation=None):
    layer = nn.Conv2d(inputs, outputs, size, stride, size // 2)
    return nn.Sequential(*filter(None, [layer, activation]))


def _leaky():
    return nn.LeakyReLU(0.1)


def _double(inputs, outputs):
    return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1)


class FlowNet(nn.Module):
    """FlowNetS+; `width` is 64 as published."""

    plan = (
        ("1", 0, 1, 7), ("2", 1, 2, 5), ("3", 2, 4, 5), ("3_1", 4, 4, 3),
        ("4", 4, 8, 3), ("4_1", 8, 8, 3), ("5", 8, 8, 3), ("5_1", 8, 8, 3),
        ("6", 8, 16, 3), ("6_1", 16, 16, 3),
    )  # fmt: skip

    def __init__(self, width=64):
        super().__init__()
        for name, inputs, outputs, size in self.plan:
            inputs = 6 if name == "1" else width * inputs
            stride = 1 if "_" in name else 2
            layer = _conv(inputs, width * outputs, size, stride, _leaky())
            setattr(self, f"conv{name}", layer)
        inputs, skips = 16 * width, [3, width, 2 * width, 4 * width]
        skips += [8 * width, 8 * width]
        for level, filters in zip(range(5, -1, -1), [4, 4, 2, 1, 1, 1]):
            setattr(self, f"flow{level + 1}", _conv(inputs, 2, 3))
            setattr(self, f"flow{level + 1}_up", _double(2, 2))
            up = nn.Sequential(_double(inputs, filters * width), _leaky())
            setattr(self, f"deconv{level}", up)
            inputs = skips[level] + filters * width + 2
        small = width // 4
        self.concat0_conv1 = _conv(inputs, small, 7, 1, nn.SELU())
        self.concat0_conv2 = _conv(small, small, 7, 1, nn.SELU())
        self.flow_12 = _conv(small, 2, 3)

    def forward(self, lr_up, ref):
        """Flows at full size, 1/2, 1/4, 1/8."""
        features, skips = torch.cat([lr_up, ref], 1), [ref]
        for name, *_ in self.plan:
            features = getattr(self, f"conv{name}")(features)
            if "_" in name:
                skips[-1] = features
            else:
                skips.append(features)
        features, flows = skips[6], {}
        for level in range(5, -1, -1):
            flow = flows[level + 1] = getattr(self, f"flow{level + 1}")(
                features
            )
            up = getattr(self, f"deconv{level}")(features)
            flow_up = getattr(self, f"flow{level + 1}_up")(flow)
            features = torch.cat([skips[level], up, flow_up], 1)
        features = self.concat0_conv2(self.concat0_conv1(features))
        return [self.flow_12(features), flows[1], flows[2], flows[3]]


class Encoder(nn.Module):
    """Four levels after a stem."""

    def __init__(self, width=64):
        super().__init__()
        self.layer_f = _conv(3, width, 5, 1, nn.SELU())
        for level in range(4):
            stride = 2 if level else 1
            layer = _conv(width, width, 5, stride, nn.SELU())
            setattr(self, f"conv{level + 1}", layer)

    def forward(self, image):
        """Features, finest first."""
        features, pyramid = self.layer_f(image), []
        for level in range(4):
            features = getattr(self, f"conv{level + 1}")(features)
            pyramid.append(features)
        return pyramid


class Decoder(nn.Module):
    """Three doublings and the post-fusion."""

    def __init__(self, width=64):
        super().__init__()
        for level, inputs in ((4, 2), (3, 3), (2, 3)):
            layer = nn.Sequential(_double(inputs * width, width), nn.SELU())
            setattr(self, f"warp_deconv{level}", layer)
        self.post_fusion1 = _conv(3 * width, width, 5, 1, nn.SELU())
        self.post_fusion2 = _conv(width, width, 5, 1, nn.SELU())
        self.final = _conv(width, 3, 5)

    def forward(self, lr_features, warped):
        """The picture."""
        fused = torch.cat([lr_features[3], warped[3]], 1)
        for level in (3, 2, 1):
            up = getattr(self, f"warp_deconv{level + 1}")(fused)
            parts = [up, lr_features[level - 1], warped[level - 1]]
            fused = torch.cat(parts, 1)
        return self.final(self.post_fusion1(fused))


class CrossNet(nn.Module):
    """All of it: `[B, 3, H, W]` twice, sizes in 64ths."""

    def __init__(self, width=64):
        super().__init__()
        self.FlowNet = FlowNet(width)
        self.Encoder = Encoder(width)
        self.UNet_decoder_2 = Decoder(width)

    def forward(self, lr_up, ref):
        """The picture."""
        flows = self.FlowNet(lr_up, ref)
        ref_features = self.Encoder(ref)
        warped = [warp(f, v) for f, v in zip(ref_features, flows)]
        return self.UNet_decoder_2(self.Encoder(lr_up), warped)


def warp(image, flow):
    """Bilinear, borders clamped; flow is (dx, dy) in pixels."""
    height, width = image.shape[2:]
    y, x = torch.meshgrid(
        torch.arange(height, dtype=flow.dtype),
        torch.arange(width, dtype=flow.dtype),
        indexing="ij",
    )
    x = 2 * (x + flow[:, 0]) / max(width - 1, 1) - 1
    y = 2 * (y + flow[:, 1]) / max(height - 1, 1) - 1
    grid = torch.stack([x, y], -1)
    return functional.grid_sample(
        image, grid, padding_mode="border", align_corners=True
    )
