"""End-point error: how far flow is from the truth."""

import numpy as np


def end_point_error(flow: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance in pixels, over the pixels whose flow is known.

    Args:
        flow: `[H, W, 2]` float, (dx, dy).
        truth: `[H, W, 3]` float: dx, dy and a weight, 0 where unknown.

    Returns:
        0 or more; NaN if nothing is known.

    Raises:
        ValueError: shapes that do not fit each other.
    """
    flow, truth = np.asarray(flow), np.asarray(truth)
    fits = flow.ndim == 3 and flow.shape[-1] == 2 and truth.ndim == 3
    if not fits or truth.shape != (*flow.shape[:2], 3):
        raise ValueError(
            "`flow` must be [H, W, 2] and `truth` [H, W, 3]. Received: "
            f"flow.shape={flow.shape}, truth.shape={truth.shape}."
        )
    weight = truth[..., 2].astype(np.float64)
    if not weight.any():
        return float("nan")
    distance = np.hypot(*np.moveaxis(flow - truth[..., :2], -1, 0))
    return float(np.sum(weight * distance) / np.sum(weight))
