"""Checkpoints come back whole, in spite of kills, damage and full disks."""

import logging
import resource

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_network import build_small_model

from crossnet_tf import atomic, config
from crossnet_tf.storage import checkpoints


class _State:
    """All kinds of things that a run saves."""

    def __init__(self, run_dir, keep=2, with_average=True, scaled=False):
        self.model = build_small_model(config.ModelConfig())
        optimizer = keras.optimizers.Adam(0.1)
        if scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        self.optimizer = optimizer
        self.optimizer.build(self.model.trainable_variables)
        self.step = tf.Variable(0, dtype=tf.int64)
        self.samples = tf.Variable(0, dtype=tf.int64)
        parts = {
            "model": self.model,
            "optimizer": self.optimizer,
            "step": self.step,
            "samples": self.samples,
        }
        if with_average:
            self.average = build_small_model(config.ModelConfig())
            parts["average"] = self.average
        self.keeper = checkpoints.Checkpoints(run_dir, keep, parts)

    def train(self, steps: int) -> None:
        for _ in range(steps):
            value = tf.cast(self.samples, tf.float32)
            weights = self.model.trainable_variables
            self.optimizer.apply([value + tf.sin(w) for w in weights])
            self.step.assign_add(1)
            self.samples.assign_add(2)

    def values(self) -> np.ndarray:
        variables = [
            *self.model.weights,
            *self.average.weights,
            *self.optimizer.variables,
            self.step,
        ]
        return np.concatenate([np.ravel(np.asarray(v)) for v in variables])


def _names(folder):
    return sorted(path.name for path in folder.glob("ckpt-*.index"))


@pytest.mark.parametrize("scaled", [False, True])
def test_restored_state_goes_on_alike(tmp_path, scaled):
    one = _State(tmp_path, scaled=scaled)
    one.train(3)
    one.keeper.save(3)
    one.train(2)
    two = _State(tmp_path, scaled=scaled)
    names = {"model", "optimizer", "step", "samples", "average"}
    assert two.keeper.restore() == names
    two.train(2)
    two.average.set_weights(one.average.get_weights())
    np.testing.assert_array_equal(one.values(), two.values())


def test_every_weight_is_in_the_file(tmp_path):
    state = _State(tmp_path)
    state.keeper.save_best(1)
    saved = tf.train.list_variables(str(tmp_path / "best" / "ckpt-1"))
    shapes = sorted(tuple(s) for n, s in saved if n.startswith("model/"))
    expected = sorted(tuple(w.shape) for w in state.model.weights)
    assert shapes == expected


def test_nothing_to_restore(tmp_path):
    assert _State(tmp_path).keeper.restore() is None


def test_newest_are_kept(tmp_path):
    state = _State(tmp_path, keep=2)
    for step in (8, 9, 10):
        state.keeper.save(step)
    folder = tmp_path / "checkpoints"
    assert _names(folder) == ["ckpt-10.index", "ckpt-9.index"]
    for step in (1, 2):
        state.keeper.save_best(step)
    assert _names(tmp_path / "best") == ["ckpt-2.index"]


def test_average_that_was_not_saved_stays(tmp_path):
    one = _State(tmp_path, with_average=False)
    one.keeper.save(1)
    two = _State(tmp_path)
    before = two.average.get_weights()
    assert "average" not in two.keeper.restore()
    for old, new in zip(before, two.average.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def _empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [_truncate, _flip, _empty])
