"""The network: published sizes, shapes, padding, precision, saving."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.baselines.registry import build_model
from crossnet_tf.config import ModelConfig, model_config
from crossnet_tf.model.base import named
from crossnet_tf.model.convolution import Convolution, Deconvolution
from crossnet_tf.model.inputs import pad_to
from crossnet_tf.ops import resizing
from crossnet_tf.ops.resampling import cubic_downscale
from crossnet_tf.ops.windows import window_mean

TINY = {
    "paper": dict(width=8, flow_width=8, upsampler="bicubic"),
    "official": dict(width=8, flow_width=8, upsampler="bicubic"),
    "lite": dict(width=8, flow_width=8, upsampler_blocks=1),
}
EVERY = {
    **TINY,
    "crossnet": dict(width=8, flow_width=8, upsampler_width=4),
    "quick": dict(width=8, flow_width=8, upsampler_blocks=1),
}


def _tiny(preset: str, **changes) -> ModelConfig:
    return model_config(preset, **{**EVERY[preset], **changes})


def _inputs(height, width, scale=4, batch=1, seed=0):
    rng = np.random.default_rng(seed)
    shape = (batch, height, width, 3)
    return {
        "lr": rng.random((batch, height // scale, width // scale, 3), "f4"),
        "ref": rng.random(shape, "f4"),
    }


def test_published_parameter_counts():
    official = build_model(model_config("official", upsampler="bicubic"))
    assert official.flow_estimator.count_params() == 33_830_110
    assert official.count_params() == 35_081_377
    paper = build_model(model_config("paper", upsampler="bicubic"))
    assert paper.count_params() == 35_598_561


def test_convolution_samples_even_pixels():
    """Stride 2 with symmetric padding starts at pixel 0, as published."""
    for size in (3, 5, 7):
        layer = Convolution(1, size, strides=2)
        layer.build((None, None, None, 1))
        kernel = np.zeros((size, size, 1, 1), np.float32)
        kernel[size // 2, size // 2] = 1.0
        layer.set_weights([kernel, np.zeros(1, np.float32)])
        image = np.arange(8 * 10, dtype=np.float32).reshape(1, 8, 10, 1)
        np.testing.assert_array_equal(layer(image), image[:, ::2, ::2])


def test_convolution_agrees_with_keras():
    rng = np.random.default_rng(0)
    image = rng.random((2, 9, 12, 3), np.float32)
    pairs = [
        (Convolution(4, 5), keras.layers.Conv2D(4, 5, padding="same")),
        (
            Deconvolution(4),
            keras.layers.Conv2DTranspose(4, 4, 2, padding="same"),
        ),
    ]
    for ours, theirs in pairs:
        ours(image), theirs(image)
        theirs.set_weights(ours.get_weights())
        np.testing.assert_allclose(ours(image), theirs(image), atol=1e-5)


def test_convolution_rejects_even_kernels():
    with pytest.raises(ValueError, match="`kernel_size`.*4"):
        Convolution(4, 4)


@pytest.mark.parametrize("preset", sorted(TINY))
@pytest.mark.parametrize("size", [(64, 64), (76, 108)])
def test_any_size(preset, size):
    model = build_model(_tiny(preset))
    height, width = size
    outputs = model(_inputs(height, width, batch=2))
    assert outputs["sr"].shape == (2, height, width, 3)
    assert outputs["lr_up"].shape == (2, height, width, 3)
    for level in range(4):
        step = 2**level
        expected = (2, -(-height // step), -(-width // step), 2)
        assert outputs["flows"][level].shape == expected
    for value in named(outputs).values():
        assert np.isfinite(value).all()


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_every_scale(scale):
    model = build_model(_tiny("lite", scale=scale))
    outputs = model(_inputs(48, 72, scale))
    assert outputs["sr"].shape == (1, 48, 72, 3)


@pytest.mark.parametrize(
    "changes",
    [
        dict(upsampler="mdsr", upsampler_blocks=1, upsampler_width=8),
        dict(flow_estimator="flownet_s"),
        dict(flow_estimator="pyramid"),
        dict(encoder_stem=False, post_fusion_convs=2),
    ],
)
def test_variants(changes):
    model = build_model(_tiny("paper", **changes))
    assert model(_inputs(64, 96))["sr"].shape == (1, 64, 96, 3)


@pytest.fixture
def unoptimized():
    """Graphs run as they were written."""
    tf.config.optimizer.set_experimental_options(
        {"disable_meta_optimizer": True}
    )
    yield
    tf.config.optimizer.set_experimental_options(
        {"disable_meta_optimizer": False}
    )


def _with_unknown_shape(model):
    signature = {
        name: tf.TensorSpec([None, None, None, 3]) for name in ("lr", "ref")
    }
    return tf.function(
        lambda inputs: model(inputs), input_signature=[signature]
    )


@pytest.mark.parametrize("preset", TINY)
def test_unknown_shape_equals_eager(unoptimized, preset):
    model = build_model(_tiny(preset))
    inputs = _inputs(76, 108, batch=3)
    expected = named(model(inputs))
    actual = named(_with_unknown_shape(model)(inputs))
    for name in expected:
        np.testing.assert_array_equal(actual[name], expected[name], name)


def test_graph_of_lite_stays_small():
    """A server optimises all of it before its first answer."""
    model = build_model(_tiny("lite"))
    function = _with_unknown_shape(model).get_concrete_function()
    graph = function.graph.as_graph_def()
    library = [len(f.node_def) for f in graph.library.function]
    assert len(graph.node) + sum(library) < 5000


def test_optimized_graph_equals_eager(rng):
    """TensorFlow's optimizer reorders sums: what is left is rounding."""
    model = build_model(_tiny("lite"))
    scene = window_mean(rng.random((3, 84, 116, 3), "f4"), 3)
    hr, ref = scene[:, 4:80, 4:112], scene[:, 3:79, 6:114]
    inputs = {"lr": cubic_downscale(hr, 4), "ref": ref}
    expected = named(model(inputs))
    actual = named(_with_unknown_shape(model)(inputs))
    for name in expected:
        # Of a flow of four pixels.
        limit = 1e-4 if name.startswith("flow") else 2e-6
        np.testing.assert_allclose(
            actual[name], expected[name], atol=limit, err_msg=name
        )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("preset", sorted(EVERY))
