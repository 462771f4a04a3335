"""Requests that TensorFlow Serving replays before a version takes traffic.

The first request to a graph pays for its optimisation and for memory. Serving
replays `assets.extra/tf_serving_warmup_requests`, a TFRecord file of
`PredictionLog` messages, when it has loaded a version and before it routes
to it; here one request per signature.

Reference: tensorflow.org/tfx/serving/saved_model_warmup
"""

import pathlib

import numpy as np
import tensorflow as tf

from ..remote import messages

WARMUP_FILE = pathlib.Path("assets.extra", "tf_serving_warmup_requests")
_SIDE = 128  # of REF; with padding and several levels in every network


def write(directory: pathlib.Path, model_name: str, scale: int) -> None:
    """Writes the records into a SavedModel.

    Args:
        directory: the SavedModel.
        model_name: what the server calls the model; it does not check it.
        scale: HR size / LR size of the network.
    """
    path = directory / WARMUP_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in examples(scale).items():
            request = messages.PredictRequest()
            request.model_spec.name = model_name
            request.model_spec.signature_name = signature
            for name, value in inputs.items():
                is_text = value.dtype.kind in "OS"
                values = value.tolist() if is_text else value
                request.inputs[name].CopyFrom(messages.to_proto(values))
            log = messages.PredictLog(request=request)
            record = messages.PredictionLog(predict_log=log)
            writer.write(record.SerializeToString())


def examples(scale: int, side: int = _SIDE) -> dict[str, dict[str, np.ndarray]]:
    """Good inputs for each signature: a smooth picture and itself as REF.

    Args:
        scale: HR size / LR size of the network.
        side: height of REF in pixels; its width is 3 / 2 of it.
    """
    y, x = np.mgrid[:side, : side * 3 // 2 // scale * scale]
    waves = np.stack([np.sin(x / 7.0), np.cos(y / 5.0), np.sin((x - y) / 9.0)])
    ref = np.moveaxis(0.5 + 0.4 * waves, 0, -1).astype(np.float32)
    height, width = ref.shape[0] // scale, ref.shape[1] // scale
    lr = ref.reshape(height, scale, width, scale, 3).mean((1, 3))
    floats = {"lr": lr[None], "ref": ref[None]}
    bytes_ = {k: (v * 255 + 0.5).astype(np.uint8) for k, v in floats.items()}
    files = {
        f"{name}_bytes": np.array([tf.io.encode_png(value[0]).numpy()])
        for name, value in bytes_.items()
    }
    return {
        "serving_default": floats,
        "uint8": bytes_,
        "encoded": files,
        "flow": floats,
    }
