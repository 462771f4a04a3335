"""Asks TensorFlow Serving by gRPC, with the official messages and stubs.

gRPC's own limit of 4 MiB per message is lifted on this side; the server and
proxies have theirs.
"""

import grpc

from export.remote import stubs
from export.remote.transport import Target, Transport


class Grpc(Transport):
    """The PredictionService of tensorflow-serving-api."""

    def __init__(self, target: Target, **kwargs):
        super().__init__(target, **kwargs)
        options = [
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", -1),
        ]
        if target.tls:
            roots = _read(target.root_certificates)
            credentials = grpc.ssl_channel_credentials(roots)
            self._channel = grpc.secure_channel(
                target.server, credentials, options
            )
        else:
            self._channel = grpc.insecure_channel(target.server, options)
        self._stub = stubs.prediction_service_pb2_grpc.PredictionServiceStub(
            self._channel
        )

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def _once(self, signature, inputs):
        request = stubs.predict_pb2.PredictRequest()
        spec, target = request.model_spec, self._target
        spec.name, spec.signature_name = target.model, signature
        if target.label:
            spec.version_label = target.label
        elif target.version:
            spec.version.value = target.version
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(stubs.to_proto(value))
        try:
            response = self._stub.Predict(request, timeout=target.timeout)
        except grpc.RpcError as error:
            status, details = error.code().name, error.details() or ""
            raise self._error(status, details) from error
        return {n: stubs.from_proto(p) for n, p in response.outputs.items()}


def _read(path: str) -> bytes | None:
    if not path:
        return None
    with open(path, "rb") as file:
        return file.read()
