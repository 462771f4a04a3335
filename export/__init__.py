"""From a trained run to what a service or a phone runs.

- `python -m export.saved_model`: one SavedModel with four signatures, for
  TensorFlow Serving or any program with TensorFlow's C++ runtime.
- `python -m export.tflite`: TF-Lite files for phones and small computers.
- `python -m export.onnx`: an ONNX file for other runtimes.
- `python -m export.client`: asks a server, over gRPC or REST.
- `serving/`: configuration of TensorFlow Serving.

`client` and what it uses never import TensorFlow: `connecting`, `transport`,
`over_grpc`, `over_rest`, `failures`, `messages`, `upscaler`, `photos`,
`benchmark`.
"""
