"""Weights from which CrossNet learns to align within hours.

Glorot's weights make FlowNetS+ spend its first ten thousand steps on finding
out that the two pictures are to be compared, and the decoder as many on
copying LR. `matching` begins after that. The network stays the paper's; only
the numbers that training begins with differ:

*   The first convolution has band-pass filters without a mean (brightness
    says nothing about position): a quarter compares LR with REF where it is,
    a quarter with REF moved by up to 2.5 pixels (of which LeakyReLU makes
    the energy of the difference, as in models of binocular vision: Ohzawa et
    al., Science 249, 1990), and a quarter each sees LR or REF alone.
*   Flow goes from level to level: its upsampling is bilinear, and each flow
    layer adds what its other features say, which is little at first.
*   All else in FlowNetS+ keeps the power of LeakyReLU features (He et al.,
    ICCV 2015).
*   Encoders and post-fusion hand pictures through: the first result is the
    enlarged LR plus what the warped REF has beyond its own blur.
"""

import keras
import numpy as np

from crossnet_tf.config import Config
from crossnet_tf.model.flownet import FlowNetS

_SLOPE = 0.1
_GAIN = 12.0
_SELU_SLOPE = 1.0507
# Steepness of the pairs that carry flow of both signs through SELU.
_PAIR_GAIN = 8.0
_SMALL = 0.03
# LR, warped REF and its blur take nine channels of the post-fusion, flow of
# both signs four of the last convolutions of FlowNetS+.
_LEAST = {"width": 12, "flow_width": 16}


def check(config: Config) -> None:
    """Refuses `start=matching` for networks that it is not made for.

    Raises:
        ValueError: another system, estimator, activation or residual.
    """
    model, received = config.model, {}
    wanted = {
        "system": ("crossnet", "flownet_s"),
        "flow_estimator": ("flownet_s", "flownet_s_plus"),
        "activation": ("relu", "leaky_relu"),
        "global_residual": (False,),
        "detail_gate": (False,),
    }
    for name, values in wanted.items():
        if getattr(model, name) not in values:
            received[name] = getattr(model, name)
    for name, least in _LEAST.items():
        if getattr(model, name) < least:
            received[name] = getattr(model, name)
    if config.train.start == "matching" and received:
        raise ValueError(
            "`start=matching` needs a network like that of preset "
            f"`crossnet`, with at least {_LEAST}. Received: {received}."
        )


def matching(model: keras.Model, seed: int) -> None:
    """Gives a `CrossNet` the weights that the module describes.

    Args:
        model: built, of settings that `check` lets pass.
        seed: of what is random.
    """
    random = np.random.default_rng(seed)
    _start_flow(model.flow_estimator, random)
    encoders = [model.ref_encoder]
    if model.lr_encoder is not model.ref_encoder:
        encoders.append(model.lr_encoder)
    for encoder in encoders:
        for convolution in (encoder.stem, encoder.levels[0]):
            if convolution is not None:
                _hand_through(convolution, 0)
    _start_fusion(model, random)


def _hand_through(convolution: keras.layers.Conv2D, offset: int) -> None:
    """Lets three channels pass as they are: `offset` on to 0 on."""
    kernel = convolution.kernel.numpy()
    kernel[..., :3] = 0.0
    _set_centre(kernel, range(offset, offset + 3), range(3), 1.0)
    convolution.kernel.assign(kernel)


def _start_fusion(model: keras.Model, random) -> None:
    """Three channels each for LR, warped REF and, more and more, its blur.

    The decoder's output at level 0 is decoded, LR and warped REF features.
    """
    fusion, width, count = model.post_fusion, model.config.width, 3
    total = model.config.scale / 2  # Deviation of a blur like that of LR.
    blur = _gaussian(total / np.sqrt(len(fusion.hidden) + 1))
    lr, ref, blurred = width, 2 * width, 2 * width
    for convolution in fusion.hidden:
        kernel = convolution.kernel.numpy()
        kernel[..., : 3 * count] = 0.0
        for i in range(count):
            kernel[2, 2, lr + i, i] = 1.0
            kernel[2, 2, ref + i, count + i] = 1.0
            kernel[:, :, blurred + i, 2 * count + i] = blur
        convolution.kernel.assign(kernel)
        lr, ref, blurred = 0, count, 2 * count
    kernel = random.normal(0.0, 1e-3, fusion.last.kernel.shape)
    kernel[:, :, : 3 * count] = 0.0
    for i in range(count):
        kernel[2, 2, i, i] = kernel[2, 2, count + i, i] = 1.0
        kernel[:, :, 2 * count + i, i] = -blur
    fusion.last.kernel.assign(kernel)


def _gaussian(deviation: float) -> np.ndarray:
    """5x5 taps that sum to 1."""
    taps = np.exp(-(np.arange(-2.0, 3.0) ** 2) / (2 * deviation**2))
    return np.outer(taps, taps) / taps.sum() ** 2


def _set_centre(kernel, inputs, outputs, value: float) -> None:
    """`value` at the central tap from each of `inputs` to its output."""
    row, column = kernel.shape[0] // 2, kernel.shape[1] // 2
    for i, o in zip(inputs, outputs, strict=True):
        kernel[row, column, :, o] = 0.0
        kernel[row, column, i, o] = value


