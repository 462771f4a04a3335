"""Names of TensorFlow that it does not promise: one guard for each.

An upgrade that takes one away, or changes what it does, fails here and says
which, not deep inside an export.
"""

import ast
import inspect
import pathlib

import keras
import pytest
import tensorflow as tf
from tensorflow.core.framework import node_def_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.distribute import collective_all_reduce_strategy
from tensorflow.python.eager import context, record
from tensorflow.python.framework import func_graph, kernels

from crossnet_tf.ops import subgraph
from export.graph import lint

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRIVATE = "tensorflow.python"


def _double(values):
    return 2.0 * values


@pytest.fixture
def nested():
    """A graph that calls another one."""
    inner = tf.function(_double, experimental_attributes={"_noinline": True})
    outer = tf.function(lambda values: inner(values) + 1.0)
    return outer.get_concrete_function(tf.constant(1.0)).graph


def test_func_graph_knows_the_graph_around_it():
    graphs = []

    def note(values):
        graphs.append(tf.compat.v1.get_default_graph())
        return _double(values)

    tf.function(lambda x: tf.function(note)(x)).get_concrete_function(
        tf.constant(1.0)
    )
    assert isinstance(graphs[0], func_graph.FuncGraph)
    assert isinstance(graphs[0].outer_graph, func_graph.FuncGraph)
    outermost = graphs[0].outer_graph.outer_graph
    assert not isinstance(outermost, func_graph.FuncGraph)


def _executed(attributes: dict[str, bool]) -> list[str]:
    """Names of the operations that run, after TensorFlow's optimizer."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        inner = tf.function(_double, experimental_attributes=attributes)
        values = tf.compat.v1.placeholder(tf.float32, [2])
        result = inner(values) + 1.0
        metadata = tf.compat.v1.RunMetadata()
        options = tf.compat.v1.RunOptions(output_partition_graphs=True)
        session.run(result, {values: [1.0, 2.0]}, options, metadata)
    return [n.op for graph in metadata.partition_graphs for n in graph.node]


def test_noinline_keeps_a_call_a_call():
    assert "PartitionedCall" in _executed({subgraph.NO_INLINE: True})
    assert "PartitionedCall" not in _executed({})


def test_get_function_gives_the_called_graph(nested):
    (call,) = (op for op in nested.get_operations() if "Call" in op.type)
    assert call.type == "PartitionedCall"
    called = nested._get_function(call.get_attr("f").name)
    assert "Mul" in [op.type for op in called.graph.get_operations()]


def test_registered_kernels_name_their_devices():
    found = kernels.get_registered_kernels_for_op("Conv2D").kernel
    assert "CPU" in {kernel.device_type for kernel in found}
    assert not kernels.get_registered_kernels_for_op("NoSuchOp").kernel


def test_xla_marks_what_it_must_compile():
    function = tf.function(_double, jit_compile=True)
    concrete = function.get_concrete_function(tf.constant(1.0))
    assert concrete.function_def.attr[lint._COMPILE].b


def test_protos_read_a_saved_model(tmp_path, nested):
    module = tf.Module()
    module.double = tf.function(_double, input_signature=[tf.TensorSpec([])])
    tf.saved_model.save(module, str(tmp_path))
    data = (tmp_path / lint.SAVED_MODEL_FILE).read_bytes()
    (meta_graph,) = saved_model_pb2.SavedModel.FromString(data).meta_graphs
    nodes = [
        n for f in meta_graph.graph_def.library.function for n in f.node_def
    ]
    assert isinstance(nodes[0], node_def_pb2.NodeDef)
    assert "Mul" in {node.op for node in nodes}


def test_collectives_of_workers_can_be_aborted_and_left_unwatched():
    extended = collective_all_reduce_strategy.CollectiveAllReduceExtended
    assert extended._enable_check_health is True
    eager = context.context()
    assert list(inspect.signature(eager.abort_collective_ops).parameters) == [
        "code",
        "message",
    ]
    configure = inspect.signature(eager.configure_coordination_service)
    assert "service_type" in configure.parameters


def test_keras_sums_gradients_by_a_method_of_its_own():
    parameters = list(
        inspect.signature(
            keras.optimizers.Adam._all_reduce_sum_gradients
        ).parameters
    )
    assert parameters == ["self", "grads_and_vars"]


def test_record_knows_whether_a_tape_looks_on():
    assert not record.could_possibly_record()
    with tf.GradientTape():
        assert record.could_possibly_record()
        with record.stop_recording():
            assert not record.could_possibly_record()


GUARDED = {
    "tensorflow.python.distribute.collective_all_reduce_strategy",
    "tensorflow.python.eager.context",
    "tensorflow.python.eager.record",
    "tensorflow.python.framework.func_graph",
    "tensorflow.python.framework.kernels",
}


def test_no_other_private_module_is_used():
    used = set()
    for folder in ("crossnet_tf", "data", "export"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module:
                    names = [f"{node.module}.{a.name}" for a in node.names]
                elif isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                else:
                    continue
                used |= {n for n in names if n.startswith(PRIVATE)}
    assert used == GUARDED
