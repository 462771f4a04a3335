"""Converts a SavedModel to TF-Lite or ONNX, in a process of its own.

TensorFlow's converter loses memory with each call and ends the whole process
when it fails badly, so `convert` starts `python -m
export.formats.conversion` and reports its last line. Only builtin operations
are allowed: the small runtimes of phones have no others.

| kind | weights | computation |
| --- | --- | --- |
| `float32` | float32 | float32 |
| `float16` | float16 | float32 (float16 on GPUs) |
| `dynamic` | int8 | float32; activations become int8 at run time |
| `onnx` | float32 | float32, as an ONNX file (tf2onnx) |
| `int8` | int8 | the convolutions of encoders and upsampler |

`int8` measures activations on real pairs. The flow's whole path stays float:
256 steps over a range of 100 pixels would move details by half a pixel. The
fusion and the last convolution of the upsampler, which make the picture, stay
float as well: there 8 bits cost half a dB where REF fits best.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ONNX = "onnx"
KINDS = ("float32", "float16", "dynamic", "int8", ONNX)
_OPSET = 18
_PARTS = ("ref_encoder", "lr_encoder", "upsampler")
_HEADS = ("flow", "tail")
# Not TRANSPOSE_CONV: the converter makes the heads 8-bit, whatever it is told.
_CONVOLUTIONS = ("CONV_2D",)
_LOG_LINE = re.compile(r"[IWE]\d{4} |\d{4}-\d\d-\d\d ")
_RESULT = "converted"
_NUM_CALIBRATION = 4
# Of LR in calibration, if sizes are free.
_DEFAULT_SIDE, _DEFAULT_SCALE = 32, 4


def convert(
    saved_model_dir: str | os.PathLike,
    kind: str,
    height: int,
    width: int,
    scale: int,
) -> bytes:
    """The TF-Lite or ONNX file of an exported SavedModel.

    Args:
        saved_model_dir: written by `export.saved_model`.
        kind: one of `KINDS`.
        height: of LR; 0: free, the program resizes.
        width: likewise.
        scale: HR size / LR size.

    Raises:
        ValueError: unknown `kind`, or only one of the sizes is free.
        RuntimeError: the converter failed.
    """
    if kind not in KINDS:
        raise ValueError(
            f"`kind` must be one of {KINDS}. Received: kind={kind!r}."
        )
    if bool(height) != bool(width):
        raise ValueError(
            "`height` and `width` must both be given, or both be 0. "
            f"Received: height={height}, width={width}."
        )
    with tempfile.TemporaryDirectory() as folder:
        job = {
            "saved_model_dir": str(pathlib.Path(saved_model_dir).resolve()),
            "folder": folder,
            "kind": kind,
            "height": height,
            "width": width,
            "scale": scale,
        }
        command = [
            sys.executable,
            "-m",
            __name__,
            json.dumps(job),
        ]
        result = subprocess.run(command, capture_output=True, text=True)
        path = pathlib.Path(folder, _RESULT)
        if result.returncode or not path.exists():
            raise RuntimeError(f"The converter failed: {_reason(result)}")
        return path.read_bytes()


def _reason(result: subprocess.CompletedProcess) -> str:
    """The last line that is no log message."""
    lines = [
        line
        for line in result.stderr.strip().splitlines()
        if not _LOG_LINE.match(line)
    ]
    return lines[-1] if lines else f"exit code {result.returncode}"


def _work(job: dict) -> None:
    """What the other process does."""
    import tensorflow as tf

    folder = pathlib.Path(job["folder"])
    source = folder / "network"
    _save_network(tf, job, source)
    if job["kind"] == ONNX:
        _to_onnx(source, folder / _RESULT)
        return
    converter = tf.lite.TFLiteConverter.from_saved_model(str(source))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if job["kind"] != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if job["kind"] == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if job["kind"] == "int8":
        data = _quantized(tf, converter, job)
    else:
        data = converter.convert()
    (folder / _RESULT).write_bytes(data)


def _to_onnx(source: pathlib.Path, output: pathlib.Path) -> None:
    command = [sys.executable, "-m", "tf2onnx.convert"]
    command += ["--saved-model", str(source), "--output", str(output)]
    subprocess.run([*command, "--opset", str(_OPSET)], check=True)


def _save_network(tf, job: dict, directory: pathlib.Path) -> None:
    """The network without checks, for one size if one is asked for."""
    loaded = tf.saved_model.load(job["saved_model_dir"])
    height, width = job["height"] or None, job["width"] or None
    batch = 1 if height else None
    scale = job["scale"] if height else 1
    sizes = {
        "lr": [batch, height, width, 3],
        "ref": [batch, height and scale * height, width and scale * width, 3],
    }
    specs = [tf.TensorSpec(size, name=name) for name, size in sizes.items()]

    @tf.function(input_signature=specs)
    def call(lr, ref):
        sr = loaded.network(lr, ref)["sr"]
        return {"sr": tf.clip_by_value(sr, 0.0, 1.0)}

    root = tf.Module()
    root.network = loaded
    tf.saved_model.save(root, str(directory), {"serving_default": call})
    _allow_inlining(directory)


def _allow_inlining(directory: pathlib.Path) -> None:
    """Lets the converter write out functions; TF-Lite knows no calls."""
    from tensorflow.core.protobuf import saved_model_pb2

    from crossnet_tf.ops.subgraph import NO_INLINE

    from ..graph import lint

    path = directory / lint.SAVED_MODEL_FILE
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for meta_graph in model.meta_graphs:
        for function in meta_graph.graph_def.library.function:
            function.attr.pop(NO_INLINE, None)
    path.write_bytes(model.SerializeToString())


def _quantized(tf, converter, job: dict) -> bytes:
    from ai_edge_litert import schema_py_generated as schema

    from . import float_parts, pairs

    side = _DEFAULT_SIDE * _DEFAULT_SCALE // job["scale"]
    size = job["height"] or side, job["width"] or side, job["scale"]
    calibration = pairs.calibration_pairs(*size, _NUM_CALIBRATION)

    def samples():
        for pair in calibration:
            yield pair.inputs

    converter.representative_dataset = samples
    debugger = tf.lite.experimental.QuantizationDebugger
    options = tf.lite.experimental.QuantizationDebugOptions
    others = [
        name
        for name in vars(schema.BuiltinOperator)
        if not name.startswith("_") and name not in _CONVOLUTIONS
    ]
    draft = debugger(
        converter=converter,
        debug_dataset=samples,
        debug_options=options(denylisted_ops=others),
    )
    names = _output_names(schema, draft.calibrated_model)
    draft.options = options(
        denylisted_ops=others,
        denylisted_nodes=[name for name in names if not _may_quantize(name)],
    )
    quantized = draft.get_nondebug_quantized_model()
    return float_parts.restored(quantized, draft.calibrated_model)


def _output_names(schema, content: bytes) -> list[str]:
    """What each operation of a TF-Lite file makes, before quantization.

    A quantized file calls some of them by other names, which the converter
    would silently pass over.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    return [
        graph.tensors[i].name.decode()
        for graph in model.subgraphs
        for operation in graph.operators
        for i in (operation.outputs if operation.outputs is not None else ())
    ]


def _may_quantize(name: str) -> bool:
    inside = any(part in name for part in _PARTS)
    return inside and not any(head in name for head in _HEADS)


if __name__ == "__main__":
    _work(json.loads(sys.argv[1]))
