"""Phases: who moves when, and what is not computed."""

import dataclasses

import keras
import numpy as np
import pytest
import small_runs
import tensorflow as tf

from crossnet_tf import config as config_lib
from crossnet_tf.baselines.registry import build_model
from crossnet_tf.model.crossnet import CrossNet
from crossnet_tf.model.flownet import FlowNetSPlus
from crossnet_tf.training import phases, start, step
from crossnet_tf.training.optimizer import Schedule

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")

THREE = {
    "num_steps": 30,
    "phases": ("coarse_flow", "flow", "picture"),
    "phase_steps": (5, 10),
    "flow_loss_weight": 1.0,
}


@pytest.fixture(scope="module")
def model():
    settings = config_lib.model_config(
        "crossnet", width=12, flow_width=16, ref_trust=False
    )
    settings = dataclasses.replace(settings, upsampler_width=4)
    model = CrossNet(settings, name="crossnet")
    model.build()
    return model


def _moved(model, phase: str, monkeypatch, **train) -> set[str]:
    """Names of the parts that one step of a phase changes."""
    settings = {"phases": (phase,), "flow_loss_weight": 1.0, **train}
    config = dataclasses.replace(
        small_runs.small_config(**settings), model=model.config
    )
    optimizer = keras.optimizers.AdamW(1e-3, weight_decay=0.1)
    optimizer.build(model.trainable_variables)
    parts = step.Parts(model, optimizer, None, tf.Variable(0, dtype=tf.int64))
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    data = dataclasses.replace(config.data, batch_size=1)
    config = dataclasses.replace(config, data=data)
    batches = small_runs.train_dataset(data, 4, 0, with_flow=True)
    before = [weight.numpy() for weight in model.trainable_variables]
    take = step.TrainStep(config, parts, strategy, 1)
    finite, scalars = take(iter(batches), tf.constant(1), True, phase)
    assert finite
    assert np.isfinite(scalars["loss"])
    return {
        weight.path.split("/")[1]
        for weight, old in zip(model.trainable_variables, before)
        if np.abs(weight.numpy() - old).max() > 0
    }


@pytest.mark.usefixtures("op_by_op")
def test_flow_phases_move_the_flow_estimator_only(model, monkeypatch):
    def refuse(*arguments):
        raise AssertionError("a phase on flow alone made a picture")

    monkeypatch.setattr(type(model), "super_resolve", refuse)
    flow = model.flow_estimator
    finest = flow.finest_head.kernel.numpy()
    assert _moved(model, "coarse_flow", monkeypatch) == {"flow_estimator"}
    np.testing.assert_array_equal(finest, flow.finest_head.kernel.numpy())
    penalty = {"flow_penalty": "end_point"}
    moved = _moved(model, "flow", monkeypatch, **penalty)
    assert moved == {"flow_estimator"}
    assert np.abs(finest - flow.finest_head.kernel.numpy()).max() > 0


@pytest.mark.usefixtures("op_by_op")
def test_picture_phase_leaves_the_flow_estimator(model, monkeypatch):
    moved = _moved(model, "picture", monkeypatch)
    assert "flow_estimator" not in moved
    assert {"decoder", "post_fusion", "ref_encoder", "lr_encoder"} <= moved


def test_coarse_flow_stops_at_a_quarter(model):
    inputs = {
        "lr": tf.zeros([1, 12, 16, 3]),
        "ref": tf.zeros([1, 48, 64, 3]),
    }
    flows = model.estimate_flows(inputs, finest=2)
    to_a_quarter = [6, 5, 4, 3, 2]
    looks = model.config.flow_passes
    assert [level for level, _ in flows] == to_a_quarter * looks
    assert [tuple(flow.shape) for _, flow in flows[-2:]] == [
        (1, 6, 8, 2),
        (1, 12, 16, 2),
    ]
    every = model.estimate_flows(inputs)
    levels = [level for level, _ in every]
    assert levels == [*to_a_quarter * looks, 1, 0]
    whole = model(inputs)["flows"]
    for (_, flow), known in zip(every[::-1], whole):
        np.testing.assert_allclose(flow, known, atol=1e-6)


