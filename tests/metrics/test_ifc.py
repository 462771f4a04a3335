"""IFC against what the authors' own program gives for the same pictures."""

import hashlib

import numpy as np
import pytest
from scipy import ndimage

from crossnet_tf.metrics import ifc

# height, width, seed: reference-blurred, blurred-reference, reference-noisy,
# noisy-reference, by `ifcvec` (LIVE, UT Austin) in GNU Octave 7.3.
GOLDEN = {
    (128, 160, 0): (4.91751562, 4.32280777, 5.71704079, 5.80690994),
    (160, 256, 1): (5.53825512, 4.88702528, 6.27411961, 6.37968520),
}
HASHES = {
    (128, 160, 0): "d673ba421f2fad97 6b993f5dbba94f70 7c4d5adb22958876",
    (160, 256, 1): "f2a57a0599f998f4 970a6ea15c6e635c 538bbd857db233b0",
}


def pictures(height: int, width: int, seed: int) -> list[np.ndarray]:
    """Reference, blurred, noisy: uint8 `[height, width]`."""
    random = np.random.RandomState(seed)
    y, x = np.mgrid[:height, :width].astype(float)
    waves = 127.5 + 50 * np.sin(2 * np.pi * x / 23)
    waves += 35 * np.sin(2 * np.pi * (x + 2 * y) / 11)
    grain = random.randint(-30, 31, (height, width))
    reference = np.clip(np.floor(waves + grain + 0.5), 0, 255)
    blurred = ndimage.correlate(reference, np.ones((3, 3)), mode="nearest")
    noise = random.randint(-10, 11, (height, width))
    noisy = np.clip(reference + noise, 0, 255)
    return [np.uint8(image) for image in (reference, blurred // 9, noisy)]


@pytest.mark.parametrize("size", GOLDEN)
def test_ifc_golden(size):
    reference, blurred, noisy = pictures(*size)
    for image, sha in zip((reference, blurred, noisy), HASHES[size].split()):
        assert hashlib.sha256(image.tobytes()).hexdigest().startswith(sha)
    values = (
        ifc(reference, blurred),
        ifc(blurred, reference),
        ifc(reference, noisy),
        ifc(noisy, reference),
    )
    np.testing.assert_allclose(values, GOLDEN[size], atol=1e-6, rtol=0)


def test_ifc_of_color_and_float_agrees():
    reference, blurred, _ = pictures(128, 160, 0)
    color = np.stack([reference] * 3, axis=-1)
    value = ifc(color, np.float32(np.stack([blurred] * 3, axis=-1) / 255))
    assert value == pytest.approx(4.91751562, abs=1e-6)


def test_ifc_of_odd_sizes_falls_with_blur(rng):
    sharp = rng.random((67, 91))
    soft = ndimage.gaussian_filter(sharp, 1)
    softer = ndimage.gaussian_filter(sharp, 2)
    assert ifc(sharp, sharp) > 20 > ifc(sharp, soft) > ifc(sharp, softer) > 0


def test_ifc_of_flat_pictures_is_zero(rng):
    picture, flat = rng.random((65, 70)), np.full((65, 70), 0.5)
    assert ifc(flat, picture) == ifc(picture, flat) == ifc(flat, flat) == 0


@pytest.mark.parametrize(
    ("reference", "distorted", "message"),
    [
        (np.zeros((64, 99)), np.zeros((64, 99)), r"65 pixels.*\(64, 99\)"),
        (np.zeros((99, 64)), np.zeros((99, 64)), r"65 pixels.*\(99, 64\)"),
        (np.zeros((70, 80)), np.zeros((80, 70)),
         r"`distorted`.*reference.shape=\(70, 80\), .*=\(80, 70\)"),
        (np.zeros((70, 80)), np.full((70, 80), np.nan), "`distorted`.*NaN"),
        (np.zeros(70), np.zeros(70), r"`reference` must be.*\(70,\)"),
    ],
)  # fmt: skip
def test_ifc_rejects(reference, distorted, message):
    with pytest.raises(ValueError, match=message):
        ifc(reference, distorted)
