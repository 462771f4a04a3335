"""Asks TensorFlow Serving by gRPC.

gRPC's own limit of 4 MiB per message is lifted on this side, for answers up to
`max_answer`; the server and proxies have theirs.
"""

import math

import grpc

from . import messages
from .failures import RequestError
from .transport import Target, Transport, Value


class Grpc(Transport):
    """TensorFlow Serving's PredictionService."""

    def __init__(self, target: Target, **kwargs):
        super().__init__(target, **kwargs)
        options = [
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", target.max_answer),
        ]
        if self._address.is_loopback:
            options.append(("grpc.enable_http_proxy", 0))
        self._metadata = tuple(self._headers.items())
        place = self._address.place
        if target.tls:
            credentials = grpc.ssl_channel_credentials(self._roots)
            self._channel = grpc.secure_channel(place, credentials, options)
        else:
            self._channel = grpc.insecure_channel(place, options)
        self._predict = messages.predict_on(self._channel)

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def _once(self, signature, inputs):
        request = messages.PredictRequest()
        spec, target = request.model_spec, self._target
        spec.name, spec.signature_name = target.model, signature
        if target.label:
            spec.version_label = target.label
        elif target.version:
            spec.version.value = target.version
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(messages.to_proto(value))
        try:
            response = self._predict(
                request, timeout=target.timeout, metadata=self._metadata
            )
        except grpc.RpcError as error:
            raise self._failure(error) from error
        return {n: self._value(n, p) for n, p in response.outputs.items()}

    def _failure(self, error: grpc.RpcError) -> RequestError:
        status, details = error.code().name, error.details() or ""
        if "CLIENT: Received message larger than max" in details:
            return self._too_large()
        return self._error(status, details)

    def _value(self, name: str, proto) -> Value:
        """An output as arrays, once its shape is known to be a sane one."""
        sizes = [dim.size for dim in proto.tensor_shape.dim]
        limit = self._target.max_answer
        if min(sizes, default=0) < 0 or math.prod(sizes) > limit:
            raise self._not_a_server(f"`{name}` has shape {sizes}.")
        try:
            return messages.from_proto(proto)
        except (ValueError, OverflowError) as error:
            raise self._not_a_server(f"`{name}`: {error}") from error
