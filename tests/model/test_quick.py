"""Preset `quick`: closed form is right before anything is learned."""

import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.baselines import registry
from crossnet_tf.config import model_config
from crossnet_tf.model import grid_flow, grid_steps, holding
from crossnet_tf.ops import resampling, resizing, tone


def _picture(size: int) -> np.ndarray:
    """Texture of all sizes."""
    rng = np.random.default_rng(3)
    total = np.zeros((1, size, size, 3), np.float32)
    for step in (1, 4, 16):
        noise = rng.random((1, size // step + 1, size // step + 1, 3))
        total += tf.image.resize(noise, (size, size), "bicubic").numpy()
    return np.clip(total / 3, 0, 1)


def _pair(scale: int, dx: int = 3, dy: int = -2, size: int = 128):
    wide = _picture(size + 32)
    inside = np.s_[:, 16 : 16 + size, 16 : 16 + size]
    hr, ref = wide[inside], np.roll(wide, (dy, dx), (1, 2))[inside]
    return hr, {"lr": resizing.make_lr(hr, scale).numpy(), "ref": ref}


def _model(scale: int = 4, **changes):
    changes = {"upsampler": "bicubic", "flow_steps": 2, **changes}
    return registry.build_model(
        model_config("quick", scale=scale, width=8, flow_width=8, **changes)
    )


def _error(image, hr) -> float:
    middle = np.s_[:, 16:-16, 16:-16]
    return float(np.mean(np.square(np.asarray(image)[middle] - hr[middle])))


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_untrained_it_aligns(scale):
    hr, inputs = _pair(scale)
    outputs = _model(scale)(inputs)
    flow = np.asarray(outputs["flows"][0])[:, 16:-16, 16:-16]
    np.testing.assert_allclose(np.median(flow, (0, 1, 2)), [3, -2], atol=0.1)
    assert _error(outputs["sr"], hr) < 0.2 * _error(outputs["lr_up"], hr)


def test_another_tone_costs_little():
    hr, inputs = _pair(4)
    model = _model()
    same = _error(model(inputs)["sr"], hr)
    other = {**inputs, "ref": 0.1 + 0.8 * inputs["ref"] ** np.float32(1.3)}
    lr_up = _error(model(inputs)["lr_up"], hr)
    assert _error(model(other)["sr"], hr) - same < 0.1 * lr_up


@pytest.mark.parametrize("useless", ["black", "noise", "enlarged"])
def test_a_useless_ref_is_left_out(useless):
    hr, inputs = _pair(4)
    ref = {
        "black": np.zeros_like(hr),
        "noise": np.random.default_rng(0).random(hr.shape, np.float32),
        "enlarged": np.clip(resizing.upscale_cubic(inputs["lr"], 4), 0, 1),
    }[useless]
    outputs = _model()({**inputs, "ref": ref})
    assert _error(outputs["sr"], hr) < 1.05 * _error(outputs["lr_up"], hr)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_flat_pictures_stay_finite(value):
    inputs = {
        "lr": np.full((1, 4, 5, 3), value, np.float32),
        "ref": np.full((1, 16, 20, 3), 1 - value, np.float32),
    }
    outputs = _model()(inputs, training=True)
    assert np.isfinite(outputs["sr"]).all()
    for _, flow in outputs["earlier"]:
        assert np.isfinite(flow).all()


def test_all_weights_learn_from_picture_and_flow():
    hr, inputs = _pair(4, size=64)
    model = _model()
    with tf.GradientTape() as tape:
        outputs = model(inputs, training=True)
        loss = model.objective(inputs, outputs, hr, tf.constant(0.0))
        for _, flow in outputs["earlier"]:
            loss += tf.reduce_sum(tf.abs(flow))
    gradients = tape.gradient(loss, model.trainable_variables)
    for weight, gradient in zip(model.trainable_variables, gradients):
        assert gradient is not None, weight.path
        assert np.isfinite(gradient).all(), weight.path


def test_the_wide_search_reaches_far():
    """30 pixels at full size, where steps alone stay where they are."""
    wide = _picture(192)
    hr, ref = wide[:, 32:160, 32:160], wide[:, 32:160, 2:130]
    lr = resizing.make_lr(hr, 4)
    layer = grid_flow.GridFlow(4, 8, steps=1)
    half, *_ = layer(lr, tf.constant(ref))
    flow = 2 * np.asarray(half)[:, 16:-16, 24:-16]
    np.testing.assert_allclose(np.median(flow, (0, 1, 2)), [30, 0], atol=0.5)


def test_the_finest_step_mends_a_flow_that_is_off_by_less_than_a_pixel():
    """Untrained: even votes for three windows and for none."""
    _, inputs = _pair(4, dx=1, dy=0)
    step = grid_steps.Finest(4, 8)
    half = tf.tile(tf.constant([[[[0.3, 0.1]]]]), [1, 64, 64, 1])
    state = tf.zeros([1, 32, 32, 8])
    curve = tf.linspace(0.0, 1.0, tone.KNOTS)[None, None, :, None]
    curve = tf.tile(curve, [1, 1, 1, 3])
    after = step(inputs["lr"], inputs["ref"], half, state, curve)
    wrong = [
        np.abs(2 * np.median(flow[:, 8:-8, 8:-8], (0, 1, 2)) - [1, 0]).max()
        for flow in (half.numpy(), after.numpy())
    ]
    assert wrong[1] < 0.5 * wrong[0]


def test_fineness_tells_a_soft_ref_from_a_sharp_one():
    _, inputs = _pair(4)
    fusion = _model().fusion
    lr = tf.constant(inputs["lr"])
    soft = tf.nn.avg_pool2d(lr, 3, 1, "SAME")
    strength = tf.fill([1, 32, 32, 1], 1e-3)
    same = fusion._fineness(lr, lr, strength).numpy()
    other = fusion._fineness(lr, soft, strength).numpy()
    np.testing.assert_allclose(same[..., :2], 0.0, atol=1e-5)
    assert other[..., 0].mean() > 0.3
    assert other[..., 1].mean() > 0.3
    assert other[..., 2].mean() > same[..., 2].mean()


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_what_departs_from_lr_where_it_shows_much_is_brought_back(scale):
    """Here 5 % of grey's contrast were lost, in one half."""
    hr, inputs = _pair(scale)
    lr = tf.constant(inputs["lr"])
    wrong = hr.copy()
    grey = hr[:, :, :64].mean(-1, keepdims=True)
    wrong[:, :, :64] -= 0.05 * (grey - grey.mean())
    held = _hold(scale, wrong, lr)
    before, after = (
        float(tf.reduce_mean((lr - resampling.cubic_downscale(x, scale)) ** 2))
        for x in (tf.constant(wrong), held)
    )
    assert after < 0.5 * before
    assert _error(held, hr) < 0.8 * _error(wrong, hr)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_noise_that_the_network_took_out_stays_out(scale):
    hr, inputs = _pair(scale)
    rng = np.random.default_rng(0)
    noise = 0.02 * rng.standard_normal(inputs["lr"].shape)
    held = _hold(scale, hr, tf.constant(inputs["lr"] + np.float32(noise)))
    all_of_it = resampling.cubic_upscale(tf.constant(noise), scale)
    assert _error(held, hr) < 0.1 * np.mean(np.square(all_of_it))


def test_blocks_of_a_codec_that_the_network_took_out_stay_out():
    hr, inputs = _pair(4)
    blocks = np.kron(
        np.random.default_rng(0).standard_normal([1, 2, 2, 3]),
        np.ones([1, 8, 8, 1]),
    )
    blocks = np.pad(0.06 * blocks, [[0, 0], [8, 8], [8, 8], [0, 0]])
    held = _hold(4, hr, tf.constant(inputs["lr"] + np.float32(blocks)))
    all_of_it = resampling.cubic_upscale(tf.constant(blocks), 4)
    assert _error(held, hr) < 0.1 * np.mean(np.square(all_of_it))


def _hold(scale: int, sr: np.ndarray, lr: tf.Tensor) -> tf.Tensor:
    known = tf.zeros([1, 32, 32, 4])
    return holding.Holding(scale)(tf.constant(sr), lr, known)


def test_without_back_projection_there_are_no_weights_for_it():
    """So that weights from before fit."""
    names = [w.path for w in _model(back_projection=False).weights]
    assert not any("holding" in name for name in names)
    assert any("holding" in w.path for w in _model().weights)


def test_constants_stay_what_they_are_in_half_precision():
    """TF-Lite's float16 files hold them so: 1e-12 would be 0, 2e6 infinite."""
    model = _model(flow_steps=1)
    pair = [tf.TensorSpec([1, size, size, 3]) for size in (16, 64)]
    call = tf.function(lambda lr, ref: model({"lr": lr, "ref": ref}))
    graph = call.get_concrete_function(*pair).graph.as_graph_def()
    nodes = [
        *graph.node,
        *(n for f in graph.library.function for n in f.node_def),
    ]
    constants = [n.attr["value"].tensor for n in nodes if n.op == "Const"]
    values = [
        tf.make_ndarray(tensor).ravel()
        for tensor in constants
        if tensor.dtype == tf.float32.as_datatype_enum
    ]
    values = np.concatenate(values)
    assert values.size > 1000
    with np.errstate(over="ignore"):
        halves = values.astype(np.float16)
    assert np.isfinite(halves).all()
    np.testing.assert_array_equal(halves == 0, values == 0)
