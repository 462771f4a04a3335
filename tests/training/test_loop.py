"""Training: goes on exactly, stops when it must, on one device as on two."""

import dataclasses
import pathlib
import resource
import signal

import numpy as np
import pytest
import small_runs
import tensorflow as tf
from small_runs import small_config

from crossnet_tf.pairs import crops, datasets
from crossnet_tf.storage import runs
from crossnet_tf.training import loop
from crossnet_tf.training.run import Run, open_run
from crossnet_tf.upscaling.upscaler import Upscaler

IN_GRAPHS = pytest.mark.parametrize("_small", [False], indirect=True)

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")


@pytest.fixture(autouse=True)
def _small(monkeypatch, request):
    """Small networks; what could differ in graphs is marked `IN_GRAPHS`."""
    small_runs.use_small(monkeypatch)
    if getattr(request, "param", True):
        request.getfixturevalue("op_by_op")


def _train(settings, run_dir, devices=("/cpu:0",)) -> loop.Result:
    return loop.train(settings, run_dir, devices)


def _values(run_dir: pathlib.Path, step: int) -> dict[str, np.ndarray]:
    """All that a checkpoint holds."""
    prefix = str(run_dir / "checkpoints" / f"ckpt-{step}")
    reader = tf.train.load_checkpoint(prefix)
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if not name.startswith("_")
    }


def _assert_same(one: dict, two: dict) -> None:
    assert set(one) == set(two)
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], name)


def _scalars(run_dir: pathlib.Path) -> dict[str, dict[int, float]]:
    """All points of all curves, by name and step."""
    curves: dict[str, dict[int, float]] = {}
    for path in sorted(run_dir.glob("events*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                array = tf.make_ndarray(value.tensor)
                curves.setdefault(value.tag, {})[event.step] = array
    return curves


@IN_GRAPHS
def test_run_directory_has_all(tmp_path):
    settings = small_config()
    result = _train(settings, tmp_path)
    assert (result.step, result.signal) == (4, 0)
    assert runs.load_config(tmp_path) == settings
    names = {path.name for path in (tmp_path / "checkpoints").glob("*.index")}
    assert names == {"ckpt-2.index", "ckpt-4.index"}
    model, _ = runs.load_model(tmp_path)
    assert len(model.weights) == 6
    curves = _scalars(tmp_path)
    for name in ("loss", "psnr", "charbonnier", "gradient_norm"):
        assert sorted(curves[name]) == [2, 4]
        assert all(np.isfinite(list(curves[name].values())))
    assert curves["held_out_psnr"][4] == pytest.approx(result.best_psnr)
    pictures = {tag for tag in curves if tag[0].isdigit()}
    assert pictures == {
        "1_lr_up", "2_ref", "3_warped_ref", "4_sr", "5_hr", "6_flow"
    }  # fmt: skip


@IN_GRAPHS
def test_it_learns(tmp_path):
    settings = small_config(num_steps=60, learning_rate=0.02)
    _train(settings, tmp_path)
    psnr = _scalars(tmp_path)["held_out_psnr"]
    assert psnr[60] > psnr[2] + 3


@pytest.mark.parametrize(
    "more",
    [
        {
            "ema_decay": 0.9,
            "weight_decay": 1e-3,
            "clip_norm": 1.0,
            "warp_loss_weight": 0.1,
            "flow_loss_weight": 0.1,
        },
        {"precision": "mixed_float16"},
    ],
)
def test_killed_run_goes_on_exactly(tmp_path, monkeypatch, more):
    settings = small_config(num_steps=6, **more)
    _train(settings, tmp_path / "whole")

    def die(self, step, stop):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Run, "evaluate", die)
        late = dataclasses.replace(settings.train, eval_every=5)
        with pytest.raises(RuntimeError, match="killed"):
            _train(
                dataclasses.replace(settings, train=late), tmp_path / "killed"
            )
    _train(settings, tmp_path / "killed")
    whole, killed = (
        _values(tmp_path / name, 6) for name in ("whole", "killed")
    )
    _assert_same(whole, killed)


def test_more_steps_go_on(tmp_path, capsys):
    settings = small_config()
    _train(settings, tmp_path)
    assert _train(settings, tmp_path).step == 4
    assert "is finished: 4 steps" in capsys.readouterr().out
    more = small_config(num_steps=6)
    assert _train(more, tmp_path).step == 6
    assert "Going on from step 4" in capsys.readouterr().out
    assert runs.load_config(tmp_path) == more


def test_best_metric_survives(tmp_path):
    best = _train(small_config(), tmp_path).best_psnr
    again = _train(small_config(), tmp_path)
    assert again.best_psnr == best


def test_other_data_go_on(tmp_path):
    _train(small_config(num_steps=2), tmp_path)
    settings = small_config(num_steps=4)
    other = dataclasses.replace(settings.data, flip=True)
    result = _train(dataclasses.replace(settings, data=other), tmp_path)
    assert result.step == 4


def test_average_that_is_new_begins_with_the_weights(tmp_path):
    _train(small_config(num_steps=2), tmp_path)
    _train(small_config(num_steps=3, ema_decay=0.9), tmp_path)
    values = _values(tmp_path, 3)
    averages = [n for n in values if n.startswith("average/")]
    assert len(averages) == 6
    for name in averages:
        weight = values[name.replace("average/", "model/", 1)]
        np.testing.assert_allclose(values[name], weight, atol=0.01)


def test_another_network_rejects(tmp_path):
    _train(small_config(), tmp_path)
    settings = small_config(num_steps=6)
    other = dataclasses.replace(settings.model, scale=8)
    with pytest.raises(ValueError, match=r"scale \(saved 4, given 8\)"):
        _train(dataclasses.replace(settings, model=other), tmp_path)
    assert runs.load_config(tmp_path) == small_config()


def test_loss_scaling_cannot_begin_later(tmp_path):
    _train(small_config(), tmp_path)
    with pytest.raises(ValueError, match="precision=mixed_float16"):
        _train(small_config(num_steps=6, precision="mixed_float16"), tmp_path)


def test_directory_in_use_rejects(tmp_path):
    settings = small_config()
    with (
        open_run(settings, tmp_path, ("/cpu:0",)),
        pytest.raises(ValueError, match="in use by another training"),
    ):
        _train(settings, tmp_path)
    assert _train(settings, tmp_path).step == 4


def test_directory_is_free_after_an_error(tmp_path):
    _train(small_config(), tmp_path)
    checkpoints = list(tmp_path.glob("*/ckpt-*.index"))
    whole = [path.read_bytes() for path in checkpoints]
    for path in checkpoints:
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="No checkpoint can be read"):
        _train(small_config(num_steps=5), tmp_path)
    for path, data in zip(checkpoints, whole, strict=True):
        path.write_bytes(data)
    assert _train(small_config(num_steps=5), tmp_path).step == 5


