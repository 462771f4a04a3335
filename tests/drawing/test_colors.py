"""Flow and errors as colours."""

import math

import numpy as np
import pytest

from crossnet_tf.drawing import colors

_DIRECTIONS_AND_COLORS = {
    "right": ((1, 0), (1, 0, 0)),
    "right_minus_zero": ((1, -0.0), (1, 0, 0)),
    "left": ((-1, 0), (0, 9 / 11, 1)),  # 27 steps: two of eleven past cyan
    "down": ((0, 1), (1, 13.5 / 15, 0)),
    "up": ((0, -1), (4.5 / 13, 0, 1)),
    "still": ((0, 0), (1, 1, 1)),
    "half_right": ((0.5, 0), (1, 0.5, 0.5)),
    "too_long": ((2, 0), (0.75, 0, 0)),
}


@pytest.mark.parametrize("name", _DIRECTIONS_AND_COLORS)
def test_flow_to_rgb_golden(name):
    direction, color = _DIRECTIONS_AND_COLORS[name]
    rgb = colors.flow_to_rgb(np.float32([[direction]]), max_flow=1)
    assert rgb.dtype == np.float32
    np.testing.assert_allclose(rgb, [[color]], atol=1e-6)


def _middlebury_scalar(dx, dy, max_flow):
    """One pixel, written after the benchmark's description."""
    wheel = []
    for steps, (r, g, b) in [
        (15, (lambda t: 1, lambda t: t, lambda t: 0)),
        (6, (lambda t: 1 - t, lambda t: 1, lambda t: 0)),
        (4, (lambda t: 0, lambda t: 1, lambda t: t)),
        (11, (lambda t: 0, lambda t: 1 - t, lambda t: 1)),
        (13, (lambda t: t, lambda t: 0, lambda t: 1)),
        (6, (lambda t: 1, lambda t: 0, lambda t: 1 - t)),
    ]:
        for i in range(steps):
            wheel.append([f(i / steps) for f in (r, g, b)])
    length = math.hypot(dx, dy) / max_flow
    place = (math.atan2(-dy, -dx) / math.pi + 1) / 2 * (len(wheel) - 1)
    i, share = int(place), place - int(place)
    color = []
    for c in range(3):
        hue = (1 - share) * wheel[i][c] + share * wheel[(i + 1) % 55][c]
        color.append(1 - length * (1 - hue) if length <= 1 else 0.75 * hue)
    return color


def test_flow_to_rgb_agrees(rng):
    flow = rng.normal(0, 3, (5, 7, 2))
    rgb = colors.flow_to_rgb(flow, max_flow=4)
    expected = [
        [_middlebury_scalar(*vector, 4) for vector in row] for row in flow
    ]
    np.testing.assert_allclose(rgb, expected, atol=1e-6)
    assert rgb.min() >= 0
    assert rgb.max() <= 1


def test_flow_to_rgb_uses_the_longest_flow(rng):
    flow = rng.normal(0, 3, (5, 7, 2))
    longest = np.hypot(*np.moveaxis(flow, -1, 0)).max()
    np.testing.assert_allclose(
        colors.flow_to_rgb(flow), colors.flow_to_rgb(flow, longest)
    )
    assert np.all(colors.flow_to_rgb(np.zeros((2, 3, 2))) == 1)


def test_flow_to_rgb_batch_identity(rng):
    flow = rng.normal(0, 3, (2, 5, 7, 2))
    rgb = colors.flow_to_rgb(flow, max_flow=5)
    for one, picture in zip(flow, rgb):
        np.testing.assert_array_equal(colors.flow_to_rgb(one, 5), picture)


@pytest.mark.parametrize("unknown", [np.nan, np.inf, 2e9])
def test_flow_to_rgb_unknown_is_black(unknown):
    flow = np.ones((2, 3, 2), np.float32)
    known = colors.flow_to_rgb(flow)
    flow[1, 2, 0] = unknown
    rgb = colors.flow_to_rgb(flow)
    assert tuple(rgb[1, 2]) == colors.UNKNOWN_COLOR
    rgb[1, 2] = known[1, 2]
    np.testing.assert_array_equal(rgb, known)


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (1, 1, 4, 5, 2)])
def test_flow_to_rgb_rejects_shape(shape):
    with pytest.raises(ValueError, match=r"`flow`.*flow\.shape=\(.*\d\)"):
        colors.flow_to_rgb(np.zeros(shape))


@pytest.mark.parametrize("max_flow", [0, -1.5, np.nan])
def test_flow_to_rgb_rejects_max_flow(max_flow):
    with pytest.raises(ValueError, match=f"`max_flow`.*max_flow={max_flow}"):
        colors.flow_to_rgb(np.zeros((2, 3, 2)), max_flow)


def test_error_map_golden():
    hr = np.full((2, 3, 3), 0.5, np.float32)
    sr = hr.copy()
    sr[0, 1] += 0.1  # half of max_error: the middle colour
    sr[1, 2, 0] -= 0.3  # 0.1 on average
    sr[1, 0] = 7  # clipped to 1, beyond max_error
    picture = colors.error_map(sr, hr, max_error=0.2)
    expected = np.zeros((2, 3, 3))
    expected[0, 1] = expected[1, 2] = [1, 0.35, 0]
    expected[1, 0] = 1
    assert picture.dtype == np.float32
    np.testing.assert_allclose(picture, expected, atol=1e-5)


def test_error_map_batch_identity(rng):
    sr, hr = rng.random((2, 2, 4, 5, 3))
    np.testing.assert_array_equal(
        colors.error_map(sr, hr)[1], colors.error_map(sr[1], hr[1])
    )


def test_error_map_rejects():
    image = np.zeros((4, 5, 3))
    with pytest.raises(ValueError, match=r"`sr` and `hr`.*\(4, 5, 3\).*\(4,"):
        colors.error_map(image, image[:, :4])
    with pytest.raises(ValueError, match=r"`sr` and `hr`.*\(4, 5, 2\)"):
        colors.error_map(image[..., :2], image[..., :2])
    with pytest.raises(ValueError, match="`max_error`.*max_error=0"):
        colors.error_map(image, image, max_error=0)
