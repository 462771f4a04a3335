"""Any record can be read by its number, and damage is named."""

import os

import pytest
import tensorflow as tf

from crossnet_tf.pairs.record_files import RecordFiles


def _write(path, texts):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for text in texts:
            writer.write(text)
    return str(path)


@pytest.fixture
def two(tmp_path):
    """Two files of 4 and 3 records, one of them empty."""
    one = _write(tmp_path / "a", [b"0", b"1" * 3000, b"", b"3"])
    return one, _write(tmp_path / "b", [b"4", b"5", b"6"])


def test_records_by_number_eager_and_tfdata(two):
    files = RecordFiles([(two[0], 1, 3), (two[1], 0, 2)])
    expected = [b"1" * 3000, b"", b"3", b"4", b"5"]
    assert files.count == 5
    numbers = tf.data.Dataset.range(5)
    assert list(numbers.map(files.read).as_numpy_iterator()) == expected
    assert files.read(tf.constant(3)).numpy() == b"4"


@pytest.mark.parametrize("keep", [0, 1, 12, 20, 40])
def test_file_cut_short_rejects(two, keep):
    size = os.path.getsize(two[0])
    os.truncate(two[0], min(keep, size - 1))
    with pytest.raises(ValueError, match=r"a` must hold 4 records.*Prepare"):
        RecordFiles([(two[0], 0, 4)])


def test_length_that_lies_rejects(two):
    with open(two[0], "r+b") as file:
        file.write(b"\xff" * 8)
    with pytest.raises(ValueError, match=r"a` must hold 4 records"):
        RecordFiles([(two[0], 0, 4)])


def test_changed_bytes_are_found(two):
    with open(two[0], "r+b") as file:
        file.seek(40)
        file.write(b"x")
    files = RecordFiles([(two[0], 0, 4)])
    assert files.read(tf.constant(0)).numpy() == b"0"
    with pytest.raises(tf.errors.DataLossError):
        files.read(tf.constant(1))
    assert files.damaged() == two[0]
    assert RecordFiles([(two[1], 0, 3)]).damaged() == ""


def test_special_file_rejects(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match=r"pipe` must be a regular file"):
        RecordFiles([(str(tmp_path / "pipe"), 0, 1)])