def test_missing_data_leave_nothing(tmp_path, monkeypatch):
    def missing(*_):
        raise FileNotFoundError("Data set `x` is not prepared.")

    monkeypatch.setattr(datasets, "test_pairs", missing)
    with pytest.raises(FileNotFoundError, match="not prepared"):
        _train(small_config(), tmp_path / "run")
    assert not list(tmp_path.iterdir())


def _dataset_with(bad: np.ndarray | float, batch: int):
    """Good batches, and one whose HR is multiplied by `bad`."""

    def dataset(data, scale, seed, *args, **kwargs):
        def spoil(number, element):
            inputs, hr = element
            return inputs, tf.where(number == batch, hr * bad, hr)

        good = small_runs.train_dataset(data, scale, seed)
        return good.enumerate().map(spoil)

    return dataset


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_loss_that_is_not_finite_stops(tmp_path, monkeypatch, bad, precision):
    monkeypatch.setattr(crops, "train_dataset", _dataset_with(bad, 4))
    settings = small_config(num_steps=8, precision=precision)
    with pytest.raises(FloatingPointError, match="finite at step 5"):
        _train(settings, tmp_path)
    values = _values(tmp_path, 4)
    assert all(
        np.isfinite(v).all() for v in values.values() if v.dtype == np.float32
    )
    assert sorted(p.name for p in tmp_path.glob("checkpoints/*.index")) == [
        "ckpt-2.index",
        "ckpt-4.index",
    ]


@IN_GRAPHS
def test_bad_step_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(crops, "train_dataset", _dataset_with(np.nan, 2))
    settings = small_config(ema_decay=0.9)
    with open_run(settings, tmp_path, ("/cpu:0",)) as run:
        finite, _ = run.train_step(run.input, tf.constant(2), False)
        assert finite
        parts = run.parts
        variables = *parts.model.weights, *parts.optimizer.variables
        before = [np.asarray(variable) for variable in variables]
        finite, scalars = run.train_step(run.input, tf.constant(5), False)
        assert not finite
        assert np.isnan(scalars["loss"])
        assert run.steps_done == 2
        for old, new in zip(before, variables, strict=True):
            np.testing.assert_array_equal(old, np.asarray(new))


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, (loop._Window, "add")),
        (signal.SIGTERM, (loop._Window, "take")),
        (signal.SIGTERM, (Upscaler, "__call__")),
        (signal.SIGTERM, (Run, "save")),
    ],
)
def test_signal_writes_a_checkpoint(tmp_path, monkeypatch, number, moment):
    settings = small_config(num_steps=5, checkpoint_every=2)
    whole = _train(settings, tmp_path / "whole")
    method = getattr(*moment)

    def send(*arguments):
        if not sent:
            sent.append(signal.raise_signal(number))
        return method(*arguments)

    sent = []
    monkeypatch.setattr(*moment, send)
    handler = signal.getsignal(number)
    result = _train(settings, tmp_path / "stopped")
    assert signal.getsignal(number) is handler
    assert result.signal == number
    assert result.step < 5
    assert _values(tmp_path / "stopped", result.step)
    again = _train(settings, tmp_path / "stopped")
    assert (again.step, again.signal) == (5, 0)
    # An evaluation that was stopped is made up for, so `best` is the same.
    one, two = (_values(tmp_path / n, 5) for n in ("whole", "stopped"))
    _assert_same(one, two)
    assert again.best_psnr == whole.best_psnr


