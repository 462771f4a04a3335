"""The official messages of tensorflow-serving-api, the witness of ours.

Its modules import `tensorflow.core...`, which needs nothing of TensorFlow but
would load it all. The stand-in for a server must not, so they are imported
under a stand-in package that only knows where their files are, and that is
gone afterwards.
"""

import contextlib
import importlib.util
import sys
import types
from collections.abc import Iterator

import numpy as np

from crossnet_tf.export.remote import messages


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
            "The tests need `tensorflow-serving-api`: make install"
        )
    package = types.ModuleType("tensorflow")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["tensorflow"] = package
    try:
        yield
    finally:
        # A real import later must find nothing half-made.
        for name in list(sys.modules):
            if name.partition(".")[0] == "tensorflow":
                del sys.modules[name]


with importable():
    from tensorflow.core.framework import tensor_pb2
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


def to_proto(value: np.ndarray | list[bytes]) -> tensor_pb2.TensorProto:
    """What our client sends, as a server reads it."""
    sent = messages.to_proto(value).SerializeToString()
    return tensor_pb2.TensorProto.FromString(sent)


def from_proto(proto: tensor_pb2.TensorProto) -> np.ndarray | list[bytes]:
    """What a server sends, as our client reads it."""
    sent = proto.SerializeToString()
    return messages.from_proto(messages.pb.TensorProto.FromString(sent))
