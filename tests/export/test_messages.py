"""Our few messages are those of TensorFlow Serving, byte for byte."""

import numpy as np
import official_messages as official
import pytest

from crossnet_tf.export.remote import messages

with official.importable():
    from tensorflow.core.framework import types_pb2
    from tensorflow_serving.apis import (
        prediction_log_pb2,
        prediction_service_pb2,
    )

VALUES = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.arange(6, dtype=np.uint8).reshape(1, 2, 3),
    [b"a", b"", b"\0\xff"],
]


def _fields(ours, theirs) -> None:
    """Numbers, types and labels of all of our fields, at any depth."""
    assert ours.name == theirs.name
    for field in ours.fields:
        other = theirs.fields_by_name[field.name]
        assert field.number == other.number, field.full_name
        assert field.type == other.type, field.full_name
        assert field.is_repeated == other.is_repeated, field.full_name
        if field.message_type and field.message_type.name != "Int64Value":
            _fields(field.message_type, other.message_type)
    for choice in ours.oneofs:
        assert choice.name in theirs.oneofs_by_name


def test_field_numbers_agree():
    for ours, theirs in (
        (messages.PredictionLog, prediction_log_pb2.PredictionLog),
        (messages.PredictResponse, official.predict_pb2.PredictResponse),
    ):
        _fields(ours.DESCRIPTOR, theirs.DESCRIPTOR)
    for name, number in messages.pb.DataType.items():
        assert types_pb2.DataType.Value(name) == number


def test_method_agrees():
    services = prediction_service_pb2.DESCRIPTOR.services_by_name
    service = services["PredictionService"]
    method = service.methods_by_name["Predict"]
    path = f"/{service.full_name}/{method.name}"
    assert path == messages.PREDICT_METHOD


@pytest.mark.parametrize("value", VALUES, ids=["float", "uint8", "bytes"])
@pytest.mark.parametrize("choice", ["version", "version_label"])
def test_request_roundtrip(value, choice):
    request = messages.PredictRequest()
    request.model_spec.name = "crossnet"
    request.model_spec.signature_name = "uint8"
    if choice == "version":
        request.model_spec.version.value = 7
    else:
        request.model_spec.version_label = "stable"
    request.inputs["lr"].CopyFrom(messages.to_proto(value))
    sent = request.SerializeToString(deterministic=True)
    read = official.predict_pb2.PredictRequest.FromString(sent)
    assert read.model_spec.WhichOneof("version_choice") == choice
    np.testing.assert_array_equal(official.from_proto(read.inputs["lr"]), value)
    assert read.SerializeToString(deterministic=True) == sent
