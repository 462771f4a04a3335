"""What the metrics take, and the grey picture that two of them look at."""

import numpy as np

# Row 1 of the inverse of the NTSC matrix, as MATLAB's rgb2gray has it.
_GREY = (0.2989360212937754, 0.5870430744511212, 0.11402090425510325)
# What is beyond is no overshoot of resampling, but a picture of 8 bits.
_HIGHEST = 2.0


def check(name_x: str, x: np.ndarray, name_y: str, y: np.ndarray) -> None:
    """Refuses pictures that cannot be compared.

    Raises:
        ValueError: wrong rank, channels or dtype, different shapes, NaN.
    """
    for name, image in ((name_x, x), (name_y, y)):
        if image.ndim != 2 and (image.ndim != 3 or image.shape[2] != 3):
            raise ValueError(
                f"`{name}` must be [H, W, 3] or [H, W]. "
                f"Received: {name}.shape={image.shape}."
            )
        if image.dtype != np.uint8 and image.dtype.kind != "f":
            raise ValueError(
                f"`{name}` must be uint8 or float in [0, 1]. "
                f"Received: {name}.dtype={image.dtype}."
            )
        if image.dtype.kind == "f" and not np.isfinite(image).all():
            raise ValueError(
                f"`{name}` must be finite. Received: NaN or infinity."
            )
        if image.dtype.kind == "f" and image.size and image.max() > _HIGHEST:
            raise ValueError(
                f"`{name}` must be uint8 or float in [0, 1]; divide by what is "
                f"white. Received: values up to {image.max():.4g}."
            )
    if x.shape != y.shape:
        raise ValueError(
            f"`{name_y}` must have the shape of `{name_x}`. Received: "
            f"{name_x}.shape={x.shape}, {name_y}.shape={y.shape}."
        )


def without_border(image: np.ndarray, border: int) -> np.ndarray:
    """The picture without `border` pixels at each side.

    Raises:
        ValueError: `border` is negative, or nothing is left.
    """
    height, width = image.shape[:2]
    if not 0 <= 2 * border < min(height, width):
        raise ValueError(
            "`border` must be at least 0 and leave a picture. "
            f"Received: border={border}, shape={image.shape}."
        )
    return image[border : height - border, border : width - border]


def unit(image: np.ndarray) -> np.ndarray:
    """Float64 in [0, 1]."""
    if image.dtype == np.uint8:
        return image / 255.0
    return np.clip(image.astype(np.float64), 0, 1)


def grey(image: np.ndarray) -> np.ndarray:
    """MATLAB's `rgb2gray` of the 8-bit picture.

    Args:
        image: `[H, W, 3]` or `[H, W]`, uint8 or float.

    Returns:
        `[H, W]` float64, whole numbers in [0, 255].
    """
    image = np.floor(255 * unit(image) + 0.5)
    if image.ndim == 2:
        return image
    return np.floor(image @ np.array(_GREY) + 0.5)
