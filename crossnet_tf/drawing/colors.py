"""Numbers as colours: flow by the colour wheel, errors by heat.

The colours of flow are the Middlebury benchmark's (Baker et al., "A Database
and Evaluation Methodology for Optical Flow", IJCV 2011): the direction is the
hue, the length the saturation. Flow to the right is red, to the left cyan,
downwards yellow, upwards violet; no flow is white.
"""

import numpy as np

UNKNOWN_COLOR = (0.0, 0.0, 0.0)
UNKNOWN_LENGTH = 1e9  # Middlebury's mark of flow that was not measured
# The wheel's corners and the number of steps from each to the next.
_CORNERS = ((1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1))
_STEPS = (15, 6, 4, 11, 13, 6)

_HEAT = ((0, 0, 0), (0.6, 0, 0.3), (1, 0.35, 0), (1, 0.85, 0.2), (1, 1, 1))


def flow_to_rgb(flow: np.ndarray, max_flow: float | None = None) -> np.ndarray:
    """Draws flow with the Middlebury colour wheel.

    Args:
        flow: `[H, W, 2]` or `[B, H, W, 2]`, (dx, dy) in pixels. NaN, infinity
            and values beyond 1e9 count as unknown and become black.
        max_flow: the length in pixels that is drawn fully saturated; longer
            flow is drawn darker. None: the longest known flow in `flow`.

    Returns:
        float32 RGB in [0, 1], `[H, W, 3]` or `[B, H, W, 3]`.

    Raises:
        ValueError: `flow` has another shape, or `max_flow` is not positive.
    """
    flow = np.asarray(flow, np.float64)
    if flow.ndim not in (3, 4) or flow.shape[-1] != 2:
        raise ValueError(
            "`flow` must be of shape [H, W, 2] or [B, H, W, 2]. "
            f"Received: flow.shape={flow.shape}."
        )
    if max_flow is not None and not max_flow > 0:
        raise ValueError(
            f"`max_flow` must be positive. Received: max_flow={max_flow}."
        )
    known = (np.abs(flow) < UNKNOWN_LENGTH).all(-1)  # false for NaN, too
    flow = np.where(known[..., None], flow, 0)
    length = np.hypot(flow[..., 0], flow[..., 1])
    if max_flow is None:
        max_flow = length.max(initial=0) or 1.0
    rgb = _wheel_color(flow, length / max_flow)
    return np.where(known[..., None], rgb, UNKNOWN_COLOR).astype(np.float32)


def _wheel_color(flow: np.ndarray, saturation: np.ndarray) -> np.ndarray:
    wheel = _color_wheel()
    # `+ 0.0` turns -0.0 into 0.0, which lies on the other side of the seam.
    turn = np.arctan2(-(flow[..., 1] + 0.0), -flow[..., 0]) / np.pi
    position = (turn + 1) / 2 * (len(wheel) - 1)
    first = position.astype(int)
    share = (position - first)[..., None]
    hue = (1 - share) * wheel[first] + share * wheel[(first + 1) % len(wheel)]
    saturation = saturation[..., None]
    return np.where(saturation <= 1, 1 - saturation * (1 - hue), 0.75 * hue)


def _color_wheel() -> np.ndarray:
    """The 55 fully saturated colours, `[55, 3]`, starting at red."""
    corners = np.array([*_CORNERS, _CORNERS[0]], np.float64)
    return np.concatenate(
        [
            np.linspace(corners[i], corners[i + 1], steps, endpoint=False)
            for i, steps in enumerate(_STEPS)
        ]
    )


def error_map(
    sr: np.ndarray, hr: np.ndarray, max_error: float = 0.1
) -> np.ndarray:
    """Draws how wrong each pixel is: black, red, yellow, white.

    Args:
        sr: `[H, W, 3]` or `[B, H, W, 3]` in [0, 1]; clipped like any output.
        hr: the truth, of the same shape.
        max_error: mean absolute error over RGB that is drawn white; so is
            more.

    Returns:
        float32 RGB in [0, 1], the shape of `hr`.

    Raises:
        ValueError: the shapes differ or are no images, or `max_error` is not
            positive.
    """
    sr, hr = np.asarray(sr, np.float32), np.asarray(hr, np.float32)
    if sr.shape != hr.shape or hr.ndim not in (3, 4) or hr.shape[-1] != 3:
        raise ValueError(
            "`sr` and `hr` must be RGB images of the same shape. "
            f"Received: sr.shape={sr.shape}, hr.shape={hr.shape}."
        )
    if not max_error > 0:
        raise ValueError(
            f"`max_error` must be positive. Received: max_error={max_error}."
        )
    error = np.abs(np.clip(sr, 0, 1) - np.clip(hr, 0, 1)).mean(-1) / max_error
    stops = np.linspace(0, 1, len(_HEAT))
    channels = [np.interp(error, stops, column) for column in zip(*_HEAT)]
    return np.stack(channels, -1).astype(np.float32)
