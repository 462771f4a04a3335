"""What the converter made 8-bit unasked becomes float again."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from crossnet_tf.export.formats import float_parts

_KINDS = schema.BuiltinOperator
_CODES = (_KINDS.QUANTIZE, _KINDS.DEQUANTIZE, _KINDS.TRANSPOSE_CONV)
_FLOAT, _INT8 = schema.TensorType.FLOAT32, schema.TensorType.INT8
_SHAPE = [1, 4, 4, 1]
_WEIGHTS = np.linspace(-1, 1, 9, dtype=np.float32).reshape(1, 3, 3, 1)
_STEP = np.float32(1 / 127)


def _tensor(model, kind, shape, data=None, scale=None):
    tensor, buffer = schema.TensorT(), schema.BufferT()
    tensor.type, tensor.shape = kind, np.array(shape, np.int32)
    tensor.name = b"a"
    if data is not None:
        buffer.data = np.frombuffer(data.tobytes(), np.uint8)
    if scale is not None:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = [scale]
        tensor.quantization.zeroPoint = [0]
        tensor.quantization.quantizedDimension = 0
    tensor.buffer = len(model.buffers)
    model.buffers.append(buffer)
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1


def _step(model, kind, inputs, output):
    step = schema.OperatorT()
    step.opcodeIndex = _CODES.index(kind)
    step.inputs = np.array(inputs, np.int32)
    step.outputs = np.array([output], np.int32)
    if kind == _KINDS.TRANSPOSE_CONV:
        options = schema.TransposeConvOptionsT()
        options.strideH = options.strideW = 1
        step.builtinOptionsType = schema.BuiltinOptions.TransposeConvOptions
        step.builtinOptions = options
    model.subgraphs[0].operators.append(step)


def _file(quantized: bool) -> bytes:
    """A transposed convolution, with or without rounding around it."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs = 3, [graph]
    model.buffers = [schema.BufferT()]
    model.operatorCodes = []
    for kind in _CODES:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = kind
        code.version = 3 if kind == _KINDS.TRANSPOSE_CONV else 1
        model.operatorCodes.append(code)
    graph.tensors, graph.operators = [], []
    start = _tensor(model, _FLOAT, _SHAPE)
    size = np.array(_SHAPE, np.int32)
    size = _tensor(model, schema.TensorType.INT32, [4], size)
    if not quantized:
        weights = _tensor(model, _FLOAT, _WEIGHTS.shape, _WEIGHTS)
        end = _tensor(model, _FLOAT, _SHAPE)
        _step(model, _KINDS.TRANSPOSE_CONV, [size, weights, start], end)
    else:
        rounded = np.round(_WEIGHTS / _STEP).astype(np.int8)
        weights = _tensor(model, _INT8, _WEIGHTS.shape, rounded, _STEP)
        small = _tensor(model, _INT8, _SHAPE, scale=0.1)
        large = _tensor(model, _FLOAT, _SHAPE)
        made = _tensor(model, _FLOAT, _SHAPE)
        last = _tensor(model, _INT8, _SHAPE, scale=0.5)
        end = _tensor(model, _FLOAT, _SHAPE)
        _step(model, _KINDS.QUANTIZE, [start], small)
        _step(model, _KINDS.DEQUANTIZE, [small], large)
        _step(model, _KINDS.TRANSPOSE_CONV, [size, weights, large], made)
        _step(model, _KINDS.QUANTIZE, [made], last)
        _step(model, _KINDS.DEQUANTIZE, [last], end)
    graph.inputs = np.array([start], np.int32)
    graph.outputs = np.array([end], np.int32)
    return float_parts.packed(model)


def _run(content: bytes, values: np.ndarray) -> np.ndarray:
    program = Interpreter(model_content=content)
    program.allocate_tensors()
    program.set_tensor(program.get_input_details()[0]["index"], values)
    program.invoke()
    return program.get_tensor(program.get_output_details()[0]["index"])


def test_equals_the_file_before_quantization(rng):
    original = _file(quantized=False)
    restored = float_parts.restored(_file(quantized=True), original)
    values = rng.random(_SHAPE).astype(np.float32)
    expected = _run(original, values)
    assert np.abs(expected).max() > 0.5
    np.testing.assert_array_equal(_run(restored, values), expected)
    model = schema.ModelT.InitFromPackedBuf(restored, 0)
    assert len(model.subgraphs[0].operators) == 1


def test_missing_weights_are_told():
    file = _file(quantized=True)
    with pytest.raises(ValueError, match="No weights in float"):
        float_parts.restored(file, file)
