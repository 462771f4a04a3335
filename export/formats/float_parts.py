"""Takes back what TF-Lite's converter makes 8-bit without being asked.

Told to quantize some convolutions only, it still rounds what comes in and out
of each transposed convolution (to 256 steps and back), and stores its weights
in 8 bits. In the flow heads, and in the one that makes the picture, that cost
10 dB of agreement with the SavedModel. So a quantized file is mended: numbers
that are rounded and turned back into floats at once stay what they were, and
transposed convolutions get their weights of before.
"""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_FILE_KIND = b"TFL3"
_FLOAT, _INT8 = schema.TensorType.FLOAT32, schema.TensorType.INT8
# Rounding errs by half a step; float arithmetic by a little more.
_HALF_STEP = 0.51


def restored(quantized: bytes, original: bytes) -> bytes:
    """`quantized` with all but the quantized convolutions in float.

    Args:
        quantized: a TF-Lite file.
        original: the file of the same network before quantization.

    Raises:
        ValueError: `original` lacks a weight that `quantized` has.
    """
    model = schema.ModelT.InitFromPackedBuf(quantized, 0)
    codes = [code.builtinCode for code in model.operatorCodes]
    weights = list(_constants(schema.ModelT.InitFromPackedBuf(original, 0)))
    for number, graph in enumerate(model.subgraphs):
        same = _round_trips(graph, codes)
        for operation in graph.operators:
            operation.inputs = _renamed(operation.inputs, same)
        graph.outputs = _renamed(graph.outputs, same)
        for signature in model.signatureDefs or []:
            if signature.subgraphIndex == number:
                for output in signature.outputs:
                    index = output.tensorIndex
                    output.tensorIndex = same.get(index, index)
        _drop_unused(graph)
        for operation in graph.operators:
            code = codes[operation.opcodeIndex]
            if code == schema.BuiltinOperator.TRANSPOSE_CONV:
                weight = graph.tensors[operation.inputs[1]]
                _make_float(model, weight, weights)
    return packed(model)


def packed(model: schema.ModelT) -> bytes:
    """The TF-Lite file of a model."""
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), _FILE_KIND)
    return bytes(builder.Output())


def _round_trips(graph, codes: list[int]) -> dict[int, int]:
    """Tensors that are others, rounded: number of the one and the other."""
    made_by = {i: step for step in graph.operators for i in step.outputs}
    same = {}
    for step in graph.operators:
        if codes[step.opcodeIndex] != schema.BuiltinOperator.DEQUANTIZE:
            continue
        before = made_by.get(step.inputs[0])
        if before is None:
            continue
        rounds = codes[before.opcodeIndex] == schema.BuiltinOperator.QUANTIZE
        if rounds and graph.tensors[before.inputs[0]].type == _FLOAT:
            same[int(step.outputs[0])] = int(before.inputs[0])
    return same


def _renamed(numbers, same: dict[int, int]) -> np.ndarray:
    return np.array([same.get(int(i), int(i)) for i in numbers], np.int32)


def _drop_unused(graph) -> None:
    """Removes operations whose results nobody reads, and so on."""
    while True:
        used = {int(i) for step in graph.operators for i in step.inputs}
        used |= {int(i) for i in graph.outputs}
        kept = [s for s in graph.operators if used & set(map(int, s.outputs))]
        if len(kept) == len(graph.operators):
            return
        graph.operators = kept


def _constants(model: schema.ModelT):
    """All constant float tensors of four axes."""
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            data, shape = model.buffers[tensor.buffer].data, tensor.shape
            if tensor.type != _FLOAT or shape is None or len(shape) != 4:
                continue
            if data is not None and len(data):
                yield np.frombuffer(bytes(data), "<f4").reshape(shape)


def _make_float(model: schema.ModelT, weight, originals: list) -> None:
    """Replaces 8-bit values by those that they were rounded from."""
    if weight.type != _INT8:
        return
    steps = np.asarray(weight.quantization.scale, np.float32)
    shape = [1] * 4
    shape[weight.quantization.quantizedDimension] = steps.size
    data = bytes(model.buffers[weight.buffer].data)
    rounded = np.frombuffer(data, np.int8).reshape(weight.shape)
    rounded = rounded * steps.reshape(shape)
    for values in originals:
        if values.shape != rounded.shape:
            continue
        if np.abs(values - rounded).max() <= _HALF_STEP * steps.max():
            break
    else:
        raise ValueError(f"No weights in float for {weight.name}.")
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
    model.buffers.append(buffer)
    weight.buffer = len(model.buffers) - 1
    weight.type, weight.quantization = _FLOAT, None
