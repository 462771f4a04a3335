"""Training pairs whose REF is of no use.

A network that only ever sees good references learns to trust all of them.
`random_wrong_ref` now and then replaces REF by what users hand in by
mistake: a black or evenly coloured picture, noise, another picture (here the
same one mirrored, or turned upside down with red and blue exchanged), or one
that shows no more than LR does. The flow's weight is 0 then, and the image
loss teaches to do without REF.
"""

import tensorflow as tf

from crossnet_tf.ops.resampling import matched_blur
from crossnet_tf.pairs.geometry import Sample


def random_wrong_ref(
    sample: Sample, seed: tf.Tensor, probability: float, scale: int
) -> Sample:
    """Replaces REF with the given probability.

    Args:
        sample: dict of `ref` `[H, W, 3]` float32 in [0, 1] and others; `flow`
            `[H, W, 3]` if known.
        seed: stateless seed, shape `[2]`.
        probability: between 0 and 1.
        scale: HR size / LR size.

    Returns:
        A new sample.
    """
    seeds = [tf.random.fold_in(seed, number) for number in range(4)]
    wrong = tf.random.stateless_uniform([], seeds[0]) < probability
    kind = tf.random.stateless_uniform([], seeds[1], 0, 6, tf.int32)
    ref = sample["ref"]
    even = tf.random.stateless_uniform([1, 1, 3], seeds[2])
    choices = [
        lambda: tf.zeros_like(ref),
        lambda: tf.zeros_like(ref) + even,
        lambda: tf.random.stateless_uniform(tf.shape(ref), seeds[3]),
        lambda: tf.reverse(ref, [0, 1, 2]),
        lambda: tf.reverse(ref, [1]),
        lambda: matched_blur(ref[None], scale)[0],
    ]
    out = dict(sample)
    out["ref"] = tf.ensure_shape(
        tf.cond(wrong, lambda: tf.switch_case(kind, choices), lambda: ref),
        ref.shape,
    )
    if "flow" in sample:
        keep = 1.0 - tf.cast(wrong, tf.float32)
        out["flow"] = sample["flow"] * tf.stack([1.0, 1.0, keep])
    return out
