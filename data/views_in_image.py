"""All views of a light field in one image: side by side, or by pixel.

An image `[rows * h, cols * w, 3]` with the views next to each other is a
mosaic; a plenoptic camera's has each view's pixels `rows` and `cols` apart.
"""

import numpy as np

LAYOUTS = ("mosaic", "interleaved")


def views(image: np.ndarray, layout: str, rows: int, cols: int) -> np.ndarray:
    """Takes the views out of an image, without copying it.

    Args:
        image: `[rows * h, cols * w, 3]`; what is too much is cut off.
        layout: "mosaic": pixel (r * h + y, c * w + x) is pixel (y, x) of view
            (r, c); "interleaved": pixel (y * rows + r, x * cols + c) is.
        rows: of the camera grid.
        cols: of the camera grid.

    Returns:
        `[rows, cols, h, w, 3]`, a view of `image`.
    """
    height, width = image.shape[0] // rows, image.shape[1] // cols
    image = image[: height * rows, : width * cols]
    if layout == "mosaic":
        image = image.reshape(rows, height, cols, width, 3)
        return image.transpose(0, 2, 1, 3, 4)
    image = image.reshape(height, rows, width, cols, 3)
    return image.transpose(1, 3, 0, 2, 4)
