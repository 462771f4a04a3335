"""All systems alike: call, sizes, learning, saving; and each one's own way."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf import config as config_lib
from crossnet_tf.baselines import crossnet_pp, luma, patches, registry
from crossnet_tf.ops import resizing
from crossnet_tf.ops.resampling import cubic_upscale
from crossnet_tf.ops.warp import backward_warp
from crossnet_tf.storage import weight_files

LEARNING = [name for name, e in registry.REGISTRY.items() if e.learns]
FLOWS = [
    "crossnet",
    "crossnet_iw",
    "crossnet_iw_p",
    "crossnet_pp",
    "flownet_s",
]

# The default run trains one of those that are made of CrossNet's parts.
ALIKE = ["crossnet", "crossnet_iw", "crossnet_pp", "flownet_s"]

# Each step of `quick`'s flow takes the one before as constant: only the last
# one learns from the picture, the others from the flow loss.
FLOW_ALONE = {
    "quick": {
        f"quick/flow_estimator/observation/head/{name}"
        for name in ("kernel", "bias")
    }
}


def _config(system: str, scale: int = 4, **changes) -> config_lib.ModelConfig:
    tiny = dict(
        width=8,
        flow_width=8,
        upsampler="bicubic",
        upsampler_width=8,
        upsampler_blocks=1,
    )
    return config_lib.model_config(
        "paper", system=system, scale=scale, **{**tiny, **changes}
    )


@pytest.fixture(scope="module")
def batch() -> dict[str, np.ndarray]:
    """Two pairs of fine texture; REF is HR moved by one pixel."""
    noise = np.random.default_rng(0).random((2, 41, 41, 3)).astype(np.float32)
    noise = tf.nn.avg_pool2d(noise, 2, 1, "SAME").numpy()
    hr = noise[:, 4:36, 4:36]
    lr = hr.reshape(2, 8, 4, 8, 4, 3).mean((2, 4))
    return {"lr": lr, "ref": noise[:, 4:36, 5:37], "hr": hr}


def _step(model, optimizer, batch, progress):
    """One training step; its loss, and the weights that it did not reach."""
    with tf.GradientTape() as tape:
        outputs = model({"lr": batch["lr"], "ref": batch["ref"]})
        hr = tf.constant(batch["hr"])
        loss = model.objective(batch, outputs, hr, progress)
        loss = tf.reduce_mean(loss)
    weights = model.trainable_variables
    gradients = tape.gradient(loss, weights)
    pairs = [(g, w) for g, w in zip(gradients, weights) if g is not None]
    optimizer.apply(*zip(*pairs))
    return loss, {w.path for w, g in zip(weights, gradients) if g is None}


def _psnr(outputs, batch) -> float:
    error = np.clip(outputs["sr"], 0, 1) - batch["hr"]
    return -10 * np.log10(np.mean(np.square(error)))


def test_config_names_the_same_systems():
    assert sorted(config_lib.SYSTEMS) == sorted(registry.REGISTRY)


@pytest.mark.parametrize(
    "system",
    [
        pytest.param(name, marks=pytest.mark.slow if name in ALIKE else ())
        for name in LEARNING
    ],
)
def test_learns_and_comes_back_roundtrip(system, batch, tmp_path):
    model = registry.build_model(_config(system))
    optimizer = keras.optimizers.Adam(1e-4)
    optimizer.build(model.trainable_variables)
    # Two steps at the start of training, then two of its second half.
    steps = [
        _step(model, optimizer, batch, tf.constant(progress))
        for progress in (0.0, 0.1, 0.9, 1.0)
    ]
    assert steps[1][0] < steps[0][0]
    assert steps[3][0] < steps[2][0]
    unused = set.intersection(*(unused for _, unused in steps))
    assert unused == FLOW_ALONE.get(system, set())

    outputs = model(batch)
    assert outputs["sr"].shape == batch["hr"].shape
    assert outputs["sr"].dtype == tf.float32
    config = config_lib.Config(model=model.config)
    weight_files.save_weights(model, config, tmp_path / "weights")
    again = registry.build_model(model.config)
    weight_files.load_weights(again, tmp_path / "weights")
    np.testing.assert_array_equal(again(batch)["sr"], outputs["sr"])


def _blocks() -> dict[str, np.ndarray]:
    """Two pairs of grey blocks: sharp edges, and no colour to restore."""
    grey = np.random.default_rng(0).random((2, 6, 6, 1)).astype(np.float32)
    picture = grey.repeat(3, -1).repeat(8, 1).repeat(8, 2)
    hr = picture[:, 8:40, 8:40]
    lr = resizing.make_lr(hr, 4).numpy()
    return {"lr": lr, "ref": picture[:, 8:40, 9:41], "hr": hr}


@pytest.mark.slow
@pytest.mark.parametrize("system", LEARNING)
def test_overfits_one_batch(system):
    batch = _blocks()
    model = registry.build_model(
        _config(system, width=32, upsampler_width=32, flow_width=16)
    )
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)
    step = tf.function(lambda share: _step(model, optimizer, batch, share)[0])
    bicubic = _psnr({"sr": cubic_upscale(batch["lr"], 4)}, batch)
    gain = 0.0
    for number in range(1500):
        step(tf.constant(min(1.0, number / 600)))
        if number % 50 == 49:
            gain = _psnr(model(batch), batch) - bicubic
            if gain > 6:
                return
    pytest.fail(f"Only {gain:.2f} dB over bicubic.")


@pytest.mark.parametrize(
    ("system", "scale"),
    [
        pytest.param(
            name,
            scale,
            marks=pytest.mark.slow if name in FLOWS or scale == 2 else (),
        )
        for name in registry.REGISTRY
        for scale in (2, 8)
    ],
)
def test_any_size_unknown_shape(system, scale, rng):
    if system == "dis":
        pytest.importorskip("cv2")
    model = registry.build_model(_config(system, scale))
    lr = rng.random((1, 5, 7, 3), np.float32)
    ref = rng.random((1, 5 * scale, 7 * scale, 3), np.float32)
    if scale == 2:
        lr, ref = np.tile(lr, (1, 2, 2, 1)), np.tile(ref, (1, 2, 2, 1))
    image = tf.TensorSpec([None, None, None, 3], tf.float32)
    network = tf.function(
        lambda lr, ref: model({"lr": lr, "ref": ref}),
        input_signature=[image, image],
    )
    outputs = network(lr, ref)
    assert outputs["sr"].shape == ref.shape
    assert np.isfinite(outputs["sr"]).all()
    for level in range(4):
        size = [-(-side // 2**level) for side in ref.shape[1:3]]
        flow = outputs["flows"][level]
        assert flow.shape == (1, *size, 2)
        assert registry.REGISTRY[system].aligns or not np.any(flow)
    assert outputs["lr_up"].shape == ref.shape


@pytest.mark.parametrize("system", ["bicubic", "vdsr", "patchmatch"])
def test_inputs_rejects(system):
    model = registry.build_model(_config(system))
    lr = np.zeros((1, 8, 8, 3), np.float32)
    with pytest.raises(ValueError, match=r"`ref` must be 4 times.*24"):
        model({"lr": lr, "ref": np.zeros((1, 24, 32, 3), np.float32)})
    with pytest.raises(ValueError, match="`inputs` must be a dict"):
        model({"lr": lr})


def test_systems_come_back_from_their_config_roundtrip():
    for name in ("srcnn", "crossnet_iw"):
        model = registry.build_model(_config(name, width=12))
        again = type(model).from_config(model.get_config())
        assert again.config == model.config


def test_luma_changes_alone():
    image = np.random.default_rng(0).random((1, 4, 6, 3), np.float32)
    brighter = luma.with_luma(image, luma.luma(image) + 0.25)
    np.testing.assert_allclose(brighter, image + 0.25, atol=1e-6)


@pytest.mark.parametrize("system", ["srcnn", "vdsr"])
def test_luma_in_training_graphs_agrees(system, batch):
    """The graph optimiser must leave the one bias of the luma alone."""
    losses = []
    for compiled in (False, True):
        keras.utils.set_random_seed(0)
        model = registry.build_model(_config(system, width=32))
        optimizer = keras.optimizers.SGD(1e-6)
        optimizer.build(model.trainable_variables)

        def step(model=model, optimizer=optimizer):
            return _step(model, optimizer, batch, tf.constant(0.0))[0]

        run = tf.function(step) if compiled else step
        losses.append([run() for _ in range(3)])
    np.testing.assert_allclose(*losses, rtol=1e-4)


def test_patch_distances_agrees(rng):
    """Every patch and shift against slices of the pictures."""
    queries = rng.random((1, 12, 16, 2), np.float32)
    candidates = rng.random((1, 12, 16, 2), np.float32)
    result = patches.distances(queries, candidates, 3, 4, 2).numpy()
    assert result.shape == (1, 5, 7, 49)
    for number in range(49):
        dx, dy = patches.shift_of(tf.constant(number), 3).numpy()
        for row in range(5):
            for col in range(7):
                top, left = 2 * row + dy, 2 * col + dx
                if not (0 <= top <= 8 and 0 <= left <= 12):
                    assert result[0, row, col, number] > 1e4
                    continue
                query = queries[0, 2 * row :, 2 * col :][:4, :4]
                other = candidates[0, top:, left:][:4, :4]
                expected = np.mean(np.square(query - other))
                actual = result[0, row, col, number]
                np.testing.assert_allclose(actual, expected, rtol=1e-4)


def test_patch_distances_of_every_other_pixel_agrees(rng):
    queries = rng.random((1, 12, 16, 2), np.float32)
    candidates = rng.random((1, 12, 16, 2), np.float32)
    result = patches.distances(queries, candidates, 3, 4, 2, every=2).numpy()
    number = 4 + 7 * 5  # (dx, dy) = (1, 2)
    query = queries[0, 2:6:2, 4:8:2]
    other = candidates[0, 4:8:2, 5:9:2]
    expected = np.mean(np.square(query - other))
    np.testing.assert_allclose(result[0, 1, 2, number], expected, rtol=1e-4)


def test_patch_correlations_agrees(rng):
    queries = rng.random((1, 12, 16, 4), np.float32)
    candidates = rng.random((1, 12, 16, 4), np.float32)
    result = patches.correlations(queries, candidates, 3, 4, 2).numpy()
    assert result.shape == (1, 5, 7, 49)
    number = 3 + 7 * 5  # (dx, dy) = (0, 2)
    expected = queries[0, 4, 6] @ candidates[0, 6, 6] / 2
    np.testing.assert_allclose(result[0, 1, 2, number], expected, rtol=1e-5)
    assert result[0, 0, 0, 0] < -1e5  # (-3, -3) of (2, 2): outside


def test_patches_go_back_identity(rng):
    image = rng.random((2, 16, 24, 3), np.float32)
    none = tf.zeros([2, 3, 5, 2], tf.int32)
    found = patches.gather(image, none, 8, 4)
    np.testing.assert_allclose(patches.average(found, 4), image, atol=1e-6)
    moved = patches.gather(image, none + np.int32([3, -2]), 8, 4)
    np.testing.assert_array_equal(
        moved[1, 1, 2, 2:6, 2:6], image[1, 4:8, 13:17]
    )
    np.testing.assert_allclose(
        patches.as_flow(none + np.int32([3, -2]), 8, 4)[0, 5, 6], [3, -2]
    )


def test_patchmatch_finds_a_shift():
    """REF is HR moved by whole pixels: its detail comes back exactly."""
    noise = np.random.default_rng(1).random((1, 64, 72, 3)).astype(np.float32)
    noise = tf.nn.avg_pool2d(noise, 2, 1, "SAME")
    hr, ref = noise[:, :, :64], noise[:, :, 4:68]
    lr = tf.reshape(hr, [1, 16, 4, 16, 4, 3])
    lr = tf.reduce_mean(lr, [2, 4])
    model = registry.build_model(_config("patchmatch"))
    outputs = model({"lr": lr, "ref": ref})
    middle = np.s_[:, 16:48, 16:48]
    distance = np.hypot(*np.moveaxis(outputs["flows"][0] - [-4.0, 0.0], -1, 0))
    assert np.mean(distance[:, 16:48, 16:48] == 0) > 0.8
    errors = [
        np.mean(np.square(image[middle] - hr[middle]))
        for image in (outputs["sr"], outputs["lr_up"])
    ]
    assert errors[0] < errors[1] / 2


def test_crossnet_pp_composes_its_flows(rng):
    """Both warps one after the other are the composed flow's warp."""
    model = registry.build_model(_config("crossnet_pp"))
    assert isinstance(model, crossnet_pp.CrossNetPP)
    model.first_flow.finest_head.bias.assign([2.0, 0.0])
    model.second_stage.flow_estimator.finest_head.bias.assign([0.0, 3.0])
    for part in (model.first_flow, model.second_stage.flow_estimator):
        part.finest_head.kernel.assign(0 * part.finest_head.kernel)
    inputs = {
        "lr": rng.random((1, 16, 16, 3), np.float32),
        "ref": rng.random((1, 64, 64, 3), np.float32),
    }
    outputs = model(inputs)
    expected = np.broadcast_to(np.float32([2, 3]), (1, 64, 64, 2))
    np.testing.assert_allclose(outputs["flows"][0], expected)
    np.testing.assert_array_equal(
        outputs["warped"],
        backward_warp(inputs["ref"], expected * np.float32([1, 0])),
    )


