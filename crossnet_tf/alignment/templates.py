"""Where a REF of another zoom lies over a small LR that has too few features.

A tele picture may show but 24 of LR's 48 pixels, which is less than a handful
of features. So REF is tried at many sizes, as a template that is found
somewhere within LR, or LR within REF, by normalised cross-correlation. Turns
of more than some degrees are not found so.

Reference: Lewis, "Fast normalized cross-correlation", Vision Interface 1995.
"""

import cv2
import numpy as np

from crossnet_tf.alignment import sampling

# Sides of REF over those of LR that are tried: 0.37 to 2.
_STEP = 1.08
_SMALLEST, _LARGEST = -13, 9
_FEWEST = 12
# Light that varies over this share of the side says little.
_EVEN = 1.0 / 12.0
# A small template fits by chance; its score counts for less.
_DISCOUNT = 0.1


def by_templates(lr: np.ndarray, ref: np.ndarray) -> np.ndarray | None:
    """The best homography of size and place alone, whether right or not.

    Args:
        lr: `[h, w]` float32 in [0, 1].
        ref: `[H, W]` float32 in [0, 1], of any size.

    Returns:
        `[3, 3]` float64 from LR's pixels to REF's, good to half a pixel of
        LR; None where LR and REF are too different in shape.
    """
    best, homography = -np.inf, None
    for power in range(_SMALLEST, _LARGEST + 1):
        factor = _STEP**power * np.sqrt(lr.size / ref.size)
        size = [round(factor * n) for n in ref.shape]
        if min(size) < _FEWEST:
            continue
        found = _place(lr, sampling.resized(ref, *size))
        if found is None or found[0] <= best:
            continue
        best, (x, y) = found
        zoom = sampling.scaling(ref.shape[1] / size[1], ref.shape[0] / size[0])
        homography = zoom @ np.array([[1.0, 0, x], [0, 1.0, y], [0, 0, 1.0]])
    return homography


def _place(
    ours: np.ndarray, theirs: np.ndarray
) -> tuple[float, tuple[int, int]] | None:
    """A score, and where LR's first pixel lies in REF, one within the other."""
    smaller = np.less_equal(theirs.shape, ours.shape)
    if smaller.all():
        whole, part, sign = ours, theirs, -1
    elif not smaller.any():
        whole, part, sign = theirs, ours, 1
    else:
        return None
    scores = cv2.matchTemplate(
        _evened(whole), _evened(part), cv2.TM_CCOEFF_NORMED
    )
    _, score, _, (x, y) = cv2.minMaxLoc(scores)
    return score * (part.size / ours.size) ** _DISCOUNT, (sign * x, sign * y)


def _evened(picture: np.ndarray) -> np.ndarray:
    blurred = cv2.GaussianBlur(picture, (0, 0), _EVEN * max(picture.shape))
    return np.asarray(picture - blurred, np.float32)
