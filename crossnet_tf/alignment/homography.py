"""The homography between two pictures of one scene, or none.

SIFT features of both, at the same size, are matched; MAGSAC finds the
homography that most of them agree on. It is believed only if it could be that
of two photographs: nothing is mirrored or folded, and neither picture shows
the scene more than ten times as large as the other.

References:
    Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", 2004;
    Barath et al., "MAGSAC++", CVPR 2020.
"""

import cv2
import numpy as np

from crossnet_tf.alignment import sampling

_MAX_FEATURES = 6000
# A match must be this much nearer than the next best one.
_RATIO = 0.8
# So few are checked by what lies over LR (`registration`).
MIN_INLIERS = 5
_MAX_ZOOM = 10.0
_ITERATIONS, _CONFIDENCE = 20000, 0.9999


def fitted_homography(
    here: np.ndarray, there: np.ndarray, size: tuple[int, int], agree: float
) -> tuple[np.ndarray | None, int]:
    """The homography that most matches agree on.

    Args:
        here: `[N, 2]` places `(x, y)` in a picture.
        there: `[N, 2]` those in the other.
        size: height and width of the first.
        agree: distance in the second at which two still agree.

    Returns:
        `[3, 3]` float64, or None where none can be believed; and how many
        matches agree on it.
    """
    if len(here) < MIN_INLIERS:
        return None, len(here)
    homography, inliers = cv2.findHomography(
        here,
        there,
        cv2.USAC_MAGSAC,
        agree,
        maxIters=_ITERATIONS,
        confidence=_CONFIDENCE,
    )
    count = int(inliers.sum()) if homography is not None else 0
    if count < MIN_INLIERS or not is_sane(homography, *size):
        return None, count
    return homography / homography[2, 2], count


def is_sane(homography: np.ndarray, height: int, width: int) -> bool:
    """Whether two photographs can differ so.

    Args:
        homography: `[3, 3]`.
        height: of the picture whose corners it moves.
        width: likewise.
    """
    corners = sampling.corners(height, width)
    depth = np.append(corners, np.ones([4, 1]), axis=-1) @ homography[2]
    if not np.isfinite(homography).all() or (depth * depth[0] <= 0.0).any():
        return False
    moved = sampling.mapped(homography, corners)
    sides = np.roll(moved, -1, axis=0) - moved
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    area = 0.5 * abs(
        np.sum(
            moved[:, 0] * np.roll(moved[:, 1], -1)
            - moved[:, 1] * np.roll(moved[:, 0], -1)
        )
    )
    zoom = np.sqrt(area / (height * width))
    return bool((turns > 0.0).all() and 1 / _MAX_ZOOM <= zoom <= _MAX_ZOOM)


def matched_features(
    first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions in both pictures of features that are alike.

    Args:
        first: `[H, W]` float32 in [0, 1].
        second: likewise, of any size; best of about as many pixels.

    Returns:
        `[N, 2]` float64 each, `(x, y)`.
    """
    found = [_features(picture) for picture in (first, second)]
    (here, ours), (there, theirs) = found
    if min(len(here), len(there)) < 2:
        return here[:0], there[:0]
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(ours, theirs, k=2)
    chosen = [
        best for best, other in pairs if best.distance < _RATIO * other.distance
    ]
    one_to_one: dict[int, cv2.DMatch] = {}
    for match in sorted(chosen, key=lambda match: match.distance):
        one_to_one.setdefault(match.trainIdx, match)
    chosen = list(one_to_one.values())
    return (
        here[[match.queryIdx for match in chosen]],
        there[[match.trainIdx for match in chosen]],
    )


def _features(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.percentile(picture, (0.5, 99.5))
    stretched = (picture - low) / max(high - low, 1e-3)
    levels = (255.0 * np.clip(stretched, 0.0, 1.0) + 0.5).astype(np.uint8)
    # The upscale that is not precise moves all features by a quarter pixel.
    sift = cv2.SIFT.create(
        _MAX_FEATURES,
        contrastThreshold=0.005,
        edgeThreshold=20,
        enable_precise_upscale=True,
    )
    points, descriptors = sift.detectAndCompute(levels, None)
    places = np.array([point.pt for point in points], np.float64).reshape(-1, 2)
    if descriptors is None:
        return places, np.empty([0, 128], np.float32)
    # Root of the histogram: distances that outliers rule less.
    descriptors /= np.maximum(descriptors.sum(-1, keepdims=True), 1e-6)
    return places, np.sqrt(descriptors)
