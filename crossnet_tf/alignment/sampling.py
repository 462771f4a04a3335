"""Resizes and warps pictures: NumPy in and out, antialiased.

Homographies are 3x3 matrices on pixel coordinates `(x, y, 1)` with whole
numbers at pixel centres, as in the rest of the package.
"""

import cv2
import numpy as np
from PIL import Image

# Pillow's cubic is Keys' (a = -0.5) with half-pixel centres, stretched when it
# shrinks and renormalised at the border: how LR is made of HR.
_CUBIC = Image.Resampling.BICUBIC
# Rows warped at once, so that coordinates do not fill the memory.
_ROWS = 512


def resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Keys' cubic to another size, antialiased where it shrinks.

    Args:
        picture: `[H, W]` or `[H, W, C]` float32, any range.
        height: of the result.
        width: of the result.

    Returns:
        `[height, width]` or `[height, width, C]` float32.
    """
    if picture.ndim == 2:
        image = Image.fromarray(np.ascontiguousarray(picture, np.float32))
        return np.asarray(image.resize((width, height), _CUBIC))
    channels = range(picture.shape[-1])
    planes = [resized(picture[..., c], height, width) for c in channels]
    return np.stack(planes, axis=-1)


def variance(picture: np.ndarray, scale: int) -> np.ndarray:
    """Of the pixels that lie in one of LR's: `[s*h, s*w]` -> `[h, w]`."""
    size = picture.shape[1] // scale, picture.shape[0] // scale
    mean, square = (
        cv2.resize(values, size, interpolation=cv2.INTER_AREA)
        for values in (picture, picture * picture)
    )
    return square - mean * mean


def grey(picture: np.ndarray) -> np.ndarray:
    """Luma: `[H, W, 3]` float32 -> `[H, W]` float32."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return picture @ weights


def scaling(factor_x: float, factor_y: float) -> np.ndarray:
    """Homography of an enlargement by these factors, half-pixel centres."""
    return np.array(
        [
            [factor_x, 0.0, 0.5 * (factor_x - 1.0)],
            [0.0, factor_y, 0.5 * (factor_y - 1.0)],
            [0.0, 0.0, 1.0],
        ]
    )


def mapped(homography: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where `[N, 2]` points `(x, y)` go, `[N, 2]` float64."""
    points = np.concatenate([points, np.ones([len(points), 1])], axis=-1)
    x, y, w = (points @ homography.T).T
    return np.stack([x / w, y / w], axis=-1)


def corners(height: int, width: int) -> np.ndarray:
    """The four outer corners of a picture, `[4, 2]` float64, in turn."""
    left, top, right, bottom = -0.5, -0.5, width - 0.5, height - 0.5
    return np.array(
        [[left, top], [right, top], [right, bottom], [left, bottom]]
    )


def magnification(homography: np.ndarray, height: int, width: int) -> float:
    """How much larger `homography` makes things in the middle of a picture."""
    x, y = (width - 1) / 2, (height - 1) / 2
    around = np.array([[x, y], [x + 1.0, y], [x, y + 1.0]])
    middle, right, below = mapped(homography, around)
    area = np.cross(np.append(right - middle, 0), np.append(below - middle, 0))
    return float(np.sqrt(abs(area[-1])))


def warped(
    picture: np.ndarray, homography: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """`picture` on another grid, antialiased, edge pixels repeated beyond.

    Args:
        picture: `[H, W]` or `[H, W, 3]` float32 in [0, 1].
        homography: from the result's pixels to those of `picture`.
        height: of the result.
        width: of the result.

    Returns:
        `[height, width]` or `[height, width, 3]` float32 in [0, 1], and the
        cover, `[height, width]` bool: which of its pixels `picture` shows.
    """
    rows, columns = picture.shape[:2]
    finer = magnification(homography, height, width)
    if finer > 1.0:
        size = max(round(rows / finer), 1), max(round(columns / finer), 1)
        picture = resized(picture, *size)
        shrink = scaling(size[1] / columns, size[0] / rows)
        homography = shrink @ homography
        rows, columns = size
    result = np.empty([height, width, *picture.shape[2:]], np.float32)
    cover = np.empty([height, width], bool)
    for top in range(0, height, _ROWS):
        part = slice(top, min(top + _ROWS, height))
        x, y = _coordinates(homography, part, width)
        cover[part] = (x > -0.5) & (x < columns - 0.5)
        cover[part] &= (y > -0.5) & (y < rows - 0.5)
        result[part] = sampled(picture, x, y)
    return np.clip(result, 0.0, 1.0), cover


def sampled(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`picture` at coordinates `[h, w]` float32; the border is repeated."""
    return cv2.remap(
        picture, x, y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE
    )


def moved(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """As `sampled`, by a cubic in a fifth of the time: to be looked at."""
    return cv2.remap(
        picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def _coordinates(
    homography: np.ndarray, rows: slice, width: int
) -> tuple[np.ndarray, np.ndarray]:
    x = np.arange(width, dtype=np.float64)[None, :]
    y = np.arange(rows.start, rows.stop, dtype=np.float64)[:, None]
    (a, b, c), (d, e, f), (g, h, i) = homography
    depth = g * x + h * y + i
    behind = depth <= 0.0
    depth = np.where(behind, 1.0, depth)
    far = -1e6
    mapped_x = np.where(behind, far, (a * x + b * y + c) / depth)
    mapped_y = np.where(behind, far, (d * x + e * y + f) / depth)
    return mapped_x.astype(np.float32), mapped_y.astype(np.float32)