def test_mdsr_shares_its_weights_between_scales():
    four = registry.build_model(_config("mdsr", 4))
    eight = registry.build_model(dataclasses.replace(four.config, scale=8))
    names = [sorted(weight_files.by_name(m)) for m in (four, eight)]
    assert names[0] == names[1]
    eight.set_weights(four.get_weights())
    lr = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)
    twice = eight.enlarge(four.enlarge(lr, 4), 2)
    ref = np.zeros((1, 64, 64, 3), np.float32)
    np.testing.assert_allclose(eight({"lr": lr, "ref": ref})["sr"], twice)
    assert eight.enlarge(lr, 3).shape == (1, 24, 24, 3)


def test_published_sizes():
    """Layer for layer: 9-5-5, and 20 layers of 64."""
    srcnn = registry.build_model(config_lib.ModelConfig(system="srcnn"))
    expected = (81 * 64 + 64) + (25 * 64 * 32 + 32) + (25 * 32 + 1)
    assert srcnn.count_params() == expected
    vdsr = registry.build_model(config_lib.ModelConfig(system="vdsr"))
    assert len(vdsr.hidden) + 1 == 20
    expected = (9 * 64 + 64) + 18 * (9 * 64 * 64 + 64) + (9 * 64 + 1)
    assert vdsr.count_params() == expected
