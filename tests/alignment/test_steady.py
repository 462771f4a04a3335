"""Frames of a video are prepared as pictures are, and alike."""

import numpy as np
import pytest
import skimage.data

from crossnet_tf import alignment
from crossnet_tf.alignment import sampling

PHOTO = np.float32(skimage.data.astronaut() / 255)
REF = PHOTO[100:356, 100:356] ** 1.25


def _frame(moved, rng=None):
    hr = PHOTO[100:356, 100 + moved : 356 + moved]
    noise = 0 if rng is None else rng.normal(0, 0.004, [64, 64, 3])
    lr = np.clip(sampling.resized(hr, 64, 64) + noise, 0, 1)
    return lr.astype(np.float32)


def test_a_frame_is_prepared_as_a_picture_agrees():
    frame = _frame(0)
    once = alignment.prepare(frame, REF, 4)
    again = alignment.SteadyRef(REF, 4)(frame)
    assert "tone" in again.notes
    np.testing.assert_array_equal(again.ref, once.ref)
    np.testing.assert_array_equal(again.lr, once.lr)


def test_what_was_found_is_kept_while_the_camera_stands(rng, monkeypatch):
    prepares = alignment.SteadyRef(REF, 4)
    first = prepares(_frame(0))
    monkeypatch.setattr(prepares, "_anew", None)
    for moved in (0, 1, 2):
        assert prepares(_frame(moved, rng)).ref is first.ref


def test_a_camera_that_moves_is_followed():
    zoomed = np.clip(sampling.resized(PHOTO[80:400, 60:480], 400, 525), 0, 1)
    prepares = alignment.SteadyRef(zoomed, 4)
    for moved in (0, 40, 80):
        pair = prepares(_frame(moved))
        hr = PHOTO[100:356, 100 + moved : 356 + moved]
        shown = np.ones([256, 256], bool) if pair.cover is None else pair.cover
        assert np.abs(pair.ref - hr)[shown].mean() < 0.05


def test_a_lost_frame_keeps_what_was_found(rng):
    zoomed = np.clip(sampling.resized(PHOTO[80:400, 60:480], 400, 525), 0, 1)
    prepares = alignment.SteadyRef(zoomed, 4)
    first = prepares(_frame(0))
    lost = prepares(rng.random([64, 64, 3]).astype(np.float32))
    np.testing.assert_array_equal(lost.ref.shape, first.ref.shape)
    noise = rng.random([64, 64, 3]).astype(np.float32)
    with pytest.raises(ValueError, match="REF must show"):
        alignment.SteadyRef(zoomed, 4)(noise)


def test_nothing_asked_identity():
    prepares = alignment.SteadyRef(REF, 4, "none", "none")
    frame = _frame(0)
    pair = prepares(frame)
    assert pair.ref is REF
    assert pair.lr is frame
