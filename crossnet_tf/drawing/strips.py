"""Strips of labelled pictures: reports, the commands and the README have them.

Float32 RGB in [0, 1], NumPy alone. What is given is checked here and laid out
by `panels`.
"""

from collections.abc import Sequence

import numpy as np

from crossnet_tf.drawing import panels


def side_by_side(
    images: Sequence[np.ndarray],
    labels: Sequence[str],
    crop: tuple[int, int, int, int] | None = None,
    height: int | None = None,
) -> np.ndarray:
    """Draws images next to each other, with a label above each.

    Small images are enlarged to the height of the tallest one by repeating
    pixels, so that LR shows what it has.

    Args:
        images: RGB in [0, 1], each `[h, w, 3]` with its own size; clipped.
        labels: one per image; a newline starts a new line, what is wider than
            the image is cut.
        crop: (top, left, height, width) in pixels of the tallest image. A
            frame marks it in each image and a second row shows it enlarged,
            cut out before any shrinking to `height`.
        height: height of the panels in pixels. None: of the tallest image.

    Returns:
        float32 RGB in [0, 1] on white, `[H, W, 3]`.

    Raises:
        ValueError: no image, a wrong shape, a label too few or too many,
            `height` is not positive, or `crop` is not inside every image.
    """
    _check_images(images, labels)
    if height is not None and height < 1:
        raise ValueError(
            f"`height` must be positive. Received: height={height}."
        )
    tallest = max(np.shape(image)[0] for image in images)
    images = [panels.with_height(_clipped(image), tallest) for image in images]
    columns = [panels.with_height(image, height or tallest) for image in images]
    if crop is not None:
        _check_crop(crop, tallest, min(image.shape[1] for image in images))
        columns = [
            panels.with_detail(panel, image, crop)
            for panel, image in zip(columns, images)
        ]
    return panels.joined(panels.labelled(columns, labels))


def _clipped(image: np.ndarray) -> np.ndarray:
    return np.clip(np.asarray(image, np.float32), 0, 1)


def _check_images(images: Sequence[np.ndarray], labels: Sequence[str]) -> None:
    shapes = [np.shape(image) for image in images]
    if not shapes or any(
        len(shape) != 3 or shape[-1] != 3 or 0 in shape for shape in shapes
    ):
        raise ValueError(
            "`images` must be one or more RGB images of shape [h, w, 3]. "
            f"Received shapes: {shapes}."
        )
    if len(labels) != len(images):
        raise ValueError(
            "`labels` must have one entry per image. "
            f"Received: {len(images)} images, labels={list(labels)}."
        )


def _check_crop(
    crop: tuple[int, int, int, int], height: int, width: int
) -> None:
    top, left, crop_height, crop_width = crop
    if not (
        min(top, left) >= 0
        and min(crop_height, crop_width) >= 1
        and top + crop_height <= height
        and left + crop_width <= width
    ):
        raise ValueError(
            "`crop` must be (top, left, height, width) inside every image, "
            f"at most {height} high and {width} wide. Received: crop={crop}."
        )