def test_mixed_precision(preset, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = build_model(_tiny(preset))
    finally:
        keras.config.set_dtype_policy(before)
    outputs = model(_inputs(64, 96))
    for name, value in named(outputs).items():
        assert value.dtype == tf.float32, name
        assert np.isfinite(value).all(), name
    full = build_model(_tiny(preset))
    full.set_weights(model.get_weights())
    expected = full(_inputs(64, 96))["sr"]
    np.testing.assert_allclose(outputs["sr"], expected, atol=0.05)


@pytest.mark.parametrize("preset", sorted(TINY))
def test_every_weight_gets_a_gradient(preset):
    model = build_model(_tiny(preset))
    with tf.GradientTape() as tape:
        outputs = model(_inputs(64, 96), training=True)
        values = [*named(outputs).values()]
        values += [flow for _, flow in outputs["earlier"]]
        loss = sum(tf.reduce_sum(value**2) for value in values)
    gradients = tape.gradient(loss, model.trainable_variables)
    missing = [
        variable.path
        for variable, gradient in zip(model.trainable_variables, gradients)
        if gradient is None
    ]
    assert not missing


def test_untrained_lite_aligns():
    """Matching is built in: REF helps before any training."""
    model = build_model(_tiny("lite"))
    rng = np.random.default_rng(0)
    wide = tf.image.resize(rng.random((1, 24, 40, 3), "f4"), [96, 160])
    wide = np.clip(wide + 0.1 * rng.standard_normal((1, 96, 160, 3)), 0, 1)
    hr = np.float32(wide[:, 16:80, 32:128])
    ref = np.float32(wide[:, 13:77, 37:133])
    outputs = model({"lr": resizing.make_lr(hr, 4), "ref": ref})
    flow = np.median(outputs["flows"][0], axis=(0, 1, 2))
    np.testing.assert_allclose(flow, [-5.0, 3.0], atol=0.5)
    error = np.mean((outputs["sr"] - hr) ** 2)
    assert error < 0.7 * np.mean((outputs["lr_up"] - hr) ** 2)


def test_ref_trust_leaves_useless_ref_out(rng):
    """Where REF explains LR nothing changes, where not it is LR enlarged."""
    plain, judged = (
        build_model(_tiny("paper", ref_trust=trust)) for trust in (False, True)
    )
    judged.set_weights(plain.get_weights())
    plain.flow_estimator = judged.flow_estimator = _still
    wide = tf.image.resize(rng.random((1, 24, 32, 3), "f4"), [96, 128])
    hr = np.float32(wide + 0.3 * rng.random((1, 96, 128, 3)))
    inputs = {"lr": resizing.make_lr(hr, 4), "ref": hr}
    wanted = plain(inputs)
    actual = judged(inputs)
    change = wanted["sr"] - wanted["lr_up"]
    kept = (actual["sr"] - wanted["lr_up"]) / change
    assert np.median(kept) > 0.95
    assert np.max(kept) <= 1.001
    learned = judged(inputs, training=True)["sr"]
    np.testing.assert_array_equal(learned, wanted["sr"])
    inputs["ref"] = np.ascontiguousarray(hr[:, ::-1])
    useless = judged(inputs)
    left = np.abs(useless["sr"] - useless["lr_up"]).mean()
    assert left < 1e-3
    assert np.abs(plain(inputs)["sr"] - useless["sr"]).mean() > 0.1


def _still(lr_up, ref):
    """A flow estimator that sees no motion."""
    del ref
    shape = tf.shape(lr_up)
    sizes = [(shape[1] // 2**level, shape[2] // 2**level) for level in range(4)]
    return [tf.zeros([shape[0], *size, 2]) for size in sizes], []


@pytest.mark.parametrize("preset", sorted(TINY))
def test_save_and_load_roundtrip(preset, tmp_path):
    model = build_model(_tiny(preset))
    inputs = _inputs(64, 96)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    assert loaded.config == model.config
    np.testing.assert_allclose(
        loaded(inputs)["sr"], model(inputs)["sr"], atol=1e-6
    )


def test_pad_to_repeats_the_edge():
    image = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1)
    padded = pad_to(tf.constant(image), 4).numpy()
    assert padded.shape == (1, 4, 4, 1)
    np.testing.assert_array_equal(padded[:, :2, :3], image)
    np.testing.assert_array_equal(padded[0, 3, :, 0], [3, 4, 5, 5])


def test_inputs_rejects():
    model = build_model(_tiny("lite"))
    good = _inputs(64, 96)
    with pytest.raises(ValueError, match="`lr` and `ref`"):
        model({"lr": good["lr"]})
    with pytest.raises(ValueError, match=r"`ref` must be 4 times.*60"):
        model({"lr": good["lr"], "ref": good["ref"][:, :60]})
    with pytest.raises(ValueError, match="`lr` must be .*1, 16, 24, 1"):
        model({"lr": good["lr"][..., :1], "ref": good["ref"]})
    with pytest.raises(ValueError, match="at least 16 pixels"):
        model(_inputs(8, 96))


def test_config_is_kept():
    config = _tiny("lite", scale=8)
    model = build_model(config)
    fields = model.get_config()["config"]
    assert fields == dataclasses.asdict(config)
