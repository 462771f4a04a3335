"""Asks TensorFlow Serving by REST: JSON in columnar form over HTTP.

The row form ("instances") cannot hold LR and REF, whose sizes differ. Byte
strings travel in base64, which the server does for outputs whose name ends in
`_bytes`. Connections stay open between requests.
"""

import base64
import http.client
import json
import ssl
import threading
import urllib.parse

import numpy as np

from export.remote.failures import Kind, RequestError
from export.remote.transport import Target, Transport, Value

_STATUS = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Rest(Transport):
    """JSON over HTTP, in columnar form; strings travel in base64."""

    def __init__(self, target: Target, **kwargs):
        super().__init__(target, **kwargs)
        url = urllib.parse.urlsplit(target.server)
        self._url, self._context = url, None
        if url.scheme == "https":
            path = target.root_certificates or None
            self._context = ssl.create_default_context(cafile=path)
        version = f"/versions/{target.version}" if target.version else ""
        version = f"/labels/{target.label}" if target.label else version
        model = urllib.parse.quote(target.model, safe="")
        base = url.path.rstrip("/")
        self._path = f"{base}/v1/models/{model}{version}:predict"
        self._connections = threading.local()
        self._all: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """Closes the connections of all threads."""
        for connection in self._all:
            connection.close()

    def _once(self, signature, inputs):
        columns = {name: _to_json(value) for name, value in inputs.items()}
        body = {"signature_name": signature, "inputs": columns}
        status, data = self._post(json.dumps(body).encode())
        if status != http.HTTPStatus.OK:
            raise self._refusal(status, data)
        try:
            outputs = json.loads(data)["outputs"]
        except (ValueError, KeyError, TypeError) as error:
            text = "does not speak TensorFlow Serving's REST."
            text = f"{self._target.server} {text}"
            raise RequestError(Kind.NOT_A_SERVER, text) from error
        if not isinstance(outputs, dict):  # a single output comes without name
            outputs = {"": outputs}
        return {name: _from_json(value) for name, value in outputs.items()}

    def _post(self, body: bytes) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        connection = self._connection()
        try:
            connection.request("POST", self._path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except TimeoutError as error:
            connection.close()
            raise self._error("DEADLINE_EXCEEDED", "") from error
        except ssl.SSLCertVerificationError as error:
            connection.close()
            text = f"No trust in {self._target.server}: {error.verify_message}"
            raise RequestError(Kind.SERVER_DOWN, text) from error
        except http.client.RemoteDisconnected as error:
            connection.close()
            raise self._error("UNAVAILABLE", str(error)) from error
        except http.client.HTTPException as error:
            connection.close()
            text = f"{self._target.server} does not speak HTTP: {error!r}"
            raise RequestError(Kind.NOT_A_SERVER, text) from error
        except OSError as error:
            connection.close()
            raise self._error("UNAVAILABLE", str(error)) from error

    def _connection(self) -> http.client.HTTPConnection:
        """One per thread, kept open between requests."""
        if not hasattr(self._connections, "own"):
            place, timeout = self._url.netloc, self._target.timeout
            self._connections.own = (
                http.client.HTTPSConnection(
                    place, timeout=timeout, context=self._context
                )
                if self._context
                else http.client.HTTPConnection(place, timeout=timeout)
            )
            self._all.append(self._connections.own)
        return self._connections.own

    def _refusal(self, status: int, data: bytes) -> RequestError:
        text = data.decode(errors="replace")
        try:
            # absl escapes quotes in a way that JSON does not know.
            text = json.loads(text.replace("\\'", "'"))["error"]
        except (ValueError, KeyError, TypeError):
            if status == http.HTTPStatus.NOT_FOUND:
                text = f"{self._target.server} is no TensorFlow Serving."
                return RequestError(Kind.NOT_A_SERVER, text)
        if status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return self._error("RESOURCE_EXHAUSTED", "413, too large")
        return self._error(_STATUS.get(status, f"HTTP {status}"), str(text))


def _to_json(value: Value) -> list:
    if isinstance(value, list):
        return [{"b64": base64.b64encode(v).decode()} for v in value]
    return value.tolist()


def _from_json(value: list) -> Value:
    if value and isinstance(value[0], dict):
        return [base64.b64decode(item["b64"]) for item in value]
    return np.asarray(value)
