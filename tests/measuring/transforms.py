"""REF moved in known ways: another zoom, place and view of the same scene.

HR is the middle of a photograph shrunk by 1.5, so that a REF that shows more
of the scene, or shows it larger, has real pixels all over. Where a point of
HR lies in REF is known by dense flow between the two photographs at full size
(of two views there is no homography), followed by the known transform.
"""

import dataclasses

import cv2
import numpy as np

from crossnet_tf.alignment import sampling
from crossnet_tf.alignment.matches import find_matches
from tests.measuring.scenes import Scene, levels, shrunk

# Sides of HR, as shares of the shrunk photograph's.
_SHARE = 0.7
_FINER = 1.5
_JITTER = 0.08
NAMES = ("zoom 0.7", "zoom 1.5", "shift 20 %", "perspective", "tele")


@dataclasses.dataclass(frozen=True)
class Moved:
    """A pair whose REF was moved.

    Attributes:
        lr: `[h, w, 3]` float32 in [0, 1].
        hr: `[s*h, s*w, 3]` likewise.
        ref: `[H, W, 3]` likewise.
        truth: `[s*h, s*w, 2]`: where HR's pixels lie in REF.
        certain: `[s*h, s*w]` bool: where that is known.
        covered: `[s*h, s*w]` bool: what REF shows of HR.
    """

    lr: np.ndarray
    hr: np.ndarray
    ref: np.ndarray
    truth: np.ndarray
    certain: np.ndarray
    covered: np.ndarray


def moved(
    scene: Scene, name: str, scale: int, seed: int, side: int = 0
) -> Moved:
    """The pair with a REF transformed as `name` of `NAMES` says.

    LR's longer side is `side` pixels; 0: as large as the photograph allows.
    """
    rows, columns = (round(n / _FINER) for n in scene.hr.shape[:2])
    small = np.clip(sampling.resized(scene.hr, rows, columns), 0.0, 1.0)
    unit = 2 * scale
    share = min(_SHARE, scale * side / max(rows, columns)) if side else _SHARE
    height, width = (round(share * n / unit) * unit for n in (rows, columns))
    top, left = (rows - height) // 2, (columns - width) // 2
    hr = levels(small[top : top + height, left : left + width])
    to_full = sampling.scaling(
        scene.hr.shape[1] / columns, scene.hr.shape[0] / rows
    ) @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]])
    size = (height // 2, width // 2) if name == "tele" else (height, width)
    from_ref = transform(name, (height, width), size, seed)
    ref, _ = sampling.warped(scene.ref, to_full @ from_ref, *size)
    flow, certain = _full_flow(scene)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    grid = np.stack([x.ravel(), y.ravel()], -1).astype(np.float64)
    full = sampling.mapped(to_full, grid).reshape(height, width, 2)
    at = np.float32(full[..., 0]), np.float32(full[..., 1])
    there = full + sampling.sampled(flow, *at)
    known = cv2.remap(np.float32(certain), *at, cv2.INTER_NEAREST) > 0.5
    back = np.linalg.inv(to_full @ from_ref)
    truth = sampling.mapped(back, there.reshape(-1, 2)).reshape(there.shape)
    inside = (truth > 0).all(-1) & (truth < [size[1] - 1, size[0] - 1]).all(-1)
    lr = shrunk(hr, scale)
    return Moved(lr, hr, levels(ref), truth, known & inside, inside)


def transform(
    name: str, hr_size: tuple[int, int], size: tuple[int, int], seed: int
) -> np.ndarray:
    """From REF's pixels to HR's."""
    random = np.random.default_rng(seed)
    zoom = {"zoom 0.7": 0.7, "zoom 1.5": 1.5}.get(name, 1.0)
    turn, shift = 0.0, 0.2 if name == "shift 20 %" else 0.0
    if name == "perspective":
        zoom, turn = random.uniform(0.85, 1.2), random.uniform(-10, 10)
        shift = random.uniform(0, 0.1)
    direction = random.uniform(0, 2 * np.pi)
    way = np.array([np.cos(direction), np.sin(direction)])
    middle = (np.array(size[::-1]) - 1) / 2
    aim = (np.array(hr_size[::-1]) - 1) / 2 + shift * way * hr_size[::-1]
    angle = np.deg2rad(turn)
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    result = np.eye(3)
    result[:2, :2] = [[cos, -sin], [sin, cos]]
    result[:2, 2] = aim - result[:2, :2] @ middle
    if name != "perspective":
        return result
    corners = np.float32(sampling.corners(*size))
    off = random.uniform(-_JITTER, _JITTER, [4, 2]) * size[::-1]
    bent = cv2.getPerspectiveTransform(corners, np.float32(corners + off))
    return result @ bent


def distance(found: np.ndarray, pair: Moved) -> float:
    """Median error of a homography from HR to REF, in LR's pixels."""
    height, width = pair.hr.shape[:2]
    if not pair.certain.any():
        return float("nan")
    y, x = np.nonzero(pair.certain)
    there = sampling.mapped(found, np.stack([x, y], -1).astype(np.float64))
    off = there - pair.truth[pair.certain]
    zoom = sampling.magnification(found, height, width)
    scale = pair.hr.shape[0] // pair.lr.shape[0]
    return float(np.median(np.linalg.norm(off, axis=-1)) / (zoom * scale))


def nearest_homography(pair: Moved) -> np.ndarray:
    """The homography that most of the known points agree with."""
    y, x = np.nonzero(pair.certain)
    keep = np.random.default_rng(0).permutation(len(x))[:5000]
    here = np.stack([x, y], -1)[keep].astype(np.float64)
    there = pair.truth[pair.certain][keep]
    return cv2.findHomography(here, there, cv2.LMEDS)[0]


def _full_flow(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """From HR's photograph to REF's, `[H, W, 2]`, and where it is certain."""
    key = scene.name
    if key not in _FLOWS:
        cover = np.ones(scene.hr.shape[:2], bool)
        ref = scene.ref
        if ref.shape != scene.hr.shape:
            ref, cover = sampling.warped(ref, np.eye(3), *cover.shape)
        found = find_matches(scene.hr, ref, cover)
        _FLOWS[key] = found.flow, found.certain
    return _FLOWS[key]


_FLOWS: dict[str, tuple[np.ndarray, np.ndarray]] = {}
