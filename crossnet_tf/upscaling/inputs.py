"""From two pictures of any kind to what the network takes."""

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from crossnet_tf.baselines import registry
from crossnet_tf.config import ModelConfig
from crossnet_tf.ops.resizing import check_ref_fits
from crossnet_tf.upscaling.options import Options
from crossnet_tf.upscaling.upscaler import Share

if TYPE_CHECKING:
    from crossnet_tf.alignment import Prepared  # OpenCV


class Inputs:
    """A pair for the network.

    Attributes:
        lr: `[h, w, 3]` float32 in [0, 1].
        ref: `[s*h, s*w, 3]` float32 in [0, 1].
        cover: `[s*h, s*w]` bool: where REF shows something; None: everywhere.
        notes: what was done to get here, one line each.
        finished: brings the network's pictures to the files' values.
        result: likewise its `sr`, true to LR; None: as `finished`.
        curve: `[N, 3]`: what REF's tone made of N greys; None: left.
        share: of what REF adds; None: all of it.
        holds: whether the network holds its result to `lr`.
    """

    def __init__(
        self,
        lr: np.ndarray,
        ref: np.ndarray,
        cover: np.ndarray | None = None,
        notes: tuple[str, ...] = (),
        finished: Callable[[np.ndarray], np.ndarray] = lambda sr: sr,
        curve: np.ndarray | None = None,
        result: Callable[[np.ndarray], np.ndarray] | None = None,
        share: Share | None = None,
        holds: bool = True,
    ):
        self.lr, self.ref, self.cover, self.notes = lr, ref, cover, notes
        self.finished, self.curve = finished, curve
        self.result = result or finished
        self.share, self.holds = share, holds


def network_pair(
    lr: np.ndarray,
    ref: np.ndarray,
    network: ModelConfig,
    options: Options,
) -> Inputs:
    """Aligns REF and matches the cameras, as far as `options` ask for it.

    Args:
        lr: `[h, w, 3]` float32 in [0, 1].
        ref: `[H, W, 3]` float32 in [0, 1].
        network: whose pair it is to be.
        options: `align` and `match`.

    Raises:
        ValueError: REF is of no use, or OpenCV is missing.
    """
    scale = network.scale
    if options.align == "none":
        check_ref_fits(lr.shape, ref.shape, scale)
    if options.align == options.match == "none":
        return Inputs(lr, ref)
    _check_opencv(options)
    from crossnet_tf import alignment  # OpenCV

    wanted = _wanted(network, options)
    held = network.back_projection
    found = alignment.prepare(lr, ref, scale, *wanted, held)
    aligns = registry.REGISTRY[network.system].aligns
    return _inputs(found, found.believed if aligns else None)


def network_frames(
    ref: np.ndarray, network: ModelConfig, options: Options
) -> Callable[[np.ndarray], Inputs]:
    """As `network_pair`, for the frames of a video that have one REF.

    What is found for one frame is kept for the next (`alignment.steady`).
    """
    if options.align == options.match == "none":
        return lambda lr: network_pair(lr, ref, network, options)
    _check_opencv(options)
    from crossnet_tf import alignment  # OpenCV

    scale = network.scale
    steady = alignment.SteadyRef(ref, scale, *_wanted(network, options))

    def pair(lr: np.ndarray) -> Inputs:
        if options.align == "none":
            check_ref_fits(lr.shape, ref.shape, scale)
        return _inputs(steady(lr), None)

    return pair


def _wanted(network: ModelConfig, options: Options) -> tuple[str, str, bool]:
    """Alignment, matching, and whether the network follows tone itself."""
    follows_tone = registry.REGISTRY[network.system].follows_tone
    return options.align, options.match, follows_tone


def _inputs(found: "Prepared", share: Share | None) -> Inputs:
    pair = found.lr, found.ref, found.cover
    values = found.finished, found.curve, found.result
    return Inputs(*pair, found.notes, *values, share, found.softness == 0.0)


def _check_opencv(options: Options) -> None:
    if importlib.util.find_spec("cv2") is None:
        raise ValueError(
            "Aligning and matching need OpenCV: `pip install "
            "'crossnet_tf[opencv]'`, or give --align=none --match=none. "
            f"Received: align={options.align}, match={options.match}."
        )
