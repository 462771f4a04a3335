"""Every kind of array that users hold means the same picture."""

import numpy as np
import pytest
import skimage.data

import crossnet_tf
from crossnet_tf import alignment, arrays, images
from crossnet_tf.alignment import sampling

PHOTO = skimage.data.astronaut()[40:296, 100:356]
LR = np.uint8(np.round(PHOTO.reshape(64, 4, 64, 4, 3).mean((1, 3))))
# A quarter turn, so that REF must be moved.
REF = np.rot90(PHOTO).copy()
KINDS = {"uint8": (np.uint8, 255), "uint16": (np.uint16, 65535),
         "float32": (np.float32, 1), "float64": (np.float64, 1)}  # fmt: skip


def _as(picture: np.ndarray, kind: str) -> np.ndarray:
    dtype, top = KINDS[kind]
    return (picture / 255 * top + 0.5 * (top > 1)).astype(dtype)


@pytest.mark.parametrize("kind", KINDS)
def test_align_takes_each_kind(kind):
    found = crossnet_tf.align(_as(LR, kind), _as(REF, kind), 4)
    assert found.verdict == "aligned"
    assert found.ref.dtype == np.float32
    np.testing.assert_allclose(found.ref, PHOTO / 255, atol=1e-3)


def test_lr_and_ref_may_be_of_two_kinds():
    found = crossnet_tf.align(LR, _as(REF, "float64"), 4)
    assert found.verdict == "aligned"


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 1)])
def test_align_takes_grey(shape):
    grey = LR[..., 1].reshape(shape)
    assert crossnet_tf.align(grey, REF[..., 1], 4).verdict == "aligned"


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_all_of_alignment_takes_each_kind(kind):
    """`match`, `prepare` and `SteadyRef` see what they see in floats."""
    lr, ref = LR, np.uint8(255 * (PHOTO / 255) ** 1.25 + 0.5)
    seen = []
    for one in (kind, "float32"):
        pair = _as(lr, one), _as(ref, one)
        matched = alignment.match(*pair, np.full(ref.shape[:2], 255, np.uint8))
        ready = alignment.prepare(*pair, 4)
        steady = alignment.SteadyRef(pair[1], 4)(pair[0])
        seen.append((matched.ref, matched.lr, ready.ref, steady.ref))
    for ours, theirs in zip(*seen):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, atol=2e-3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.float32(LR), r"`lr` must be float in \[0, 1\].*divide"),
        (LR.astype(np.int64), "`lr` must be uint8.*int64"),
        (np.full(LR.shape, np.nan), "`lr` must be finite"),
        (np.zeros([4, 5, 4], np.uint8), r"`lr` must be.*\(4, 5, 4\)"),
    ],
)
def test_what_is_no_picture_rejects(wrong, message):
    with pytest.raises(ValueError, match=message) as caught:
        crossnet_tf.align(wrong, REF, 4)
    assert "\n" not in str(caught.value)


def test_overshoot_is_clipped():
    over = sampling.resized(LR / np.float32(255), 32, 32) * 1.2 - 0.1
    assert over.min() < 0
    assert over.max() > 1
    np.testing.assert_array_equal(arrays.rgb("lr", over), np.clip(over, 0, 1))


def test_networks_reject_whole_numbers():
    model = crossnet_tf.CrossNet.from_preset(
        "paper", upsampler="bicubic", flow_width=8, width=8
    )
    inputs = {"lr": LR[None], "ref": PHOTO[None]}
    with pytest.raises(ValueError, match="`lr` must be float.*uint8"):
        model(inputs)


def test_writing_rejects_floats_of_eight_bits(tmp_path):
    with pytest.raises(ValueError, match="divide by what is white"):
        images.write_image(tmp_path / "a.png", np.float32(PHOTO))
