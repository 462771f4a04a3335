"""View pairs of light fields: which views, and the flow between them.

A light field is a scene seen from a grid of `rows` x `cols` cameras; its
views are numbered row after row. A training pair is any two different views:
one becomes HR (and, made smaller, LR), the other REF. Only the views that
are drawn are decoded.

Disparity d of a pixel is in pixels per view step: the point at (x, y) of view
(r, c) is seen in view (r2, c2) at (x + d (c2 - c), y + d (r2 - r)). So one
disparity map per view gives the flow between any two views. Where the other
view has a different disparity at that place, another surface hides the point.

Functions work inside `tf.data` and on single examples (no batch axis).
"""

import tensorflow as tf

DISPARITY_STEPS = 1024
DISPARITY_ZERO = 32768
OCCLUSION_TOLERANCE = 0.1
"""Largest difference of disparity, in pixels per view step, at which two
views are held to see the same surface."""


def view_pairs(
    rows: tf.Tensor,
    cols: tf.Tensor,
    min_distance: float = 0.0,
    max_distance: float = 0.0,
) -> tf.Tensor:
    """All pairs of different views that are near and far enough.

    The distance of (r, c) and (r2, c2) is max(|r2 - r|, |c2 - c|), in views:
    7 from corner to corner of 8x8 views.

    Args:
        rows: scalar int32.
        cols: scalar int32.
        min_distance: in views.
        max_distance: in views; 0: no limit.

    Returns:
        `[N, 2]` int32, numbers of the views (LR's, REF's); N may be 0.
    """
    number = tf.range(rows * cols)
    row, col = number // cols, number % cols
    distance = tf.maximum(
        tf.abs(row[:, None] - row[None]), tf.abs(col[:, None] - col[None])
    )
    distance = tf.cast(distance, tf.float32)
    fits = (distance >= 0.5) & (distance >= min_distance)
    if max_distance > 0:
        fits &= distance <= max_distance
    return tf.cast(tf.where(fits), tf.int32)


def sample_view_pairs(
    pairs: tf.Tensor, count: int, seed: tf.Tensor
) -> tf.Tensor:
    """Draws `count` of the `pairs` `[N, 2]`, each alike; N > 0.

    Args:
        pairs: as `view_pairs` gives them.
        count: how many.
        seed: `[2]` integers of a stateless draw.

    Returns:
        `[count, 2]` int32.
    """
    picks = tf.random.stateless_uniform(
        [count], seed, 0, tf.shape(pairs)[0], dtype=tf.int32
    )
    return tf.gather(pairs, picks)


def select_views(
    example: dict[str, tf.Tensor], pairs: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Takes the encoded images of some pairs of views out of a light field.

    Args:
        example: `scene`, `rows`, `cols`, `views` `[rows * cols]` PNG strings
            and optionally `disparity` `[rows * cols]` PNG strings.
        pairs: `[N, 2]` int32, numbers of the views (LR's, REF's).

    Returns:
        `scene` `[N]`, `hr` and `ref` `[N]` PNG strings and, if there is
        disparity, `hr_disparity`, `ref_disparity` `[N]` PNG strings and
        `step` `[N, 2]` int32, columns and rows from LR's view to REF's.
    """
    lr_view, ref_view = pairs[:, 0], pairs[:, 1]
    chosen = {
        "scene": tf.fill(tf.shape(lr_view), example["scene"]),
        "hr": tf.gather(example["views"], lr_view),
        "ref": tf.gather(example["views"], ref_view),
    }
    if "disparity" in example:
        cols = example["cols"]
        across = ref_view % cols - lr_view % cols
        down = ref_view // cols - lr_view // cols
        chosen["step"] = tf.stack([across, down], axis=-1)
        chosen["hr_disparity"] = tf.gather(example["disparity"], lr_view)
        chosen["ref_disparity"] = tf.gather(example["disparity"], ref_view)
    return chosen


def decode_views(chosen: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Decodes one pair (`select_views` without its first axis).

    Returns:
        `name` (the scene), `hr` and `ref` `[H, W, 3]` uint8 and, if there is
        disparity, `flow` `[H, W, 3]` float32 of HR to REF as
        `flow_between` gives it.
    """
    pair = {
        "name": chosen["scene"],
        "hr": tf.io.decode_png(chosen["hr"], channels=3),
        "ref": tf.io.decode_png(chosen["ref"], channels=3),
    }
    if "step" in chosen:
        pair["flow"] = flow_between(
            decode_disparity(chosen["hr_disparity"]),
            decode_disparity(chosen["ref_disparity"]),
            chosen["step"],
        )
    return pair


def decode_disparity(png: tf.Tensor) -> tf.Tensor:
    """Decodes a view's disparity from a 16-bit PNG.

    Args:
        png: scalar string. A value p stands for (p - 32768) / 1024, 0 for
            unknown.

    Returns:
        `[H, W]` float32, pixels per view step; NaN where unknown.
    """
    values = tf.io.decode_png(png, channels=1, dtype=tf.uint16)[..., 0]
    values = tf.cast(values, tf.float32)
    disparity = (values - DISPARITY_ZERO) / DISPARITY_STEPS
    return tf.where(values > 0, disparity, float("nan"))


def flow_between(
    disparity: tf.Tensor, ref_disparity: tf.Tensor, step: tf.Tensor
) -> tf.Tensor:
    """Flow from one view to another, and where it can be trusted.

    Args:
        disparity: `[H, W]` float32 of the view that the flow starts from,
            pixels per view step; NaN where unknown.
        ref_disparity: `[H, W]` float32 of the view that it points into.
        step: `[2]` integers, columns and rows from the first view to the
            second.

    Returns:
        `[H, W, 3]` float32: dx, dy in pixels, and a weight: 1 where the
        point is seen in the other view, 0 where it leaves the picture, is
        hidden there, or is unknown (dx and dy are 0 where unknown).
    """
    known = tf.math.is_finite(disparity)
    disparity = tf.where(known, disparity, 0.0)
    step = tf.cast(step, tf.float32)
    dx, dy = disparity * step[0], disparity * step[1]
    height, width = tf.shape(dx)[0], tf.shape(dx)[1]
    x = tf.cast(tf.range(width), tf.float32) + dx
    y = tf.cast(tf.range(height), tf.float32)[:, None] + dy
    column = tf.clip_by_value(tf.cast(tf.round(x), tf.int32), 0, width - 1)
    row = tf.clip_by_value(tf.cast(tf.round(y), tf.int32), 0, height - 1)
    there = tf.gather(tf.reshape(ref_disparity, [-1]), row * width + column)
    same = tf.abs(there - disparity) <= OCCLUSION_TOLERANCE
    weight = tf.cast(known & same & points_inside(dx, dy), tf.float32)
    return tf.stack([dx, dy, weight], axis=-1)


def points_inside(dx: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """Where a flow points into the picture.

    Args:
        dx: `[H, W]` float32, pixels.
        dy: `[H, W]` float32, pixels.

    Returns:
        `[H, W]` bool.
    """
    height, width = tf.shape(dx)[0], tf.shape(dx)[1]
    x = tf.cast(tf.range(width), tf.float32)
    y = tf.cast(tf.range(height), tf.float32)[:, None]
    across = (dx >= -x) & (dx <= tf.reverse(x, [0]))
    return across & (dy >= -y) & (dy <= tf.reverse(y, [0]))
