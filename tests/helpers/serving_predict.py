"""What TensorFlow Serving does between a request and the session.

A test double: the session is TensorFlow's own (`serving_runtime`), this shell
is ours, written from TensorFlow Serving's sources (tensorflow/serving on
GitHub, 2026-07). Each error's code and text is the one in the function named
beside it.
"""

import dataclasses
import math

import grpc
import numpy as np
import official_messages as official
import serving_runtime
from serving_runtime import STRING

with official.importable():
    from tensorflow.core.framework import tensor_pb2
    from tensorflow_serving.apis import predict_pb2

_VALUES = {
    1: "float_val", 3: "int_val", 4: "int_val", 7: "string_val",
    9: "int64_val", 10: "bool_val",
}  # fmt: skip
_CODES = {code.value[0]: code for code in grpc.StatusCode}
DEFAULT_SIGNATURE = "serving_default"


@dataclasses.dataclass
class Failure(Exception):
    """A status that is not OK."""

    code: grpc.StatusCode
    message: str


def not_found(message: str) -> Failure:
    return Failure(grpc.StatusCode.NOT_FOUND, message)


def invalid(message: str) -> Failure:
    return Failure(grpc.StatusCode.INVALID_ARGUMENT, message)


def predict(
    model: serving_runtime.SavedModel,
    request: predict_pb2.PredictRequest,
    timeout_ms: int = 0,
) -> dict[str, np.ndarray]:
    """RunPredict and PreProcessPrediction of predict_util.cc."""
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = model.signatures.get(name)
    if signature is None:
        raise Failure(
            grpc.StatusCode.FAILED_PRECONDITION,
            f'Serving signature key "{name}" not found.',
        )
    if signature.method_name != "tensorflow/serving/predict":
        raise Failure(
            grpc.StatusCode.INTERNAL,
            "Expected prediction signature method_name to be one of "
            "{tensorflow/serving/predict, tensorflow/serving/classify, "
            "tensorflow/serving/regress}. Was: " + signature.method_name,
        )
    _check_inputs(request.inputs, signature.inputs)
    feeds = []
    for alias, proto in request.inputs.items():
        info = signature.inputs[alias]
        feeds.append((info.name, proto.dtype, from_proto(alias, proto)))
    aliases = _wanted(request.output_filter, signature.outputs)
    fetches = [signature.outputs[alias].name for alias in aliases]
    for i, alias in enumerate(request.inputs):
        _check_type(i, request.inputs[alias].dtype, signature.inputs[alias])
    try:
        values = model.run(feeds, fetches, timeout_ms)
    except serving_runtime.RuntimeFailure as failure:
        raise Failure(_CODES[failure.code], failure.message) from failure
    return dict(zip(aliases, values))


def _check_inputs(given, signature) -> None:
    """VerifyRequestInputsSize of predict_util.cc, GetInputValues of
    cc/saved_model/util.cc."""
    if len(given) != len(signature):
        theirs, ours = sorted(given), sorted(signature)
        extra = sorted(set(given) - set(signature))
        missing = sorted(set(signature) - set(given))
        raise invalid(
            f"input size does not match signature: {len(theirs)}!="
            f"{len(ours)} len({{{','.join(theirs)}}}) != "
            f"len({{{','.join(ours)}}}). Sent extra: {{{','.join(extra)}}}. "
            f"Missing but required: {{{','.join(missing)}}}."
        )
    for alias in given:
        if alias not in signature:
            raise invalid(
                f"input tensor alias not found in signature: {alias}. Inputs "
                f"expected to be in the set {{{','.join(sorted(signature))}}}."
            )


def _wanted(output_filter, outputs) -> list[str]:
    aliases = list(output_filter)
    for i, alias in enumerate(aliases):
        if alias not in outputs:
            raise invalid(
                f"output tensor alias not found in signature: {alias} Outputs "
                f"expected to be in the set {{{','.join(sorted(outputs))}}}."
            )
        if alias in aliases[:i]:
            raise invalid(f"duplicate output tensor alias: {alias}")
    return aliases or sorted(outputs)


def _check_type(index: int, dtype: int, info) -> None:
    """The executor's own check and words; the C API would come later."""
    names = {1: "float", 3: "int32", 4: "uint8", 7: "string"}
    if dtype != info.dtype:
        raise invalid(
            f"Expects arg[{index}] to be {names.get(info.dtype, info.dtype)} "
            f"but {names.get(dtype, dtype)} is provided"
        )


def from_proto(alias: str, proto: tensor_pb2.TensorProto) -> np.ndarray:
    """Tensor::FromProto: content, or values of which the last one repeats."""
    shape = [dim.size for dim in proto.tensor_shape.dim]
    size = math.prod(shape)
    dtype = object if proto.dtype == STRING else (
        serving_runtime.DTYPES.get(proto.dtype)
    )  # fmt: skip
    failure = invalid(f"tensor parsing error: {alias}")
    if dtype is None or any(length < 0 for length in shape):
        raise failure
    if proto.tensor_content:
        if len(proto.tensor_content) != size * np.dtype(dtype).itemsize:
            raise failure
        return np.frombuffer(proto.tensor_content, dtype).reshape(shape)
    values = list(getattr(proto, _VALUES[proto.dtype]))[:size]
    if len(values) < size:
        default = b"" if dtype is object else 0
        values += [values[-1] if values else default] * (size - len(values))
    array = np.empty(size, dtype)
    array[:] = values
    return array.reshape(shape)


def to_proto(value: np.ndarray) -> tensor_pb2.TensorProto:
    """AsProtoField, which Serving uses unless told otherwise: no content."""
    dtypes = {np.dtype(kind): n for n, kind in serving_runtime.DTYPES.items()}
    proto = tensor_pb2.TensorProto(dtype=dtypes.get(value.dtype, STRING))
    for size in value.shape:
        proto.tensor_shape.dim.add().size = size
    getattr(proto, _VALUES[proto.dtype]).extend(value.ravel().tolist())
    return proto
