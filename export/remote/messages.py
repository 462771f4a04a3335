"""TensorFlow Serving's messages, without TensorFlow.

`crossnet_serving.proto` has the few that are needed, with the field numbers
of the published files; here they meet NumPy. What travels is the same, byte
for byte (tests compare it with tensorflow-serving-api, which would bring all
of TensorFlow along).
"""

from collections.abc import Callable

import grpc
import numpy as np

from . import crossnet_serving_pb2 as pb

PredictRequest = pb.PredictRequest
PredictResponse = pb.PredictResponse
PredictLog = pb.PredictLog
PredictionLog = pb.PredictionLog
PREDICT_METHOD = "/tensorflow.serving.PredictionService/Predict"

_NUMBERS = {
    pb.DT_FLOAT: (np.float32, "float_val"),
    pb.DT_UINT8: (np.uint8, "int_val"),
}


def to_proto(value: np.ndarray | list[bytes]) -> pb.TensorProto:
    """A tensor as it travels.

    Args:
        value: float32 or uint8 of any shape, or a list of byte strings.

    Raises:
        ValueError: another dtype.
    """
    proto = pb.TensorProto()
    if isinstance(value, list):
        proto.dtype = pb.DT_STRING
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


def from_proto(proto: pb.TensorProto) -> np.ndarray | list[bytes]:
    """The inverse of `to_proto`, for both forms that servers use.

    Raises:
        ValueError: another dtype, or the values do not fill the shape.
    """
    if proto.dtype == pb.DT_STRING:
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


def predict_on(channel: grpc.Channel) -> Callable[..., pb.PredictResponse]:
    """The server's `Predict`, as gRPC calls it: `predict(request, timeout=1)`.

    Args:
        channel: to the server.
    """
    return channel.unary_unary(
        PREDICT_METHOD,
        request_serializer=pb.PredictRequest.SerializeToString,
        response_deserializer=pb.PredictResponse.FromString,
    )
