"""Single records of TFRecord files, read from where they stand.

A file is a row of records, each a length, a checksum of that, the bytes, and
a checksum of them. The lengths alone tell where every record is, so that any
one can be read without those before it, and a run goes on in the middle of a
data set at once. TensorFlow reads the bytes, and compares both checksums.

Reference: https://www.tensorflow.org/tutorials/load_data/tfrecord (format).
"""

import os
import pathlib
import struct
from collections.abc import Sequence

import tensorflow as tf

from crossnet_tf import regular

_HEADER = struct.Struct("<QI")  # length of the record, and its checksum
_CHECKSUM_BYTES = 4
_BUFFER_BYTES = 2**20


class RecordFiles:
    """Records of some files by their number.

    Attributes:
        count: how many records there are, at least 1.

    Args:
        parts: (path, records to leave out, records to take) of each file, at
            least one record in all.

    Raises:
        OSError: a file is missing or may not be read.
        ValueError: a file has fewer records, or is damaged.
    """

    def __init__(self, parts: Sequence[tuple[str, int, int]]) -> None:
        paths, offsets = [], []
        for path, skip, take in parts:
            found = _offsets(pathlib.Path(path), skip + take)[skip:]
            paths += [path] * len(found)
            offsets += found
        self.count = len(offsets)
        self._names = sorted({path for path, _, take in parts if take})
        self._paths = tf.constant(paths)
        self._offsets = tf.constant(offsets, tf.int64)

    def read(self, index: tf.Tensor) -> tf.Tensor:
        """The bytes of a record, inside `tf.data`.

        Args:
            index: scalar integer from 0 to `count` - 1.

        Returns:
            Scalar string.
        """
        variant = tf.raw_ops.TFRecordDatasetV2(
            filenames=self._paths[index][None],
            compression_type="",
            buffer_size=_BUFFER_BYTES,
            byte_offsets=self._offsets[index][None],
        )
        spec = tf.TensorSpec([], tf.string)
        records = tf.data.experimental.from_variant(variant, spec)
        return records.take(1).get_single_element()

    def damaged(self) -> str:
        """The first file with a record that fails its checksum, or "".

        Reads all of them: TensorFlow's error tells a place, but no file.
        """
        for path in self._names:
            records = tf.data.TFRecordDataset(path, buffer_size=_BUFFER_BYTES)
            try:
                records.reduce(0, lambda count, record: count + 1)
            except tf.errors.DataLossError:
                return path
        return ""


def _offsets(path: pathlib.Path, count: int) -> list[int]:
    """Where the first `count` records of a file begin."""
    size, place = regular.size(path), 0
    offsets: list[int] = []
    with path.open("rb", buffering=0) as file:
        while len(offsets) < count and place + _HEADER.size <= size:
            header = os.pread(file.fileno(), _HEADER.size, place)
            length, _ = _HEADER.unpack(header)
            offsets.append(place)
            place += _HEADER.size + length + _CHECKSUM_BYTES
    if len(offsets) < count or place > size:
        whole = len(offsets) - (place > size)
        raise ValueError(
            f"`{path}` must hold {count} records, as the data set says. "
            f"Received: {whole} whole ones. Prepare the data set anew."
        )
    return offsets