def _start_flow(flownet: FlowNetS, random: np.random.Generator) -> None:
    for level in flownet.contracting:
        for convolution in level:
            _keep_power(convolution, random)
    first = flownet.contracting[0][0].kernel
    first.assign(_matching_filters(first.shape, random))
    for number, step in enumerate(flownet.expanding):
        _keep_power(step.deconvolution, random, taps=4)
        step.flow_up.kernel.assign(_bilinear())
        _add_to_coarser(step.head, random, has_coarser=number > 0)
    if flownet.last_level == 0:
        _start_full_size(flownet, random)
    else:
        _add_to_coarser(flownet.finest_head, random)


def _keep_power(layer: keras.layers.Layer, random, taps: int = 0) -> None:
    """Normal weights of variance 2 / ((1 + slope^2) * inputs)."""
    shape = layer.kernel.shape
    inputs = taps * shape[3] if taps else np.prod(shape[:3])
    deviation = np.sqrt(2.0 / ((1.0 + _SLOPE**2) * inputs))
    layer.kernel.assign(random.normal(0.0, deviation, shape))


def _matching_filters(shape: tuple, random) -> np.ndarray:
    """`[7, 7, 6, filters]`: band-pass on LR and REF, see the module."""
    kernel = np.zeros(shape)
    for i in range(shape[3]):
        draw = _random_filter(shape[0], random)
        moved = draw(random.uniform(-2.5, 2.5, 2))
        here, nothing = draw((0.0, 0.0)), np.zeros(shape[:2])
        on_lr, on_ref = [
            (here, -here),
            (here, -moved),
            (here, nothing),
            (nothing, here),
        ][i % 4]
        color = np.full(3, 1 / 3)
        if i % 3 == 0:
            color = color + random.normal(0.0, 0.25, 3)
        kernel[:, :, :3, i] = _GAIN * on_lr[..., None] * color
        kernel[:, :, 3:, i] = _GAIN * on_ref[..., None] * color
    return kernel


def _random_filter(size: int, random):
    """A function from a shift (dx, dy) to a Gabor filter without a mean."""
    y, x = np.mgrid[:size, :size] - size // 2
    angle, phase = random.uniform(0.0, 2 * np.pi, 2)
    frequency = random.uniform(0.06, 0.22)
    deviation = random.uniform(1.3, 2.4)

    def draw(shift):
        u, v = x - shift[0], y - shift[1]
        along = u * np.cos(angle) + v * np.sin(angle)
        window = np.exp(-(u**2 + v**2) / (2 * deviation**2))
        wave = window * np.cos(2 * np.pi * frequency * along + phase)
        wave = wave - window * wave.sum() / window.sum()
        return wave / (np.abs(wave).sum() + 1e-9)

    return draw


def _bilinear() -> np.ndarray:
    """4x4 transposed convolution that doubles a flow's size and values."""
    taps = np.array([0.25, 0.75, 0.75, 0.25])
    return np.einsum("i,j,cd->ijcd", 2.0 * taps, taps, np.eye(2))


def _add_to_coarser(head, random, has_coarser: bool = True) -> None:
    """The last two inputs, the coarser flow, go through; the rest is small."""
    shape = head.kernel.shape
    kernel = random.normal(0.0, _SMALL / np.sqrt(9 * shape[2]), shape)
    if has_coarser:
        kernel[:, :, -2:] = 0.0
        _set_flow(kernel, shape[2])
    head.kernel.assign(kernel)


def _set_flow(kernel: np.ndarray, inputs: int) -> None:
    for i in range(2):
        kernel[1, 1, inputs - 2 + i, i] = 1.0


def _start_full_size(flownet: FlowNetS, random) -> None:
    """Full size: flow passes both SELUs as pairs of opposite sign.

    selu(k * x) - selu(-k * x) is nearly 1.05 * k * x for |k * x| > 1.
    """
    first, second = flownet.refinement
    for convolution in (first, second):
        shape = convolution.kernel.shape
        deviation = 1.0 / np.sqrt(np.prod(shape[:3]))
        kernel = random.normal(0.0, deviation, shape)
        kernel[..., :4] = 0.0
        if convolution is first:
            kernel[:, :, :3] -= kernel[:, :, :3].mean((0, 1), keepdims=True)
            for i in range(4):
                sign = _PAIR_GAIN if i % 2 == 0 else -_PAIR_GAIN
                kernel[3, 3, shape[2] - 2 + i // 2, i] = sign
        else:
            for i in range(4):
                kernel[3, 3, i, i] = 1.0
        convolution.kernel.assign(kernel)
    shape = flownet.finest_head.kernel.shape
    kernel = random.normal(0.0, 3e-3, shape)
    kernel[:, :, :4] = 0.0
    share = 1.0 / (_SELU_SLOPE**2 * _PAIR_GAIN)
    for i in range(2):
        kernel[1, 1, 2 * i, i], kernel[1, 1, 2 * i + 1, i] = share, -share
    flownet.finest_head.kernel.assign(kernel)
