"""What another camera, lens or program does to REF or LR, in known ways."""

from collections.abc import Callable

import cv2
import numpy as np

from crossnet_tf.alignment import sampling
from crossnet_tf.alignment.light import from_light, to_light
from tests.measuring.scenes import levels, shrunk

# LR's pixels: the Gaussian of a soft lens.
_SOFT = 0.5
# Linear sRGB to linear Display P3.
_TO_P3 = np.array(
    [
        [0.822462, 0.177538, 0.0],
        [0.033194, 0.966806, 0.0],
        [0.017083, 0.072397, 0.910520],
    ],
    np.float32,
)
Pair = tuple[np.ndarray, np.ndarray]
Distortion = Callable[[np.ndarray, np.ndarray, int], Pair]
"""`hr, ref, scale` -> `lr, ref` as files would hold them."""


def _plain(hr: np.ndarray, ref: np.ndarray, scale: int) -> Pair:
    return shrunk(hr, scale), ref


def _gamma(exponent: float) -> Distortion:
    return lambda hr, ref, scale: (shrunk(hr, scale), levels(ref**exponent))


def _noise(sigma: float) -> Distortion:
    def distorted(hr: np.ndarray, ref: np.ndarray, scale: int) -> Pair:
        random = np.random.default_rng(0)
        grain = random.normal(0, sigma / 255, ref.shape).astype(np.float32)
        return shrunk(hr, scale), levels(ref + grain)

    return distorted


def _noise_jpeg(hr: np.ndarray, ref: np.ndarray, scale: int) -> Pair:
    lr, noisy = _noise(20)(hr, ref, scale)
    pixels = np.round(255 * noisy[..., ::-1]).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 85]
    _, data = cv2.imencode(".jpg", pixels, quality)
    read = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return lr, np.float32(read[..., ::-1]) / 255


def _noise_smoothed(radius: float) -> Distortion:
    """Of sigma 20 before it is smoothed."""

    def distorted(hr: np.ndarray, ref: np.ndarray, scale: int) -> Pair:
        random = np.random.default_rng(0)
        grain = random.normal(0, 20 / 255, ref.shape).astype(np.float32)
        grain = cv2.GaussianBlur(grain, (0, 0), radius)
        return shrunk(hr, scale), levels(ref + grain)

    return distorted


def _soft(hr: np.ndarray, ref: np.ndarray, scale: int) -> Pair:
    soft = cv2.GaussianBlur(hr, (0, 0), _SOFT * scale)
    return shrunk(soft, scale), ref


def _light(hr: np.ndarray, ref: np.ndarray, scale: int) -> Pair:
    size = (n // scale for n in hr.shape[:2])
    return levels(from_light(sampling.resized(to_light(hr), *size))), ref


def _p3(hr: np.ndarray, ref: np.ndarray, scale: int) -> Pair:
    """P3's numbers without their profile."""
    return shrunk(hr, scale), levels(from_light(to_light(ref) @ _TO_P3.T))


DISTORTIONS: dict[str, Distortion] = {
    "plain": _plain,
    "gamma 0.8": _gamma(0.8),
    "gamma 1.25": _gamma(1.25),
    "P3": _p3,
    "soft": _soft,
    "light": _light,
    "noise 10": _noise(10),
    "noise 20": _noise(20),
    "noise 20, JPEG": _noise_jpeg,
    "noise 20, smoothed 0.7": _noise_smoothed(0.7),
    "noise 20, smoothed 1": _noise_smoothed(1.0),
}
