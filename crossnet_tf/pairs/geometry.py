"""Augmentation of training samples: cuts, shifts, flips and turns.

A sample is a dict of single images (no batch axis): `hr` and `ref` `[H, W, 3]`,
optionally `lr` `[H / scale, W / scale, 3]` and `flow` `[H, W, 3]` (dx, dy and
a weight, HR to REF). Every function here returns a new sample in which the flow
still tells the truth about the images:

    hr(x, y) = ref(x + dx, y + dy)    where the weight is 1.

The functions named `random_*` draw from a stateless seed and call the plain
ones. All work eagerly and inside `tf.data`. Other light is in `color`.

Differs from the paper's released code, where "flip" swaps red and blue, one
draw serves a whole batch, and the border uncovered by a shift keeps its
unshifted pixels: here flips flip, each sample has its own draws, and a shifted
crop shows what the picture has there.
"""

import tensorflow as tf

from crossnet_tf.pairs import light_fields

Sample = dict[str, tf.Tensor]

IMAGES = ("hr", "ref", "lr", "flow")


def cut(
    sample: Sample,
    top: tf.Tensor,
    left: tf.Tensor,
    height: tf.Tensor,
    width: tf.Tensor,
    shift: tf.Tensor = (0, 0),
    scale: int = 1,
) -> Sample:
    """Cuts a crop out of HR, and a shifted one out of REF.

    out_ref(x, y) = ref(left + x + shift_x, top + y + shift_y), with places
    outside the picture clamped to its border; the flow changes by -shift,
    and its weight is 0 where it leaves the crop.

    Args:
        sample: images of equal size, any dtype.
        top: first row of the crop in HR; a multiple of `scale` if the sample
            has `lr`.
        left: first column.
        height: of the crop, pixels of HR.
        width: of the crop.
        shift: (shift_x, shift_y), pixels; parallax that is added to REF's.
        scale: HR size / LR size; needed if the sample has `lr`.

    Returns:
        The sample, `[height, width, 3]` each (`lr` smaller by `scale`).
    """
    out = dict(sample)
    shift_x, shift_y = shift[0], shift[1]
    out["hr"] = sample["hr"][top : top + height, left : left + width]
    rows, cols = tf.shape(sample["ref"])[0], tf.shape(sample["ref"])[1]
    y = tf.clip_by_value(top + shift_y + tf.range(height), 0, rows - 1)
    x = tf.clip_by_value(left + shift_x + tf.range(width), 0, cols - 1)
    out["ref"] = tf.gather(tf.gather(sample["ref"], y, axis=0), x, axis=1)
    if "lr" in sample:
        first, start = top // scale, left // scale
        out["lr"] = sample["lr"][
            first : first + height // scale, start : start + width // scale
        ]
    if "flow" in sample:
        flow = sample["flow"][top : top + height, left : left + width]
        dx = flow[..., 0] - tf.cast(shift_x, tf.float32)
        dy = flow[..., 1] - tf.cast(shift_y, tf.float32)
        inside = tf.cast(light_fields.points_inside(dx, dy), tf.float32)
        out["flow"] = tf.stack([dx, dy, flow[..., 2] * inside], axis=-1)
    return out


def flip(sample: Sample, across: tf.Tensor, down: tf.Tensor) -> Sample:
    """Mirrors all images, left-right if `across`, up-down if `down`.

    Args:
        sample: as above.
        across: scalar bool; dx changes its sign.
        down: scalar bool; dy changes its sign.

    Returns:
        The sample, sizes unchanged.
    """
    out = dict(sample)
    for name in IMAGES:
        if name in sample:
            image = _reverse_if(across, sample[name], axis=1)
            out[name] = _reverse_if(down, image, axis=0)
    if "flow" in sample:
        signs = tf.stack([tf.where(across, -1, 1), tf.where(down, -1, 1), 1])
        out["flow"] *= tf.cast(signs, tf.float32)
    return out


def turn(sample: Sample, quarters: tf.Tensor) -> Sample:
    """Turns all images by `quarters` times 90 degrees, counter-clockwise.

    A quarter turn brings pixel (x, y) of a picture of width W to
    (y, W - 1 - x), and so a displacement (dx, dy) to (dy, -dx).

    Args:
        sample: as above.
        quarters: scalar int32, 0 to 3.

    Returns:
        The sample; odd `quarters` swap height and width.
    """
    out = dict(sample)
    for name in IMAGES:
        if name in sample:
            out[name] = tf.image.rot90(sample[name], quarters)
    if "flow" in sample:
        cos = tf.gather([1.0, 0.0, -1.0, 0.0], quarters)
        sin = tf.gather([0.0, 1.0, 0.0, -1.0], quarters)
        change = tf.reshape(
            tf.stack([cos, -sin, 0.0, sin, cos, 0.0, 0.0, 0.0, 1.0]), [3, 3]
        )
        out["flow"] = tf.tensordot(out["flow"], change, 1)
    return out


def random_cut(
    sample: Sample,
    seed: tf.Tensor,
    height: tf.Tensor,
    width: tf.Tensor,
    anywhere: bool,
    max_shift: int,
    scale: int = 1,
) -> Sample:
    """`cut` at the top left or `anywhere`, with a shift of +- `max_shift`."""
    size = tf.shape(sample["hr"])
    top, left = tf.zeros([], tf.int32), tf.zeros([], tf.int32)
    if anywhere:
        step = scale if "lr" in sample else 1
        top = step * _draw(seed, 0, (size[0] - height) // step + 1)
        left = step * _draw(seed, 1, (size[1] - width) // step + 1)
    shift = tf.zeros([2], tf.int32)
    if max_shift:
        shift = tf.stack([_draw(seed, i, 2 * max_shift + 1) for i in (2, 3)])
        shift -= max_shift
    return cut(sample, top, left, height, width, shift, scale)


def random_flip(sample: Sample, seed: tf.Tensor) -> Sample:
    """`flip`, each way with probability 1/2."""
    return flip(sample, _draw(seed, 0, 2) == 0, _draw(seed, 1, 2) == 0)


def random_quarters(
    seed: tf.Tensor, size: tf.Tensor, height: int, width: int
) -> tf.Tensor:
    """Draws a number of quarter turns for a crop of `height` x `width`.

    Odd ones need a crop of `width` x `height` before the turn; they are
    drawn only where the picture, of `size` (rows, columns), has it.

    Returns:
        Scalar int32, 0 to 3.
    """
    fits = (size[0] >= width) & (size[1] >= height)
    any_turn, half_turn = _draw(seed, 0, 4), 2 * _draw(seed, 1, 2)
    return tf.where(fits, any_turn, half_turn)


def _reverse_if(condition: tf.Tensor, image: tf.Tensor, axis: int) -> tf.Tensor:
    return tf.cond(
        tf.convert_to_tensor(condition),
        lambda: tf.reverse(image, [axis]),
        lambda: image,
    )


def _fold(seed: tf.Tensor, number: int) -> tf.Tensor:
    return tf.random.fold_in(seed, number)


def _draw(seed: tf.Tensor, number: int, stop: tf.Tensor | int) -> tf.Tensor:
    """A random integer in [0, stop)."""
    return tf.random.stateless_uniform(
        [], _fold(seed, number), 0, stop, dtype=tf.int32
    )