def test_second_signal_does_not_wait(tmp_path, monkeypatch):
    def send(self):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(loop._Window, "take", send)
    with pytest.raises(KeyboardInterrupt):
        _train(small_config(), tmp_path)


@IN_GRAPHS
@pytest.mark.parametrize(
    "more",
    [
        {
            "clip_norm": 1.0,
            "weight_decay": 1e-3,
            "ema_decay": 0.9,
            "flow_loss_weight": 1.0,
            "auxiliary_steps": 3,
        },
        {"precision": "mixed_float16"},
    ],
)
def test_two_devices_agree_with_one(tmp_path, more):
    settings = small_config(**more)
    _train(settings, tmp_path / "one")
    _train(settings, tmp_path / "two", ("/cpu:0", "/cpu:1"))
    one, two = (_values(tmp_path / name, 4) for name in ("one", "two"))
    assert set(one) == set(two)
    for name, value in one.items():
        if value.dtype == np.float32:
            np.testing.assert_allclose(
                value, two[name], rtol=1e-3, atol=1e-5, err_msg=name
            )
    for name, curve in _scalars(tmp_path / "one").items():
        if name in ("loss", "psnr", "flow", "charbonnier"):
            other = _scalars(tmp_path / "two")[name]
            np.testing.assert_allclose(
                list(curve.values()), list(other.values()), rtol=1e-4
            )


def test_batch_that_does_not_divide_rejects(tmp_path):
    settings = small_config()
    odd = dataclasses.replace(settings.data, batch_size=3)
    with pytest.raises(
        ValueError, match=r"devices, 2\. Received: batch_size=3"
    ):
        _train(
            dataclasses.replace(settings, data=odd),
            tmp_path / "run",
            ("/cpu:0", "/cpu:1"),
        )
    assert not list(tmp_path.iterdir())


@IN_GRAPHS
def test_extra_losses_fade(tmp_path):
    settings = small_config(
        warp_loss_weight=1.0,
        flow_loss_weight=1.0,
        auxiliary_steps=3,
        log_every=1,
    )
    _train(settings, tmp_path)
    curves = _scalars(tmp_path)
    assert sorted(curves["warping"]) == sorted(curves["flow"]) == [1, 2, 3]
    extra = {
        s: curves["loss"][s] - curves["charbonnier"][s] for s in range(1, 5)
    }
    whole = curves["warping"][2] + curves["flow_loss"][2]
    expected = whole * (1 - 1 / 3)
    assert extra[2] == pytest.approx(expected, rel=1e-3)
    assert extra[4] == 0


def test_full_disk_keeps_the_checkpoints(tmp_path, monkeypatch):
    _train(small_config(), tmp_path)
    values = _values(tmp_path, 4)
    save = Run.save

    def save_on_full_disk(self, step):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
        try:
            save(self, step)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    monkeypatch.setattr(Run, "save", save_on_full_disk)
    with pytest.raises(OSError, match="earlier ones are intact"):
        _train(small_config(num_steps=6), tmp_path)
    _assert_same(_values(tmp_path, 4), values)


def test_initial_weights_are_taken(tmp_path):
    _train(small_config(learning_rate=0.1), tmp_path / "first")
    settings = small_config(
        init_from=str(tmp_path / "first"), learning_rate=0.0, ema_decay=0.5
    )
    _train(settings, tmp_path / "second")
    first, _ = runs.load_model(tmp_path / "first")
    values = _values(tmp_path / "second", 4)
    bias = dict(
        zip([w.path for w in first.weights], first.weights, strict=True)
    )
    for path, weight in bias.items():
        name = path.partition("/")[2].replace("/", ".S")
        saved = f"{{}}/{name}/.ATTRIBUTES/VARIABLE_VALUE"
        for kind in ("model", "average"):
            np.testing.assert_allclose(
                values[saved.format(kind)], weight.numpy(), atol=1e-6
            )


def test_initial_weights_that_are_missing_reject(tmp_path):
    with pytest.raises(FileNotFoundError, match="no/such/run"):
        _train(small_config(init_from="no/such/run"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_data_without_truth_are_not_evaluated(tmp_path, monkeypatch):
    def pairs(*arguments):
        pair = next(small_runs.test_pairs(*arguments))
        return iter([dataclasses.replace(pair, hr=None)])

    monkeypatch.setattr(datasets, "test_pairs", pairs)
    result = _train(small_config(), tmp_path)
    assert result.best_psnr == -np.inf
    assert not list(tmp_path.glob("best/*.index"))
    assert runs.load_model(tmp_path)
