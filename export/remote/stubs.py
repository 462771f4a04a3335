"""TensorFlow Serving's messages, without TensorFlow.

The modules that protoc made for TensorFlow Serving import
`tensorflow.core...`, and importing `tensorflow` takes seconds and hundreds of
megabytes that a client has no use for. Those modules themselves need nothing
of it, so they are imported under a stand-in package that only knows where
their files are, and that is gone afterwards.
"""

import contextlib
import importlib.util
import sys
import types
from collections.abc import Iterator

import numpy as np


@contextlib.contextmanager
def importable() -> Iterator[None]:
    """Inside, `import tensorflow.core...` does not run `tensorflow`.

    If TensorFlow is loaded already, nothing changes.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    spec = importlib.util.find_spec("tensorflow")
    if spec is None:
        raise ModuleNotFoundError(
            "The client needs the files of `tensorflow` and "
            "`tensorflow-serving-api`: pip install -r requirements.txt"
        )
    package = types.ModuleType("tensorflow")
    package.__path__ = list(spec.submodule_search_locations or ())
    sys.modules["tensorflow"] = package
    try:
        yield
    finally:
        # A real import later must find nothing half-made.
        for name in list(sys.modules):
            if name.partition(".")[0] == "tensorflow":
                del sys.modules[name]


with importable():
    from tensorflow.core.framework import tensor_pb2, types_pb2
    from tensorflow_serving.apis import (
        get_model_status_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_service_pb2_grpc,
    )

__all__ = [
    "from_proto",
    "get_model_status_pb2",
    "importable",
    "model_service_pb2_grpc",
    "predict_pb2",
    "prediction_service_pb2_grpc",
    "to_proto",
]

_NUMBERS = {
    types_pb2.DT_FLOAT: (np.float32, "float_val"),
    types_pb2.DT_UINT8: (np.uint8, "int_val"),
}


def to_proto(value: np.ndarray | list[bytes]) -> tensor_pb2.TensorProto:
    """A tensor as it travels.

    Args:
        value: float32 or uint8 of any shape, or a list of byte strings.

    Raises:
        ValueError: another dtype.
    """
    proto = tensor_pb2.TensorProto()
    if isinstance(value, list):
        proto.dtype = types_pb2.DT_STRING
        proto.string_val.extend(value)
        proto.tensor_shape.dim.add().size = len(value)
        return proto
    kinds = {np.dtype(kind): number for number, (kind, _) in _NUMBERS.items()}
    if value.dtype not in kinds:
        raise ValueError(
            "`value` must be float32, uint8 or a list of bytes. "
            f"Received: dtype={value.dtype}."
        )
    proto.dtype = kinds[value.dtype]
    proto.tensor_content = value.tobytes()
    for size in value.shape:
        proto.tensor_shape.dim.add().size = size
    return proto


def from_proto(proto: tensor_pb2.TensorProto) -> np.ndarray | list[bytes]:
    """The inverse of `to_proto`, for both forms that servers use.

    Raises:
        ValueError: another dtype, or the values do not fill the shape.
    """
    if proto.dtype == types_pb2.DT_STRING:
        return list(proto.string_val)
    if proto.dtype not in _NUMBERS:
        raise ValueError(f"Unexpected dtype {proto.dtype} in an answer.")
    dtype, field = _NUMBERS[proto.dtype]
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, dtype).reshape(shape)
    values = np.array(getattr(proto, field), dtype)
    if values.size == 1:  # how a constant tensor may be written
        return np.full(shape, values[0])
    return values.reshape(shape)
