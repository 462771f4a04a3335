"""One tensor, or several that count as put together."""

import numpy as np
import tensorflow as tf

from crossnet_tf.model import listed


def test_single_ones_are_not_copied():
    one = tf.ones([1, 2, 3, 4])
    assert listed.together(one) is listed.together([one]) is one
    assert listed.apart(one, one) == [one]
    assert listed.listed(one) == listed.listed((one,)) == [one]


def test_together_and_apart_roundtrip(rng):
    parts = [
        tf.constant(rng.normal(size=(2, 3, 4, count)), tf.float32)
        for count in (3, 1, 5)
    ]
    whole = listed.together(parts)
    assert listed.channels(parts) == [3, 1, 5]
    assert tuple(whole.shape) == listed.shape_together(
        [tuple(part.shape) for part in parts]
    )
    for part, again in zip(parts, listed.apart(whole, parts), strict=True):
        np.testing.assert_array_equal(part, again)


def test_shape_of_one():
    assert listed.shape_together((None, 8, 12, 3)) == (None, 8, 12, 3)