@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
def test_damaged_newest_is_passed_over(tmp_path, damage, suffix, caplog):
    one = _State(tmp_path)
    one.train(1)
    one.keeper.save(1)
    values = one.values()
    one.train(1)
    one.keeper.save(2)
    damage(tmp_path / "checkpoints" / f"ckpt-2.{suffix}")
    two = _State(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert two.keeper.restore()
    np.testing.assert_array_equal(two.values(), values)
    (message,) = (
        record.getMessage()
        for record in caplog.records
        if record.name == checkpoints.__name__
    )
    assert "cannot read checkpoint" in message
    assert "ckpt-2" in message
    assert "\n" not in message


def test_missing_data_file_is_passed_over(tmp_path, caplog):
    one = _State(tmp_path)
    one.train(1)
    one.keeper.save(1)
    one.keeper.save(2)
    (tmp_path / "checkpoints" / "ckpt-2.data-00000-of-00001").unlink()
    two = _State(tmp_path)
    assert two.keeper.restore()
    assert two.step.numpy() == 1
    assert "ckpt-2" in caplog.text


def test_all_damaged_rejects(tmp_path):
    _State(tmp_path).keeper.save(1)
    _empty(tmp_path / "checkpoints" / "ckpt-1.index")
    two = _State(tmp_path)
    with pytest.raises(
        ValueError, match=r"No checkpoint can be read: .*ckpt-1"
    ):
        two.keeper.restore()


def test_list_of_checkpoints_is_not_believed(tmp_path):
    """A stranger's list once had files deleted that it named."""
    outside = tmp_path / "outside"
    for end in ("index", "data-00000-of-00001"):
        atomic.write(outside / f"ckpt-1.{end}", b"precious")
    folder = tmp_path / "run" / "checkpoints"
    one = _State(tmp_path / "run", keep=1)
    one.keeper.save(4)
    (folder / "checkpoint").write_text(
        f'model_checkpoint_path: "{outside}/ckpt-1"\n'
        f'all_model_checkpoint_paths: "{outside}/ckpt-1"\n'
        'all_model_checkpoint_paths: "../../outside/ckpt-1"\n'
    )
    (folder / "notes.txt").touch()
    two = _State(tmp_path / "run", keep=1)
    two.keeper.clean()
    assert two.keeper.restore()
    two.keeper.save(5)
    left = {path.name for path in folder.iterdir()}
    assert left == {"ckpt-5.index", "ckpt-5.data-00000-of-00001", "notes.txt"}
    assert len(list(outside.iterdir())) == 2


def test_old_ones_go_without_a_list(tmp_path):
    for step in (1, 2, 3):
        _State(tmp_path, keep=3).keeper.save(step)
    _State(tmp_path, keep=2).keeper.save(4)
    names = _names(tmp_path / "checkpoints")
    assert names == ["ckpt-3.index", "ckpt-4.index"]


def test_the_one_just_written_stays(tmp_path):
    """Even if a broken one has a higher number."""
    one = _State(tmp_path, keep=1)
    for step in (1, 9):
        one.keeper.save(step)
    _empty(tmp_path / "checkpoints" / "ckpt-9.index")
    one.keeper.save(5)
    assert _State(tmp_path).keeper.restore()


def test_what_a_kill_left_is_removed(tmp_path):
    _State(tmp_path).keeper.save(1)
    folder = tmp_path / "checkpoints"
    (folder / "ckpt-2_temp").mkdir()
    (folder / "ckpt-2_temp" / "part-00000-of-00001.data").touch()
    (folder / "ckpt-2.data-00000-of-00001").touch()
    (folder / "ckpt-2.index.tempstate123").touch()
    state = _State(tmp_path)
    state.keeper.clean()
    left = sorted(path.name for path in folder.iterdir())
    assert left == ["ckpt-1.data-00000-of-00001", "ckpt-1.index"]
    assert state.keeper.restore()


def test_full_disk_keeps_the_older_ones(tmp_path):
    one = _State(tmp_path)
    one.train(1)
    one.keeper.save(1)
    values = one.values()
    one.train(1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
    try:
        with pytest.raises(
            OSError, match="The earlier ones are intact"
        ) as info:
            one.keeper.save(2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(tmp_path / "checkpoints") in str(info.value)
    assert "\n" not in str(info.value)
    two = _State(tmp_path)
    assert two.keeper.restore()
    np.testing.assert_array_equal(two.values(), values)
    one.keeper.save(2)
    assert _names(tmp_path / "checkpoints") == ["ckpt-1.index", "ckpt-2.index"]