def test_each_phase_has_its_steps_and_rate():
    train = config_lib.TrainConfig(
        **THREE,
        phase_factors=(1.0, 0.5, 0.1),
        learning_rate=1.0,
        schedule="cosine",
    )
    names = [phases.phase_at(train, i).name for i in (0, 4, 5, 9, 10, 29, 30)]
    assert names == [
        *["coarse_flow"] * 2,
        *["flow"] * 2,
        *["picture"] * 3,
    ]
    rates = [float(Schedule(train)(i)) for i in (0, 5, 10, 20)]
    middle = 0.1 * (0.01 + 0.99 * 0.5)
    np.testing.assert_allclose(rates, [1.0, 0.5, 0.1, middle], rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"phase_steps": (5,)}, "`phase_steps` must have one value"),
        ({"phase_steps": (10, 5)}, "`phase_steps` must increase"),
        ({"phase_steps": (5, 30)}, "less than `num_steps`"),
        ({"phase_factors": (1.0,)}, "`phase_factors` must have one"),
        ({"flow_loss_weight": 0.0}, "`flow_loss_weight` must be more"),
        ({"phases": ("a", "flow", "all")}, "`phases` must be one of"),
    ],
)
def test_phases_reject(change, message):
    with pytest.raises(ValueError, match=message):
        config_lib.TrainConfig(**{**THREE, **change})


def test_other_systems_reject_phases():
    config = small_runs.small_config(**THREE)
    other = dataclasses.replace(config.model, system="vdsr")
    with pytest.raises(ValueError, match="Received: phases=.*'vdsr'"):
        phases.check(dataclasses.replace(config, model=other))


def test_image_warping_learns_pictures_with_flow_at_rest():
    config = small_runs.small_config(phases=("picture",))
    other = dataclasses.replace(config.model, system="crossnet_iw")
    phases.check(dataclasses.replace(config, model=other))
    model = build_model(other)
    of_flow = "crossnet_iw/flow_estimator/"
    moving = {weight.path for weight in phases.learning(model, "picture")}
    still = {weight.path for weight in model.trainable_variables} - moving
    assert still
    assert all(path.startswith(of_flow) for path in still)
    assert not any(path.startswith(of_flow) for path in moving)
    config = small_runs.small_config(**THREE)
    with pytest.raises(ValueError, match="on flow alone.*'crossnet_iw'"):
        phases.check(dataclasses.replace(config, model=other))


def test_matching_start_adds_detail_of_ref(model, monkeypatch):
    start.matching(model, seed=1)
    random = np.random.default_rng(0)
    ref = tf.constant(random.uniform(0, 1, (1, 64, 64, 3)), tf.float32)
    lr = tf.reduce_mean(tf.reshape(ref, [1, 16, 4, 16, 4, 3]), axis=(2, 4))
    outputs = model({"lr": lr, "ref": ref})
    largest = max(float(tf.reduce_max(abs(f))) for f in outputs["flows"])
    assert largest < 2.0
    monkeypatch.setattr(
        FlowNetSPlus,
        "all_flows",
        lambda self, lr_up, ref, finest: dict(enumerate(still)),
    )
    still = [tf.zeros_like(flow) for flow in outputs["flows"]]
    sr = model({"lr": lr, "ref": ref})["sr"][0, 8:-8, 8:-8]
    lr_up = outputs["lr_up"][0, 8:-8, 8:-8]
    truth = ref[0, 8:-8, 8:-8]
    error = [float(tf.reduce_mean(abs(x - truth))) for x in (sr, lr_up)]
    assert error[0] < 0.4 * error[1]


@pytest.mark.parametrize(
    "change", [{"global_residual": True}, {"width": 8}, {"activation": "selu"}]
)
def test_matching_start_rejects(change):
    settings = config_lib.model_config("crossnet", **change)
    config = dataclasses.replace(
        small_runs.small_config(start="matching"), model=settings
    )
    with pytest.raises(ValueError, match=f"Received: .*{next(iter(change))}"):
        start.check(config)


@pytest.mark.usefixtures("op_by_op")
def test_hold_phase_moves_the_hold_on_lr_alone(monkeypatch):
    settings = config_lib.model_config(
        "quick", upsampler="bicubic", width=8, flow_width=8, flow_steps=1
    )
    small = build_model(settings)
    kept = small.fusion.picture.kernel.numpy()
    assert _moved(small, "hold", monkeypatch) == {"fusion"}
    np.testing.assert_array_equal(kept, small.fusion.picture.kernel.numpy())


def test_hold_phase_needs_a_hold_on_lr(tiny_config):
    train = dataclasses.replace(tiny_config.train, phases=("hold",))
    config = dataclasses.replace(tiny_config, train=train)
    with pytest.raises(ValueError, match="`phases` may have `hold` only"):
        phases.check(config)
