"""References that are of no use, in training pairs."""

import numpy as np
import tensorflow as tf

from crossnet_tf.ops.resampling import matched_blur
from crossnet_tf.pairs import wrong_ref


def _pair(rng):
    return {
        "hr": tf.constant(rng.random((16, 24, 3), np.float32)),
        "ref": tf.constant(rng.random((16, 24, 3), np.float32)),
        "flow": tf.ones([16, 24, 3]),
    }


def test_wrong_ref_kinds(rng):
    pair = _pair(rng)
    ref = pair["ref"].numpy()
    soft = matched_blur(pair["ref"][None], 4)[0].numpy()
    seen = set()
    for seed in range(40):
        out = wrong_ref.random_wrong_ref(pair, tf.constant([seed, 7]), 1.0, 4)
        value = out["ref"].numpy()
        np.testing.assert_array_equal(out["hr"], pair["hr"])
        np.testing.assert_array_equal(out["flow"][..., 2], 0.0)
        assert not np.array_equal(value, ref)
        if not value.any():
            seen.add("black")
        elif (value == value[0, 0]).all():
            seen.add("even")
        elif np.array_equal(value, ref[::-1, ::-1, ::-1]):
            seen.add("other")
        elif np.array_equal(value, ref[:, ::-1]):
            seen.add("mirrored")
        elif np.allclose(value, soft, atol=1e-6):
            seen.add("soft")
        else:
            seen.add("noise")
    assert seen == {"black", "even", "other", "mirrored", "soft", "noise"}


def test_wrong_ref_share(rng):
    pair = _pair(rng)
    replaced = 0
    for seed in range(200):
        out = wrong_ref.random_wrong_ref(pair, tf.constant([seed, 1]), 0.25, 4)
        changed = not np.array_equal(out["ref"], pair["ref"])
        weight = float(out["flow"][0, 0, 2])
        assert weight == (0.0 if changed else 1.0)
        replaced += changed
    assert 25 <= replaced <= 80


def test_wrong_ref_never_identity(rng):
    pair = _pair(rng)
    out = wrong_ref.random_wrong_ref(pair, tf.constant([3, 1]), 0.0, 4)
    for name in pair:
        np.testing.assert_array_equal(out[name], pair[name])
