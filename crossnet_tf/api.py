"""Super-resolution from Python: `load` a network, call it on a pair.

    >>> import crossnet_tf
    >>> up = crossnet_tf.load("crossnet-lite-x4")  # doctest: +SKIP
    >>> sr = up("small.png", "sharp.png")  # doctest: +SKIP
    >>> crossnet_tf.write_image("large.png", sr)  # doctest: +SKIP

Everything here is handed on by `crossnet_tf` itself.
"""

import dataclasses
import os

import numpy as np

from crossnet_tf import arrays, images
from crossnet_tf.baselines import registry
from crossnet_tf.images.picture import Picture
from crossnet_tf.ops import resizing
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.storage import runs
from crossnet_tf.upscaling import blending, colors
from crossnet_tf.upscaling.inputs import Inputs, network_pair
from crossnet_tf.upscaling.options import Options
from crossnet_tf.upscaling.upscaler import Upscaler

Pixels = np.ndarray | str | os.PathLike


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What a network made of a pair, and from what.

    Attributes:
        sr: the result, as calling gives it.
        lr_up: `[H, W, 3]` float32: what the upsampler alone makes of LR.
        flow: `[H, W, 2]` float32, (dx, dy) in HR pixels from LR's view to
            REF: `sr(x, y)` shows what `ref(x + dx, y + dy)` shows.
        warped_ref: `[H, W, 3]` float32: REF moved by `flow`.
        trust: `[H, W]` float32 in (0, 1]: how well warped REF explains LR.
        ref: `[H, W, 3]` float32: REF as the network took it, aligned.
        notes: what was done to REF and LR before, a line each.
    """

    sr: np.ndarray
    lr_up: np.ndarray
    flow: np.ndarray
    warped_ref: np.ndarray
    trust: np.ndarray
    ref: np.ndarray
    notes: tuple[str, ...]


def load(
    weights: str | os.PathLike = "crossnet-lite-x4",
    *,
    precision: str = "float32",
    align: str = "auto",
    match: str = "auto",
    max_side: int | None = Options.max_side,
    margin: int | None = Options.margin,
) -> "SuperResolver":
    """A network that can be called on pairs of pictures.

    Args:
        weights: a name of `list_weights`, a run directory, a folder of
            weights, or SYSTEM-xSCALE for a system without weights.
        precision: Keras policy to compute with.
        align: "auto" lays a REF of any size over LR; "none": it must fit.
        match: "auto" brings REF to LR's camera; "none" leaves it.
        max_side: side in HR pixels above which pictures are done in tiles;
            None: as memory asks for.
        margin: HR pixels that a tile looks beyond its edges; None: measured.

    Raises:
        FileNotFoundError: there is no such network.
        ValueError: it is damaged, or an argument is wrong.

    Example:
        >>> import crossnet_tf, numpy as np
        >>> up = crossnet_tf.load("bicubic-x4")
        >>> up(np.zeros((16, 24, 3), np.uint8)).shape
        (64, 96, 3)
    """
    options = Options(
        precision=precision,
        align=align,
        match=match,
        max_side=max_side,
        margin=margin,
    )
    return SuperResolver(weights, options)


def list_weights() -> list[str]:
    """Names of the weights that come with the package.

    Example:
        >>> import crossnet_tf
        >>> "crossnet-lite-x4" in crossnet_tf.list_weights()
        True
    """
    return runs.shipped()


class SuperResolver:
    """A loaded network; `load` makes it.

    Args:
        weights: as `load`.
        options: how.

    Attributes:
        config: all settings of its run.
        scale: size of the result / size of LR.
        model: the Keras model.
    """

    def __init__(self, weights: str | os.PathLike, options: Options):
        self._options = options
        self.model, self.config = runs.load_model(weights, options.precision)
        self.scale: int = self.config.model.scale
        self._upscaler = Upscaler(self.model, options.max_side, options.margin)

    def __call__(self, lr: Pixels, ref: Pixels | None = None) -> np.ndarray:
        """Super-resolves LR with the help of REF.

        Args:
            lr: a file, or `[h, w]`, `[h, w, 1]` or `[h, w, 3]` of uint8,
                uint16 or float in [0, 1], sRGB.
            ref: likewise, of any size; None: the upsampler alone.

        Returns:
            `scale` times as large, of the kind of `lr` (shape, dtype),
            clipped; for a file uint8 or uint16, whichever it holds.

        Raises:
            ValueError: an array or file cannot be used.
            FileNotFoundError: there is no such file.
        """
        small = _picture("lr", lr)
        pair = self._pair(small, ref)
        takes_ref = registry.REGISTRY[self.config.model.system].aligns
        name = "lr_up" if ref is None and takes_ref else "sr"
        outputs = self._outputs(pair, (name,))
        return _as_given(pair.result(outputs[name]), small, lr)

    def explain(self, lr: Pixels, ref: Pixels) -> Explanation:
        """Super-resolves, and says what came from where.

        Args:
            lr: as calling takes it.
            ref: likewise.

        Raises:
            ValueError: as calling; or the system does not align REF.

        Example:
            >>> import crossnet_tf, numpy as np
            >>> up = crossnet_tf.load(
            ...     "patchmatch-x4", align="none", match="none"
            ... )
            >>> look = up.explain(np.zeros((16, 24, 3)), np.zeros((64, 96, 3)))
            >>> look.flow.shape
            (64, 96, 2)
        """
        if not registry.REGISTRY[self.config.model.system].aligns:
            raise ValueError(
                "Only systems that align REF can be explained. Received: "
                f"system={self.config.model.system!r}."
            )
        small = _picture("lr", lr)
        pair = self._pair(small, ref)
        names = ("sr", "lr_up", "flow_0")
        outputs = self._outputs(pair, names)
        flow = outputs["flow_0"]
        trust = blending.explained(pair.lr, pair.ref, flow, self.scale)
        warped = backward_warp(pair.ref[None], flow[None])[0].numpy()
        return Explanation(
            sr=_as_given(pair.result(outputs["sr"]), small, lr),
            lr_up=pair.finished(outputs["lr_up"]),
            flow=flow,
            warped_ref=pair.finished(warped),
            trust=trust[..., 0],
            ref=pair.finished(pair.ref),
            notes=tuple(pair.notes),
        )

    def _outputs(
        self, pair: Inputs, names: tuple[str, ...]
    ) -> dict[str, np.ndarray]:
        return self._upscaler(
            pair.lr,
            pair.ref,
            names,
            pair.cover,
            share=pair.share,
            holds=pair.holds,
        )

    def _pair(self, lr: Picture, ref: Pixels | None) -> Inputs:
        reference = None if ref is None else _picture("ref", ref)
        small, large = colors.network_inputs(lr, reference)
        if large is None:
            enlarged = resizing.upscale_cubic(small, self.scale)
            return Inputs(small, enlarged.numpy())
        return network_pair(small, large, self.config.model, self._options)


def _picture(name: str, given: Pixels) -> Picture:
    """A file or an array as a picture."""
    if not isinstance(given, np.ndarray):
        return images.read_picture(given)
    rgb = arrays.rgb(name, given)
    grey = given.ndim == 2 or given.shape[-1] == 1
    depth = 16 if given.dtype == np.uint16 else 8
    mode = "grey" if grey else "rgb"
    height, width = rgb.shape[:2]
    info = images.ImageInfo("array", width, height, depth, mode)
    return Picture(rgb=rgb, info=info, grey=grey)


def _as_given(sr: np.ndarray, small: Picture, lr: Pixels) -> np.ndarray:
    """The result in the shape and dtype of what was given."""
    rgb = colors.finished(sr, small, None).rgb
    if not isinstance(lr, np.ndarray):
        dtype = np.dtype(np.uint16 if small.bit_depth == 16 else np.uint8)
    else:
        dtype = lr.dtype
        if lr.ndim == 2:
            rgb = rgb[..., 0]
        elif lr.shape[-1] == 1:
            rgb = rgb[..., :1]
    top = arrays.TOPS.get(dtype)
    if top is None:
        return rgb.astype(dtype)
    return np.floor(rgb * np.float32(top) + np.float32(0.5)).astype(dtype)
