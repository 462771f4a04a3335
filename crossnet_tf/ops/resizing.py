"""How LR is made from HR, and how it is enlarged without a network.

Both directions are Keys' cubic convolution (a = -0.5) with half-pixel
centres: output pixel i lies over input position `(i + 0.5) * factor - 0.5`.
Downscaling is antialiased: the kernel is stretched by `scale`, so it averages
over `4 * scale` pixels. Where it reaches over the border, the weights inside
are renormalised.

Differs from MATLAB's `imresize(..., 'bicubic')`, with which the paper's LR was
made, in the outermost two pixels of LR: MATLAB mirrors the picture there.

`tf.image.resize` does exactly this, and is faster here than a product with the
two kernel matrices or a strided convolution.

Reference: R. Keys, "Cubic convolution interpolation for digital image
processing", IEEE TASSP 29(6), 1981.
"""

from collections.abc import Sequence

import tensorflow as tf

from crossnet_tf import config
from crossnet_tf.ops.quantization import quantize


def downscale(images: tf.Tensor, scale: int) -> tf.Tensor:
    """Shrinks by `scale`, antialiased; neither rounded nor clipped.

    Args:
        images: `[H, W, C]` or `[B, H, W, C]` float, any range; H and W may be
            unknown until the graph runs.
        scale: a whole number of which H and W are multiples.

    Returns:
        `[..., H / scale, W / scale, C]` float32.

    Raises:
        ValueError: wrong rank, dtype, scale or size; a size that is known only
            at run time raises `tf.errors.InvalidArgumentError` then.
    """
    images, (height, width) = _checked(images, scale)
    rule = (
        "Height and width of `images` must be multiples of `scale`; crop them "
        "first. Received"
    )
    checks = []
    for name, size in (("height", height), ("width", width)):
        if tf.is_tensor(size):
            fits = tf.equal(size % scale, 0)
            checks.append(tf.debugging.Assert(fits, [rule, name, size, scale]))
        elif size % scale:
            raise ValueError(f"{rule}: {name}={size}, scale={scale}.")
    with tf.control_dependencies(checks):
        size = [height // scale, width // scale]
        return tf.image.resize(images, size, "bicubic", antialias=True)


def upscale_cubic(images: tf.Tensor, scale: int) -> tf.Tensor:
    """Enlarges by `scale`: the bicubic baseline, not clipped.

    Args:
        images: `[h, w, C]` or `[B, h, w, C]` float, any range.
        scale: a whole number.

    Returns:
        `[..., scale * h, scale * w, C]` float32.

    Raises:
        ValueError: wrong rank, dtype or scale.
    """
    images, (height, width) = _checked(images, scale)
    return tf.image.resize(images, [height * scale, width * scale], "bicubic")


def make_lr(hr: tf.Tensor, scale: int) -> tf.Tensor:
    """LR of the published protocol: `hr` shrunk, clipped, rounded to 8 bits.

    Args:
        hr: `[H, W, 3]` or `[B, H, W, 3]` float in [0, 1].
        scale: HR size / LR size.

    Returns:
        `[..., H / scale, W / scale, 3]` float32, multiples of 1/255.

    Raises:
        ValueError: as `downscale`.
    """
    return quantize(downscale(hr, scale))


def check_ref_fits(
    lr_shape: Sequence[int], ref_shape: Sequence[int], scale: int
) -> None:
    """Refuses a reference that does not fit, and says what would.

    Args:
        lr_shape: `[h, w, 3]` or `[B, h, w, 3]`.
        ref_shape: likewise.
        scale: the network's.

    Raises:
        ValueError: REF is not `scale` times as high and wide as LR.
    """
    (height, width), (ref_height, ref_width) = lr_shape[-3:-1], ref_shape[-3:-1]
    if (ref_height, ref_width) == (scale * height, scale * width):
        return
    message = (
        f"REF must be `scale` times as large as LR. Received: scale={scale}, "
        f"LR {width}x{height}, REF {ref_width}x{ref_height} (width x height). "
        f"A REF of {scale * width}x{scale * height} would fit this LR"
    )
    if ref_height % scale == ref_width % scale == 0:
        message += (
            f", or an LR of {ref_width // scale}x{ref_height // scale} this REF"
        )
    for other in config.SCALES:
        if (ref_height, ref_width) == (other * height, other * width):
            message += f"; both fit a network of scale {other}"
    raise ValueError(f"{message}.")


def _checked(images, scale) -> tuple[tf.Tensor, list]:
    """`images` as a tensor, with height and width: known, or as tensors."""
    images = tf.convert_to_tensor(images)
    if images.shape.rank not in (3, 4):
        raise ValueError(
            "`images` must be [H, W, C] or [B, H, W, C]. "
            f"Received: shape={images.shape}."
        )
    if not images.dtype.is_floating:
        raise ValueError(
            "`images` must be floating-point in [0, 1]. "
            f"Received: dtype={images.dtype.name}."
        )
    if isinstance(scale, bool) or not isinstance(scale, int) or scale < 1:
        raise ValueError(
            f"`scale` must be a positive whole number. Received: scale={scale}."
        )
    sizes = [images.shape[axis] or tf.shape(images)[axis] for axis in (-3, -2)]
    return images, sizes
