"""A stand-in for `tensorflow_model_server`, as a program.

    python tests/serving_server.py --model_config_file=models.config

Real: TensorFlow's C++ runtime with its loader and kernels, and the official
messages and stubs over gRPC. Ours: everything between them, that is status
codes, REST, polling, labels (see `serving_predict`, `serving_models`,
`serving_rest`). Prints one line of JSON with its ports when the models are
loaded. Never imports Python TensorFlow, which is asserted.
"""

import argparse
import concurrent.futures
import json
import pathlib
import sys
import threading

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2])]

import grpc  # noqa: E402
import official_messages as official  # noqa: E402
import serving_models  # noqa: E402
import serving_predict  # noqa: E402
import serving_rest  # noqa: E402
from google.protobuf import text_format  # noqa: E402

with official.importable():
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_service_pb2_grpc,
    )
    from tensorflow_serving.config import model_server_config_pb2

_MESSAGE_LIMIT = 1024  # kErrorMessageLimit of grpc_status_util.cc
_MAX_BYTES = 2**31 - 1  # server.cc
_OPTIONS = [
    ("grpc.max_receive_message_length", _MAX_BYTES),
    ("grpc.max_send_message_length", _MAX_BYTES),
]


def _abort(context: grpc.ServicerContext, failure: serving_predict.Failure):
    """ToGRPCStatus of grpc_status_util.cc."""
    text = failure.message
    if len(text) > _MESSAGE_LIMIT:
        text = text[:_MESSAGE_LIMIT] + "...TRUNCATED"
    context.abort(failure.code, text)


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, models: serving_models.Models):
        self._models = models

    def Predict(self, request, context):
        left = context.time_remaining()
        timeout_ms = max(int(left * 1000), 1) if left else 0
        try:
            with self._models.use(request.model_spec) as (number, model):
                outputs = serving_predict.predict(model, request, timeout_ms)
        except serving_predict.Failure as failure:
            _abort(context, failure)
        response = predict_pb2.PredictResponse()
        spec = response.model_spec
        spec.name, spec.version.value = request.model_spec.name, number
        spec.signature_name = (
            request.model_spec.signature_name
            or serving_predict.DEFAULT_SIGNATURE
        )
        for name, value in outputs.items():
            response.outputs[name].CopyFrom(serving_predict.to_proto(value))
        return response

    def GetModelMetadata(self, request, context):
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        signatures = get_model_metadata_pb2.SignatureDefMap()
        try:
            with self._models.use(request.model_spec) as (number, model):
                for name, signature in model.signatures.items():
                    signatures.signature_def[name].CopyFrom(signature)
        except serving_predict.Failure as failure:
            _abort(context, failure)
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = number
        response.metadata["signature_def"].Pack(signatures)
        return response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, models: serving_models.Models):
        self._models = models

    def GetModelStatus(self, request, context):
        response = get_model_status_pb2.GetModelStatusResponse()
        try:
            for number, state, error in self._models.status(request.model_spec):
                version = response.model_version_status.add()
                version.version, version.state = number, state
                version.status.error_message = error
        except serving_predict.Failure as failure:
            _abort(context, failure)
        return response


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model_config_file", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rest_api_port", type=int, default=0)
    parser.add_argument("--poll_seconds", type=float, default=0.2)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--tls", default="", help="folder: key.pem, cert.pem")
    given = parser.parse_args()
    text = pathlib.Path(given.model_config_file).read_text()
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse(text, config)
    models = serving_models.Models(config, given.poll_seconds, given.threads)

    pool = concurrent.futures.ThreadPoolExecutor(given.workers)
    server = grpc.server(pool, options=_OPTIONS)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(models), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        ModelService(models), server
    )
    address = f"127.0.0.1:{given.port}"
    if given.tls:
        folder = pathlib.Path(given.tls)
        pair = [(folder / f"{n}.pem").read_bytes() for n in ("key", "cert")]
        credentials = grpc.ssl_server_credentials([pair])
        port = server.add_secure_port(address, credentials)
    else:
        port = server.add_insecure_port(address)
    server.start()
    rest = serving_rest.make_server(models, given.rest_api_port)
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    assert "tensorflow" not in sys.modules
    started = {
        "port": port,
        "rest_api_port": rest.server_address[1],
        "warmed_up": models.num_warmed_up(),
    }
    print(json.dumps(started), flush=True)
    sys.stdin.read()  # the parent closes it, or ends
    server.stop(grace=5).wait()
    rest.shutdown()
    models.stop()


if __name__ == "__main__":
    main()
