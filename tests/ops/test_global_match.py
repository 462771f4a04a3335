"""Search for the best whole shift."""

import numpy as np

from crossnet_tf.ops.global_match import global_match


def test_it_finds_a_shift_golden(rng):
    wide = rng.random((2, 32, 40, 3)).astype(np.float32)
    target, source = wide[:, 8:24, 8:32], wide[:, 5:21, 10:34]
    flow = global_match(target, source, 4).numpy()
    assert flow.shape == (2, 16, 24, 2)
    expected = np.broadcast_to(np.float32([-2, 3]), flow.shape)
    inside = np.s_[:, 6:-6, 6:-6]
    np.testing.assert_allclose(flow[inside], expected[inside], atol=0.05)


def test_without_texture_it_stays_identity():
    images = np.full((1, 16, 16, 3), 0.5, np.float32)
    flow = global_match(images, images, 2).numpy()
    np.testing.assert_allclose(flow[:, 4:-4, 4:-4], 0.0, atol=1e-4)
