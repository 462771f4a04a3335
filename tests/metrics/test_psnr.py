"""PSNR, and what all metrics refuse."""

import math

import numpy as np
import pytest
import test_ifc

from crossnet_tf.metrics import psnr

GOLDEN = {
    (128, 160, 0): (22.083524, 32.510519),
    (160, 256, 1): (22.095688, 32.497407),
}


@pytest.mark.parametrize("size", GOLDEN)
def test_psnr_golden(size):
    reference, blurred, noisy = test_ifc.pictures(*size)
    values = psnr(reference, blurred), psnr(noisy, reference)
    np.testing.assert_allclose(values, GOLDEN[size], atol=1e-6, rtol=0)


def test_psnr_agrees_with_its_formula(rng):
    x, y = rng.random((2, 9, 11, 3))
    expected = 10 * np.log10(1 / np.mean((x - y) ** 2))
    assert psnr(x, y) == pytest.approx(expected, abs=1e-9)
    x, y = np.uint8(255 * x), np.uint8(255 * y)
    error = np.mean((x.astype(float) - y) ** 2)
    expected = 10 * np.log10(255**2 / error)
    assert psnr(x, y) == pytest.approx(expected, abs=1e-9)
    assert psnr(x, (y / 255).astype(np.float32)) == pytest.approx(
        expected, abs=1e-5
    )


def test_psnr_of_equal_pictures_is_infinite(rng):
    x = rng.random((5, 6, 3))
    assert psnr(x, x) == math.inf
    assert psnr(x, x, channel="y") == math.inf


def test_psnr_clips_but_does_not_round():
    zeros = np.zeros((4, 5, 3))
    assert psnr(zeros, zeros - 0.3) == math.inf
    assert psnr(zeros, zeros + 1.7) == pytest.approx(0)
    assert psnr(zeros, zeros + 0.001) == pytest.approx(60)


def test_psnr_rejects_floats_of_eight_bits():
    eight_bits = np.full((4, 5, 3), 200.0)
    with pytest.raises(ValueError, match="`y` must be.*up to 200"):
        psnr(np.zeros((4, 5, 3)), eight_bits)


def test_psnr_leaves_the_border_out():
    x, y = np.zeros((6, 9, 3)), np.zeros((6, 9, 3))
    y[1], y[2, 2] = 1, 0.1
    assert psnr(x, y, border=2) == pytest.approx(20 + 10 * np.log10(10))
    assert psnr(x, y, border=1) == pytest.approx(-10 * np.log10(7.01 / 28))


@pytest.mark.parametrize(
    ("channel", "weight"), [(0, 65.481), (1, 128.553), (2, 24.966)]
)
def test_psnr_of_luma(channel, weight):
    x, y = np.zeros((4, 5, 3)), np.zeros((4, 5, 3))
    y[..., channel] = 1
    expected = 20 * np.log10(255 / weight)
    assert psnr(x, y, channel="y") == pytest.approx(expected)


def test_psnr_agrees_with_skimage_luma(rng):
    color = pytest.importorskip("skimage.color")
    x, y = rng.random((2, 9, 11, 3))
    luma_x, luma_y = (color.rgb2ycbcr(image)[..., 0] / 255 for image in (x, y))
    expected = 10 * np.log10(1 / np.mean((luma_x - luma_y) ** 2))
    assert psnr(x, y, channel="y") == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (np.zeros(5), np.zeros(5), {}, r"`x` must be \[H, W, 3\].*\(5,\)"),
        (np.zeros((1, 5, 6, 3)), np.zeros((5, 6, 3)), {}, r"\(1, 5, 6, 3\)"),
        (np.zeros((5, 6, 3)), np.zeros((5, 6, 4)), {}, r"`y` .*\(5, 6, 4\)"),
        (np.zeros((5, 6, 3)), np.zeros((5, 7, 3)), {},
         r"`y` must have the shape.*x.shape=\(5, 6, 3\), y.shape=\(5, 7, 3\)"),
        (np.zeros((5, 6)), np.zeros((5, 6), int), {}, "`y` .*y.dtype=int64"),
        (np.zeros((5, 6)), np.zeros((5, 6), np.uint16), {}, "dtype=uint16"),
        (np.full((5, 6), np.nan), np.zeros((5, 6)), {}, "`x` must be finite"),
        (np.zeros((5, 6)), np.full((5, 6), np.inf), {}, "`y` must be finite"),
        (np.zeros((5, 6)), np.zeros((5, 6)), {"border": 3}, "border=3"),
        (np.zeros((5, 6)), np.zeros((5, 6)), {"border": -1}, "border=-1"),
        (np.zeros((0, 6)), np.zeros((0, 6)), {}, r"border=0, shape=\(0, 6\)"),
        (np.zeros((5, 6)), np.zeros((5, 6)), {"channel": "Y"}, "channel='Y'"),
        (np.zeros((5, 6)), np.zeros((5, 6)), {"channel": "y"},
         r"`x` must be \[H, W, 3\] for channel='y'.*\(5, 6\)"),
    ],
)  # fmt: skip
def test_psnr_rejects(x, y, options, message):
    with pytest.raises(ValueError, match=message):
        psnr(x, y, **options)
