"""Runs a SavedModel through TensorFlow's C API, without Python TensorFlow.

`TF_LoadSessionFromSavedModel` of the library inside the installed wheel calls
TensorFlow's own loader (`cc/saved_model/loader.cc`), the one whose header
TensorFlow Serving includes. So what runs here is TensorFlow's C++ runtime, its
kernels and their messages; only this thin shell is ours.

The protocol-buffer modules of the wheel are imported past `tensorflow/
__init__.py`, by `official_messages`.
"""

import contextlib
import ctypes
import importlib.util
import pathlib

import numpy as np
import official_messages as official

with official.importable():
    from tensorflow.core.protobuf import config_pb2, meta_graph_pb2

STRING = 7
DTYPES = {1: np.float32, 3: np.int32, 4: np.uint8, 9: np.int64, 10: np.bool_}
_TSTRING_BYTES = 24
_P, _INT = ctypes.c_void_p, ctypes.c_int


class RuntimeFailure(Exception):
    """TensorFlow's status: `code` as in google.rpc.Code, and the message."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code, self.message = code, message


class _Buffer(ctypes.Structure):
    _fields_ = (("data", _P), ("length", ctypes.c_size_t), ("free", _P))


class _Output(ctypes.Structure):
    _fields_ = (("operation", _P), ("index", _INT))


def _load_library() -> ctypes.CDLL:
    wheel = importlib.util.find_spec("tensorflow").submodule_search_locations
    folder = pathlib.Path(next(iter(wheel)))
    # Not RTLD_GLOBAL: its BoringSSL would take the place of Python's OpenSSL.
    library = ctypes.CDLL(folder / "libtensorflow_cc.so.2")
    for name, result, arguments in (
        ("TF_NewStatus", _P, []),
        ("TF_DeleteStatus", None, [_P]),
        ("TF_GetCode", _INT, [_P]),
        ("TF_Message", ctypes.c_char_p, [_P]),
        ("TF_NewSessionOptions", _P, []),
        ("TF_SetConfig", None, [_P, ctypes.c_char_p, ctypes.c_size_t, _P]),
        ("TF_DeleteSessionOptions", None, [_P]),
        ("TF_NewGraph", _P, []),
        ("TF_DeleteGraph", None, [_P]),
        ("TF_NewBuffer", ctypes.POINTER(_Buffer), []),
        ("TF_NewBufferFromString", ctypes.POINTER(_Buffer),
         [ctypes.c_char_p, ctypes.c_size_t]),
        ("TF_DeleteBuffer", None, [ctypes.POINTER(_Buffer)]),
        ("TF_LoadSessionFromSavedModel", _P,
         [_P, _P, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p), _INT, _P,
          ctypes.POINTER(_Buffer), _P]),
        ("TF_SessionRun", None,
         [_P, ctypes.POINTER(_Buffer), _P, _P, _INT, _P, _P, _INT, _P, _INT,
          _P, _P]),
        ("TF_CloseSession", None, [_P, _P]),
        ("TF_DeleteSession", None, [_P, _P]),
        ("TF_GraphOperationByName", _P, [_P, ctypes.c_char_p]),
        ("TF_AllocateTensor", _P,
         [_INT, ctypes.POINTER(ctypes.c_int64), _INT, ctypes.c_size_t]),
        ("TF_DeleteTensor", None, [_P]),
        ("TF_TensorData", _P, [_P]),
        ("TF_TensorType", _INT, [_P]),
        ("TF_NumDims", _INT, [_P]),
        ("TF_Dim", ctypes.c_int64, [_P, _INT]),
        ("TF_TensorByteSize", ctypes.c_size_t, [_P]),
        ("TF_StringInit", None, [_P]),
        ("TF_StringCopy", None, [_P, ctypes.c_char_p, ctypes.c_size_t]),
        ("TF_StringDealloc", None, [_P]),
        ("TF_StringGetDataPointer", _P, [_P]),
        ("TF_StringGetSize", ctypes.c_size_t, [_P]),
    ):  # fmt: skip
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


_C = _load_library()


@contextlib.contextmanager
def _status():
    """A TF_Status; raises what it holds at the end."""
    status = _C.TF_NewStatus()
    try:
        yield status
        code = _C.TF_GetCode(status)
        if code:
            message = _C.TF_Message(status).decode(errors="replace")
            raise RuntimeFailure(code, message)
    finally:
        _C.TF_DeleteStatus(status)


class SavedModel:
    """One loaded SavedModel. Thread-safe; ctypes lets other threads run."""

    def __init__(self, directory: str, threads: int = 0):
        config = config_pb2.ConfigProto(
            intra_op_parallelism_threads=threads,
            inter_op_parallelism_threads=threads,
        ).SerializeToString()
        options, self._graph = _C.TF_NewSessionOptions(), _C.TF_NewGraph()
        buffer = _C.TF_NewBuffer()
        tags = (ctypes.c_char_p * 1)(b"serve")
        try:
            with _status() as status:
                _C.TF_SetConfig(options, config, len(config), status)
            with _status() as status:
                self._session = _C.TF_LoadSessionFromSavedModel(
                    options, None, str(directory).encode(), tags, 1,
                    self._graph, buffer, status,
                )  # fmt: skip
            content = buffer.contents
            data = ctypes.string_at(content.data, content.length)
        finally:
            _C.TF_DeleteSessionOptions(options)
            _C.TF_DeleteBuffer(buffer)
        meta_graph = meta_graph_pb2.MetaGraphDef.FromString(data)
        self.signatures = dict(meta_graph.signature_def)

    def run(
        self,
        feeds: list[tuple[str, int, np.ndarray]],
        fetches: list[str],
        timeout_ms: int = 0,
    ) -> list[np.ndarray]:
        """Runs the graph.

        Args:
            feeds: tensor name, dtype number and value; strings as an object
                array of bytes.
            fetches: tensor names.
            timeout_ms: gives up after so long; 0: never.
        """
        values = (_P * len(feeds))()
        results = (_P * len(fetches))()
        options = config_pb2.RunOptions(timeout_in_ms=timeout_ms)
        options = options.SerializeToString()
        buffer = _C.TF_NewBufferFromString(options, len(options))
        try:
            for i, (_, dtype, value) in enumerate(feeds):
                values[i] = _to_tensor(dtype, value)
            inputs = self._outputs([name for name, _, _ in feeds])
            with _status() as status:
                _C.TF_SessionRun(
                    self._session, buffer, inputs, values, len(feeds),
                    self._outputs(fetches), results, len(fetches), None, 0,
                    None, status,
                )  # fmt: skip
            return [_from_tensor(result) for result in results]
        finally:
            _C.TF_DeleteBuffer(buffer)
            for value in filter(None, values):
                _free_strings(value)
                _C.TF_DeleteTensor(value)
            for result in filter(None, results):
                _C.TF_DeleteTensor(result)

    def close(self) -> None:
        for function in (_C.TF_CloseSession, _C.TF_DeleteSession):
            with _status() as status:
                function(self._session, status)
        _C.TF_DeleteGraph(self._graph)

    def _outputs(self, names: list[str]) -> ctypes.Array:
        outputs = (_Output * len(names))()
        for i, name in enumerate(names):
            operation, _, index = name.partition(":")
            found = _C.TF_GraphOperationByName(self._graph, operation.encode())
            outputs[i] = _Output(found, int(index or 0))
        return outputs


def _to_tensor(dtype: int, value: np.ndarray) -> int:
    shape = (ctypes.c_int64 * value.ndim)(*value.shape)
    size = value.size * _TSTRING_BYTES if dtype == STRING else value.nbytes
    tensor = _C.TF_AllocateTensor(dtype, shape, value.ndim, size)
    data = _C.TF_TensorData(tensor)
    if dtype == STRING:
        for i, item in enumerate(value.ravel()):
            place = data + i * _TSTRING_BYTES
            _C.TF_StringInit(place)
            _C.TF_StringCopy(place, item, len(item))
    elif size:
        value = np.ascontiguousarray(value, DTYPES[dtype])
        ctypes.memmove(data, value.ctypes.data, size)
    return tensor


def _free_strings(tensor: int) -> None:
    if _C.TF_TensorType(tensor) == STRING:
        size = _C.TF_TensorByteSize(tensor)
        data = _C.TF_TensorData(tensor)
        for offset in range(0, size, _TSTRING_BYTES):
            _C.TF_StringDealloc(data + offset)


def _from_tensor(tensor: int) -> np.ndarray:
    rank, dtype = _C.TF_NumDims(tensor), _C.TF_TensorType(tensor)
    shape = [_C.TF_Dim(tensor, axis) for axis in range(rank)]
    data = _C.TF_TensorData(tensor)
    if dtype != STRING:
        content = ctypes.string_at(data, _C.TF_TensorByteSize(tensor))
        return np.frombuffer(content, DTYPES[dtype]).reshape(shape)
    strings = np.empty(int(np.prod(shape)), object)
    for i in range(strings.size):
        place = data + i * _TSTRING_BYTES
        strings[i] = ctypes.string_at(
            _C.TF_StringGetDataPointer(place), _C.TF_StringGetSize(place)
        )
    return strings.reshape(shape)
