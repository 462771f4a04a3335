"""Writes a TF-Lite or ONNX file once it has proved itself, with metadata.

The metadata is JSON under the name `crossnet_tf`, where each format has a
place for it: what the inputs are, their range and layout, scale and kind.
"""

import json
import os
import pathlib

import crossnet_tf
from crossnet_tf import atomic

from ..graph import saving
from . import comparison, conversion

METADATA = "crossnet_tf"
_SIDES = (48, 64)  # of LR in the comparison, if sizes are free


def write(
    saved_model_dir: str | os.PathLike,
    output: str | os.PathLike,
    kind: str,
    height: int = 0,
    width: int = 0,
) -> str:
    """Converts, compares, and only then writes.

    Args:
        saved_model_dir: written by `export.saved_model`.
        output: the file.
        kind: one of `conversion.KINDS`.
        height: of LR; 0: free.
        width: likewise.

    Returns:
        What the comparison showed, for people.

    Raises:
        FileNotFoundError: no such SavedModel, or no folder for the output.
        ValueError: `kind` or the sizes are wrong, or the result is too far
            from the SavedModel; nothing is written.
    """
    output = pathlib.Path(output)
    if not output.parent.is_dir():
        raise FileNotFoundError(
            f"`output` must be in a folder that exists. Received: {output}"
        )
    scale = saving.describe(saved_model_dir)["scale"]
    size = height, width
    content = conversion.convert(saved_model_dir, kind, *size, scale)
    facts = metadata(kind, *size, scale)
    program: comparison.Onnx | comparison.Lite
    if kind == conversion.ONNX:
        content = with_onnx_metadata(content, facts)
        program = comparison.Onnx(content)
    else:
        content = with_metadata(content, facts)
        program = comparison.Lite(content)
    compared = (
        size if height else (_SIDES[0] * 4 // scale, _SIDES[1] * 4 // scale)
    )
    result = comparison.compare(program, saved_model_dir, scale, *compared)
    problem = result.problem(kind)
    if problem:
        raise ValueError(f"The {kind} file is not written: {problem}.")
    atomic.write(output, content)
    return f"Written: {output} ({len(content) / 1e6:.2f} MB, {kind}). {result}"


def metadata(kind: str, height: int, width: int, scale: int) -> dict:
    """What a program must know to use the file."""
    picture = "RGB, float32 in [0, 1], [B, H, W, 3]"
    return {
        "crossnet_tf": crossnet_tf.__version__,
        "kind": kind,
        "scale": scale,
        "lr_height": height or None,
        "lr_width": width or None,
        "inputs": {
            "lr": {"range": [0.0, 1.0], "layout": picture},
            "ref": {"range": [0.0, 1.0], "layout": picture},
        },
        "outputs": {"sr": {"range": [0.0, 1.0], "layout": picture}},
    }


def with_onnx_metadata(content: bytes, facts: dict) -> bytes:
    """The ONNX file with `facts` among its properties."""
    import onnx

    model = onnx.load_model_from_string(content)
    model.metadata_props.add(key=METADATA, value=json.dumps(facts, indent=1))
    return model.SerializeToString()


def read_onnx_metadata(content: bytes) -> dict:
    """What `with_onnx_metadata` wrote.

    Raises:
        ValueError: it is no ONNX file, or has none.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(content)
    except DecodeError:
        raise ValueError("This is no ONNX file.") from None
    for entry in model.metadata_props:
        if entry.key == METADATA:
            return json.loads(entry.value)
    raise ValueError("The file has no metadata of crossnet_tf.")


def with_metadata(content: bytes, facts: dict) -> bytes:
    """The TF-Lite file with `facts` among its named buffers."""
    from ai_edge_litert import schema_py_generated as schema

    from . import float_parts

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    buffer = schema.BufferT()
    buffer.data = list(json.dumps(facts, indent=1).encode())
    entry = schema.MetadataT()
    entry.name, entry.buffer = METADATA, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return float_parts.packed(model)


def read_metadata(content: bytes) -> dict:
    """What `with_metadata` wrote.

    Raises:
        ValueError: the file has none.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for entry in model.metadata or []:
        if entry.name in (METADATA, METADATA.encode()):
            return json.loads(bytes(model.buffers[entry.buffer].data))
    raise ValueError("The file has no metadata of crossnet_tf.")
