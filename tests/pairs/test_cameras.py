"""Other cameras, and other ways to make LR."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf import config
from crossnet_tf.ops.resizing import make_lr
from crossnet_tf.pairs import cameras, lr_filters


def _seed(number):
    return tf.constant([number, 3])


def _photo(height=32, width=48):
    y, x = np.mgrid[:height, :width] / 16.0
    waves = [
        0.5 + 0.3 * np.sin(3 * x + k) * np.cos(2 * y - k) for k in (0, 1, 2)
    ]
    return tf.constant(np.stack(waves, axis=-1), tf.float32)


def test_other_camera_changes_ref_alone():
    # HR that has its own LR stays as it is.
    pair = {"hr": _photo(), "ref": _photo(), "lr": _photo(8, 12)}
    for number in range(8):
        out = cameras.random_other_camera(pair, _seed(number), 1.0)
        np.testing.assert_array_equal(out["hr"], pair["hr"])
        ref = out["ref"].numpy()
        assert ref.shape == (32, 48, 3)
        assert ref.min() >= 0
        assert ref.max() <= 1
        assert np.abs(ref - pair["ref"]).max() > 1e-3


def test_other_camera_keeps_the_scene():
    # Whatever the camera did, its picture goes up where the scene does.
    ref = _photo()
    for number in range(8):
        out = cameras.random_other_camera(
            {"hr": ref, "ref": ref}, _seed(number), 1.0
        )
        both = ref.numpy().ravel(), out["ref"].numpy().ravel()
        assert np.corrcoef(*both)[0, 1] > 0.8


def test_other_camera_is_as_frequent_as_asked():
    ref = _photo(16, 16)
    seeds = tf.data.Dataset.range(60).map(lambda i: tf.stack([i, 5]))
    out = seeds.map(
        lambda seed: cameras.random_other_camera(
            {"hr": ref, "ref": ref}, seed, 0.3
        )["ref"]
    )
    changed = [np.any(one != ref) for one in out.as_numpy_iterator()]
    assert 8 <= sum(changed) <= 30
    never = cameras.random_other_camera({"hr": ref, "ref": ref}, _seed(0), 0.0)[
        "ref"
    ]
    np.testing.assert_array_equal(never, ref)


def test_hr_is_softer_in_some():
    rng = np.random.default_rng(1)
    hr = tf.constant(rng.uniform(size=[16, 16, 3]), tf.float32)
    left = [
        cameras.random_other_camera({"hr": hr, "ref": hr}, _seed(n), 1.0)["hr"]
        for n in range(12)
    ]
    deviations = [one.numpy().std() / hr.numpy().std() for one in left]
    assert 2 <= sum(d == 1 for d in deviations) <= 10
    assert min(deviations) < 0.8


def test_noise_is_small_and_rare():
    lr = tf.constant(0.5, shape=[16, 16, 3])
    differences = [
        np.abs(cameras.random_noise(lr, _seed(n), 1.0).numpy() - 0.5).std()
        for n in range(40)
    ]
    assert 10 <= sum(d == 0 for d in differences) <= 30
    assert max(differences) < cameras.LR_NOISE


@pytest.mark.parametrize("name", config.LR_FILTERS)
@pytest.mark.parametrize("scale", [2, 8])
def test_filters_keep_what_is_even(name, scale):
    hr = tf.ones([32, 48, 3]) * tf.constant([0.2, 0.4, 0.8])
    lr = lr_filters.random_lr(hr, scale, (name,), _seed(1)).numpy()
    assert lr.shape == (32 // scale, 48 // scale, 3)
    # A codec rounds colours.
    near = 4 / 255 if name == "jpeg" else 0.51 / 255
    np.testing.assert_allclose(lr, lr * 0 + hr[0, 0], atol=near)


def test_cubic_is_the_published_protocol():
    lr = lr_filters.random_lr(_photo(), 4, ("cubic",), _seed(2))
    np.testing.assert_array_equal(lr, make_lr(_photo(), 4))


def test_box_golden():
    hr = tf.reshape(tf.range(16.0) * 4 / 255, [4, 4, 1]) * tf.ones([1, 1, 3])
    lr = lr_filters.random_lr(hr, 2, ("box",), _seed(0))[..., 0] * 255
    np.testing.assert_allclose(lr, [[10, 18], [42, 50]], atol=1e-3)


def test_soft_and_linear_differ_as_they_should():
    hr = np.zeros([32, 32, 3], np.float32)
    hr[:, 16:] = 1
    hr = tf.constant(hr)
    cubic = make_lr(hr, 4).numpy()
    soft = lr_filters.random_lr(hr, 4, ("gaussian",), _seed(0)).numpy()
    linear = lr_filters.random_lr(hr, 4, ("linear",), _seed(0)).numpy()
    steepest = [np.diff(lr, axis=1).max() for lr in (cubic, soft)]
    assert steepest[1] < steepest[0] - 0.02
    # Half of the light looks brighter than half of the code.
    assert linear.mean() > cubic.mean() + 0.005


def test_filters_are_drawn(rng):
    hr = tf.constant(rng.uniform(size=[16, 16, 3]), tf.float32)
    drawn = {
        lr_filters.random_lr(hr, 4, ("cubic", "box"), _seed(n))
        .numpy()
        .tobytes()
        for n in range(12)
    }
    made = [make_lr(hr, 4), lr_filters.random_lr(hr, 4, ("box",), _seed(0))]
    assert drawn == {lr.numpy().tobytes() for lr in made}


def test_a_phone_sharpens_what_is_coarser():
    """With the same blur, steps across some pixels gain contrast."""
    step = np.repeat(np.float32([0.4, 0.6]), 8)
    hr = tf.constant(np.tile(step[None, :, None], [16, 1, 3]))
    share = tf.constant(0.5)
    soft, sharpened = (
        cameras._softer(hr, share, tf.constant(amount)).numpy()
        for amount in (0.0, 1.0)
    )
    assert np.ptp(sharpened) > 1.1 * np.ptp(soft)
    np.testing.assert_allclose(sharpened.mean(), soft.mean(), atol=1e-3)
