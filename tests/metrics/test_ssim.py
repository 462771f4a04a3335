"""SSIM against golden values and the definition written out."""

import numpy as np
import pytest
import skimage.metrics
import test_ifc

from crossnet_tf.metrics import inputs, ssim

GOLDEN = {
    (128, 160, 0): (0.73096059, 0.98387462),
    (160, 256, 1): (0.73053646, 0.98372095),
}


@pytest.mark.parametrize("size", GOLDEN)
def test_ssim_golden(size):
    reference, blurred, noisy = test_ifc.pictures(*size)
    for thin_out in (False, True):
        values = (
            ssim(reference, blurred, thin_out=thin_out),
            ssim(reference, noisy, thin_out=thin_out),
        )
        np.testing.assert_allclose(values, GOLDEN[size], atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(11, 13), (96, 64), (400, 500)])
def test_ssim_agrees_with_scikit_image(rng, size):
    x = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    y = np.uint8(np.clip(x + rng.normal(0, 30, x.shape), 0, 255))
    expected = skimage.metrics.structural_similarity(
        inputs.grey(x),
        inputs.grey(y),
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(x, y) == pytest.approx(expected, abs=1e-9)


def _slow_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """One window after the other, no filters."""
    offsets = np.arange(11) - 5
    weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / 4.5)
    weights /= weights.sum()
    values = []
    for top in range(x.shape[0] - 10):
        for left in range(x.shape[1] - 10):
            a, b = (i[top : top + 11, left : left + 11] for i in (x, y))
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            var_a = (weights * (a - mean_a) ** 2).sum()
            var_b = (weights * (b - mean_b) ** 2).sum()
            cov = (weights * (a - mean_a) * (b - mean_b)).sum()
            values.append(
                (2 * mean_a * mean_b + 6.5025)
                * (2 * cov + 58.5225)
                / (mean_a**2 + mean_b**2 + 6.5025)
                / (var_a + var_b + 58.5225)
            )
    return float(np.mean(values))


def test_ssim_of_color_agrees(rng):
    x, y = rng.integers(0, 256, (2, 15, 13, 3), dtype=np.uint8)
    grey = [
        np.floor(i @ [0.298936021, 0.587043074, 0.114020904] + 0.5)
        for i in (x, y)
    ]
    expected = _slow_ssim(*grey)
    assert ssim(x, y) == pytest.approx(expected, abs=1e-9)
    assert ssim(x / 255, np.float32(y / 255)) == pytest.approx(
        expected, abs=1e-9
    )
    inner = _slow_ssim(*(image[1:-1, 1:-1] for image in grey))
    assert ssim(x, y, border=1) == pytest.approx(inner, abs=1e-9)


def _thinned(image: np.ndarray, factor: int) -> np.ndarray:
    """Means of windows around every `factor`-th pixel, mirrored outside.

    MATLAB's `imfilter(image, ones(f) / f^2, 'symmetric')(1:f:end, 1:f:end)`:
    the middle of a window of f is its element floor((f + 1) / 2), from 1.
    """
    padded = np.pad(image, factor, mode="symmetric")
    first = factor - ((factor + 1) // 2 - 1)
    height, width = image.shape
    return np.array(
        [
            [
                padded[y : y + factor, x : x + factor].mean()
                for x in range(first, first + width, factor)
            ]
            for y in range(first, first + height, factor)
        ]
    )


@pytest.mark.parametrize(
    ("height", "factor"), [(383, 1), (384, 2), (639, 2), (640, 3), (897, 4)]
)
def test_ssim_thins_out_large_pictures(rng, height, factor):
    x, y = np.full((2, height, 901), 128, np.uint8)
    corner = 12 * factor  # the rest is flat, and equal
    x[:corner, :corner], y[:corner, :corner] = rng.integers(
        0, 256, (2, corner, corner)
    )
    part = [_thinned(i[: 2 * corner, : 2 * corner], factor) for i in (x, y)]
    assert part[0].shape == (24, 24)
    rows, columns = -(-height // factor), -(-901 // factor)
    different = (1 - _slow_ssim(*part)) * 14 * 14
    expected = 1 - different / ((rows - 10) * (columns - 10))
    assert ssim(x, y, thin_out=True) == pytest.approx(expected, abs=1e-9)
    assert ssim(x, y) != pytest.approx(expected, abs=1e-4) or factor == 1


def test_ssim_of_equal_pictures_is_one(rng):
    x = rng.random((11, 12, 3))
    assert ssim(x, x) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("x", "y", "border", "message"),
    [
        (np.zeros((10, 40)), np.zeros((10, 40)), 0, r"11 pixels.*\(10, 40\)"),
        (np.zeros((14, 40)), np.zeros((14, 40)), 2, r"11 pixels.*\(10, 36\)"),
        (np.zeros((20, 20)), np.zeros((20, 20)), 10, "border=10"),
        (np.zeros((20, 20)), np.zeros((20, 21)), 0, r"y.shape=\(20, 21\)"),
        (np.zeros((20, 20, 1)), np.zeros((20, 20, 1)), 0, r"\(20, 20, 1\)"),
        (np.full((20, 20), np.nan), np.zeros((20, 20)), 0, "`x` must be fin"),
    ],
)
def test_ssim_rejects(x, y, border, message):
    with pytest.raises(ValueError, match=message):
        ssim(x, y, border)
