"""TensorFlow Serving's REST interface over the same predictions.

From http_rest_api_handler.cc, json_tensor.cc and http_server.cc: paths, row
("instances") and columnar ("inputs") form, base64 objects, outputs named
`*_bytes` in base64, status numbers. A test double, see `serving_predict`.
"""

import base64
import binascii
import http.server
import json
import re

import grpc
import numpy as np
import official_messages as official
import serving_predict
from serving_predict import Failure, invalid

with official.importable():
    from tensorflow_serving.apis import predict_pb2

_PREDICT = re.compile(
    r"(?i)/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?:predict"
)
_STATUS = re.compile(r"(?i)/v1/models/([^/:]+)(?:/versions/(\d+))?")
_STATES = {10: "START", 20: "LOADING", 30: "AVAILABLE", 50: "END"}
_C = grpc.StatusCode
HTTP = {
    _C.CANCELLED: 499, _C.INVALID_ARGUMENT: 400, _C.DEADLINE_EXCEEDED: 504,
    _C.NOT_FOUND: 404, _C.ALREADY_EXISTS: 409, _C.PERMISSION_DENIED: 403,
    _C.RESOURCE_EXHAUSTED: 429, _C.FAILED_PRECONDITION: 400, _C.ABORTED: 409,
    _C.OUT_OF_RANGE: 400, _C.UNIMPLEMENTED: 501, _C.UNAVAILABLE: 503,
    _C.UNAUTHENTICATED: 401,
}  # fmt: skip


def make_server(models, port: int) -> http.server.ThreadingHTTPServer:
    """An HTTP server on loopback; port 0 picks one."""

    class Handler(_Handler):
        pass

    Handler.models = models
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    return server


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(_STATUS.fullmatch(self.path), self._status)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self._body = self.rfile.read(length)
        self._answer(_PREDICT.fullmatch(self.path), self._predict)

    def _answer(self, match, call) -> None:
        try:
            if match is None:
                method = f"{self.command} {self.path}"
                raise invalid(f"Malformed request: {method}")
            status, text = 200, call(match)
        except Failure as failure:
            status = HTTP.get(failure.code, 500)
            text = '{ "error": "' + _c_escape(failure.message) + '" }'
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _status(self, match) -> str:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = match[1]
        if match[2]:
            request.model_spec.version.value = int(match[2])
        versions = [
            {
                "version": str(number),
                "state": _STATES[state],
                "status": {
                    "error_code": "UNKNOWN" if error else "OK",
                    "error_message": error,
                },
            }
            for number, state, error in self.models.status(request.model_spec)
        ]
        return json.dumps({"model_version_status": versions}, indent=1)

    def _predict(self, match) -> str:
        try:
            body = json.loads(self._body)
        except ValueError as error:
            raise invalid(f"JSON Parse error: {error}") from error
        if not isinstance(body, dict):
            raise invalid(f"JSON Value: {self._body[:99]} Is not object")
        request = predict_pb2.PredictRequest()
        spec = request.model_spec
        spec.name = match[1]
        if match[2]:
            spec.version.value = int(match[2])
        elif match[3]:
            spec.version_label = match[3]
        name = body.get("signature_name", "")
        if not isinstance(name, str):
            raise invalid(
                f"JSON Value: {self._body[:99]} not formatted correctly. "
                "'signature_name' key must be a string value."
            )
        spec.signature_name = name
        with self.models.use(spec) as (_, model):
            name = name or serving_predict.DEFAULT_SIGNATURE
            if name not in model.signatures:
                raise invalid(
                    f'Serving signature name: "{name}" not found in '
                    "signature def"
                )
            row = _fill(body, model.signatures[name].inputs, request.inputs)
            outputs = serving_predict.predict(model, request)
        return _to_json(outputs, row)


def _fill(body: dict, infos, inputs) -> bool:
    """FillPredictRequestFromJson; True: the answer has row form."""
    if ("instances" in body) == ("inputs" in body):
        raise invalid("Missing 'inputs' or 'instances' key")
    row = "instances" in body
    columns = body["inputs"] if not row else None
    if row:
        rows = body["instances"]
        if not isinstance(rows, list) or not rows:
            raise invalid("No values in 'instances' array")
        if any(set(item) != set(infos) for item in rows):
            raise invalid(
                "Failed to process element: 0 of 'instances' list. JSON "
                f"object: keys must be equal to: {','.join(sorted(infos))}"
            )
        columns = {name: [item[name] for item in rows] for name in infos}
    if not isinstance(columns, dict) or set(columns) == {"b64"}:
        raise invalid(
            "inputs is a plain value/list, but expecting an object as "
            "multiple input tensors required as per tensorinfo_map"
        )
    for name, info in infos.items():
        if name not in columns:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        array = _to_array(columns[name], info.dtype)
        inputs[name].CopyFrom(serving_predict.to_proto(array))
    return row


def _to_array(value, dtype: int) -> np.ndarray:
    """GetDenseTensorShape and FillTensorProto."""
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    flat: list = []
    _flatten(value, shape, 0, dtype, flat)
    kind = (
        object if dtype == 7 else serving_predict.serving_runtime.DTYPES[dtype]
    )
    array = np.empty(len(flat), kind)
    array[:] = flat
    return array.reshape(shape)


def _flatten(value, shape: list[int], level: int, dtype: int, flat: list):
    if isinstance(value, list):
        if level >= len(shape):
            raise invalid(
                f"Encountered list at unexpected level: {level} "
                f"expected < {len(shape)}"
            )
        if len(value) != shape[level]:
            raise invalid(
                f"Encountered list at unexpected size: {len(value)} at level: "
                f"{level} expected size: {shape[level]}"
            )
        for item in value:
            _flatten(item, shape, level + 1, dtype, flat)
    elif dtype == 7:
        flat.append(_from_base64(value))
    elif isinstance(value, int | float):
        flat.append(value)
    else:
        raise invalid(f"JSON Value: {value!r} is not of expected type: float")


def _from_base64(value) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, dict) or set(value) != {"b64"}:
        raise invalid(
            f"JSON Value: {value!r} not formatted correctly for base64 data"
        )
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, TypeError) as error:
        raise invalid("Unable to base64 decode") from error


def _to_json(outputs: dict[str, np.ndarray], row: bool) -> str:
    columns = {name: _values(name, v) for name, v in outputs.items()}
    single = next(iter(columns.values())) if len(columns) == 1 else None
    if not row:
        return json.dumps({"outputs": columns if single is None else single})
    if single is None:
        rows = zip(*columns.values())
        single = [dict(zip(columns, values)) for values in rows]
    return json.dumps({"predictions": single})


def _values(name: str, value: np.ndarray) -> list:
    if value.dtype != object:
        return value.tolist()
    if name.endswith("_bytes"):
        return [{"b64": base64.b64encode(v).decode()} for v in value]
    return [v.decode(errors="replace") for v in value]


def _c_escape(text: str) -> str:
    """absl::CEscape, which is not quite JSON: it writes a quote as \\'."""
    names = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "'": r"\'"}
    names["\\"] = r"\\"
    return "".join(
        names.get(
            c, c if c.isprintable() and c.isascii() else f"\\{ord(c):03o}"
        )
        for c in text
    )
