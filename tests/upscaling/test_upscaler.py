"""Tiles give what the whole picture gives, and memory that runs out does not
end the work.
"""

import numpy as np
import pytest
import tensorflow as tf
from small_network import STRIDE, build_small_model

from crossnet_tf import config
from crossnet_tf.baselines.registry import build_model
from crossnet_tf.model.base import named
from crossnet_tf.upscaling.upscaler import Upscaler

OUTPUTS = ("sr", "lr_up", "flow_0")


@pytest.fixture
def model():
    return build_small_model(config.ModelConfig())


def _pair(height, width, rng, scale=4):
    lr = rng.random((height // scale, width // scale, 3), np.float32)
    return lr, rng.random((height, width, 3), np.float32)


def _whole(model, lr, ref):
    outputs = named(model({"lr": lr[None], "ref": ref[None]}))
    return {name: outputs[name][0].numpy() for name in OUTPUTS}


@pytest.mark.parametrize("size", [(64, 200), (148, 60), (132, 180)])
@pytest.mark.parametrize("max_side", [64, 80, 112])
def test_tiles_agree_with_the_whole(model, size, max_side, rng):
    lr, ref = _pair(*size, rng)
    upscaler = Upscaler(model, max_side, margin=STRIDE)
    tiled = upscaler(lr, ref, OUTPUTS)
    whole = _whole(model, lr, ref)
    # The small network looks 6 pixels around (flow up to 2) and the margin
    # is 16: the tiles differ by rounding alone.
    for name in OUTPUTS:
        np.testing.assert_allclose(tiled[name], whole[name], atol=1e-5)


def test_no_input_is_larger_than_allowed(model, rng, monkeypatch):
    upscaler = Upscaler(model, 80, margin=STRIDE)
    sizes = []
    run = upscaler._run

    def note(lr, ref, *more):
        sizes.append(ref.shape[:2])
        return run(lr, ref, *more)

    monkeypatch.setattr(upscaler, "_run", note)
    upscaler(*_pair(160, 300, rng))
    assert len(sizes) > 6
    assert np.max(sizes) <= 80


def test_margin_too_small_shows(model, rng):
    lr, ref = _pair(64, 200, rng)
    tiled = Upscaler(model, 64, margin=0)(lr, ref)["sr"]
    difference = np.abs(tiled - _whole(model, lr, ref)["sr"])
    assert difference.max() > 1e-3


def test_small_picture_is_not_cut(model, rng):
    lr, ref = _pair(64, 64, rng)
    upscaler = Upscaler(model, 64, margin=STRIDE)
    upscaler._tiled = None
    np.testing.assert_allclose(
        upscaler(lr, ref)["sr"], _whole(model, lr, ref)["sr"], atol=1e-6
    )


def test_network_of_the_paper_agrees_within_tolerance(tiny_config, rng):
    # Its receptive field is wider than any margin, so that tiles and whole
    # differ by what lies beyond: little, also before training.
    model = build_model(tiny_config.model)
    lr, ref = _pair(256, 384, rng)
    ref = np.asarray(tf.image.resize(lr, ref.shape[:2], "bicubic"))
    tiled = Upscaler(model, 320, margin=64)(lr, ref, OUTPUTS)
    whole = _whole(model, lr, ref)
    for name, tolerance in (("sr", 0.02), ("lr_up", 1e-5), ("flow_0", 0.02)):
        np.testing.assert_allclose(tiled[name], whole[name], atol=tolerance)


@pytest.mark.parametrize(
    "error",
    [MemoryError, lambda: tf.errors.ResourceExhaustedError(None, None, "OOM")],
)
@pytest.mark.parametrize("max_side", [0, 128])
def test_memory_that_runs_out_halves_the_tile(model, rng, error, max_side):
    lr, ref = _pair(144, 208, rng)
    upscaler = Upscaler(model, max_side, margin=STRIDE)
    network, failed = upscaler._network, []

    def scarce(lr, ref):
        if ref.shape[1] * ref.shape[2] > 80 * 80:
            failed.append(ref.shape)
            raise error()
        return network(lr, ref)

    upscaler._network = scarce
    result = upscaler(lr, ref)["sr"]
    assert failed
    np.testing.assert_allclose(result, _whole(model, lr, ref)["sr"], atol=1e-5)


def test_progress_counts_the_tiles(model, rng):
    lr, ref = _pair(144, 208, rng)
    seen = []
    tiled = Upscaler(model, 80, margin=STRIDE)
    tiled(lr, ref, progress=lambda *numbers: seen.append(numbers))
    total = seen[0][1]
    assert total > 4
    assert seen == [(number, total) for number in range(1, total + 1)]
    seen.clear()
    Upscaler(model)(lr, ref, progress=lambda *numbers: seen.append(numbers))
    assert not seen, "a picture done at once has no tiles"


def test_no_memory_at_all_rejects(model, rng):
    upscaler = Upscaler(model, 128, margin=STRIDE)

    def never(lr, ref):
        raise MemoryError

    upscaler._network = never
    with pytest.raises(MemoryError, match="smallest tile"):
        upscaler(*_pair(144, 208, rng))


def test_sizes_reject(model):
    with pytest.raises(ValueError, match="margin=-1"):
        Upscaler(model, margin=-1)
    with pytest.raises(ValueError, match="at least 288 .*max_side=200"):
        Upscaler(model, 200, margin=128)


@pytest.mark.parametrize("max_side", [0, 80])
def test_where_ref_shows_nothing_lr_up_is_left(model, rng, max_side):
    lr, ref = _pair(144, 208, rng)
    cover = np.zeros([144, 208], bool)
    cover[:, 100:] = True
    upscaler = Upscaler(model, max_side, margin=STRIDE)
    whole = _whole(model, lr, ref)
    result = upscaler(lr, ref, OUTPUTS, cover)
    x = np.arange(208)[None, :] + whole["flow_0"][..., 0]
    np.testing.assert_allclose(
        result["sr"][x < 98.9], whole["lr_up"][x < 98.9], atol=1e-5
    )
    far = (x > 100.1) & (x < 207)
    np.testing.assert_allclose(
        result["sr"][far & (whole["flow_0"][..., 1] == 0)],
        whole["sr"][far & (whole["flow_0"][..., 1] == 0)],
        atol=1e-5,
    )
    np.testing.assert_array_equal(
        upscaler(lr, ref, OUTPUTS, np.ones_like(cover))["sr"],
        upscaler(lr, ref, OUTPUTS)["sr"],
    )


@pytest.mark.parametrize("max_side", [0, 80])
def test_share_is_of_what_ref_adds(model, rng, max_side):
    lr, ref = _pair(144, 208, rng)
    upscaler = Upscaler(model, max_side, margin=STRIDE)
    whole = _whole(model, lr, ref)

    def share(lr, ref, flow):
        assert flow.shape == (*ref.shape[:2], 2)
        assert ref.shape[0] == 4 * lr.shape[0]
        return np.full(ref.shape[:2], 0.25, np.float32)

    result = upscaler(lr, ref, OUTPUTS, share=share)
    expected = 0.75 * whole["lr_up"] + 0.25 * whole["sr"]
    np.testing.assert_allclose(result["sr"], expected, atol=1e-5)
    np.testing.assert_allclose(result["lr_up"], whole["lr_up"], atol=1e-5)
    all_of_it = upscaler(lr, ref, share=lambda *pair: None)["sr"]
    np.testing.assert_allclose(all_of_it, whole["sr"], atol=1e-5)


def test_hold_can_be_left_out(model, rng):
    lr, ref = _pair(64, 96, rng)
    upscaler = Upscaler(model)
    outputs = _whole(model, lr, ref)
    others = {n: tf.constant(p[None] + 1) for n, p in outputs.items()}
    upscaler._without_hold = lambda lr, ref: others
    held = upscaler(lr, ref)["sr"]
    free = upscaler(lr, ref, holds=False)["sr"]
    np.testing.assert_allclose(held, outputs["sr"], atol=1e-5)
    np.testing.assert_allclose(free, outputs["sr"] + 1, atol=1e-5)
