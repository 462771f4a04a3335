"""What a SavedModel must not hold to run in any TensorFlow C++ program.

A server has no Python and, by default, no XLA: a graph that calls back into
Python or asks for compilation loads and then fails on each request. So each
operation of all functions must have a kernel in TensorFlow itself, and none
may be marked for XLA. TensorFlow loads custom ops and Flex only by extra
libraries; they have no kernel here, so they are found as well.
"""

import os
import pathlib
from collections.abc import Iterator

from tensorflow.core.framework import node_def_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import kernels

SAVED_MODEL_FILE = "saved_model.pb"
_PYTHON_OPS = ("EagerPyFunc", "PyFunc", "PyFuncStateless")
_FILE_OPS = ("ReadFile", "WriteFile", "PrintV2")
_COMPILE = "_XlaMustCompile"


def problems(directory: str | os.PathLike) -> list[str]:
    """Lists what would fail, or be dangerous, in a server.

    Args:
        directory: a SavedModel.

    Returns:
        One line each, sorted; none if all is well.

    Raises:
        FileNotFoundError: there is no SavedModel.
    """
    path = pathlib.Path(directory) / SAVED_MODEL_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"`directory` must hold a SavedModel. Received: {directory}"
        )
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    found = set()
    for meta_graph in model.meta_graphs:
        library = meta_graph.graph_def.library.function
        functions = {function.signature.name for function in library}
        for function in library:
            if function.attr[_COMPILE].b:
                found.add(f"function {function.signature.name}: {_COMPILE}")
        for node in _nodes(meta_graph.graph_def):
            found |= set(_node_problems(node, functions))
    return sorted(found)


def _nodes(graph) -> Iterator[node_def_pb2.NodeDef]:
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _node_problems(
    node: node_def_pb2.NodeDef, functions: set[str]
) -> Iterator[str]:
    if _COMPILE in node.attr and node.attr[_COMPILE].b:
        yield f"{node.op}: {_COMPILE}"
    if node.op in _PYTHON_OPS:
        yield f"{node.op}: calls Python"
    elif node.op in _FILE_OPS:
        yield f"{node.op}: touches files or the console"
    elif node.op not in functions and not _has_cpu_kernel(node.op):
        yield f"{node.op}: no CPU kernel in TensorFlow"


def _has_cpu_kernel(op: str) -> bool:
    registered = kernels.get_registered_kernels_for_op(op).kernel
    return any(
        kernel.device_type in ("CPU", "DEFAULT") for kernel in registered
    )
