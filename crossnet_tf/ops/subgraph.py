"""Pieces of the network that occur many times, as one graph.

Written out for each time, the steps of preset `lite` make a graph of 20,000
operations, which TensorFlow takes seven seconds to optimise before a server's
first answer, and fifteen to trace. So each is traced once and called. Inside
such a piece others are written out: each function takes time to set up.
"""

import functools
from collections.abc import Callable

import tensorflow as tf
from tensorflow.python.framework import func_graph

NO_INLINE = "_noinline"
_TRACED = "crossnet_tf/traced"
_INSIDE = "crossnet_tf/inside"


def repeated(function: Callable) -> Callable:
    """Makes calls of `function` share one graph for each kind of arguments.

    Args:
        function: of tensors and settings, to tensors; creates no variables.

    Returns:
        The same function. Where no graph is being made it only calls it.
    """

    @functools.wraps(function)
    def call(*args, **kwargs):
        inside = tf.compat.v1.get_collection(_INSIDE)
        if tf.executing_eagerly() or inside:
            return function(*args, **kwargs)
        return _traced(function)(*args, **kwargs)

    return call


def _traced(function: Callable) -> Callable:
    """The `tf.function` of `function` that lives as long as the graph."""
    known = _outermost_graph().get_collection_ref(_TRACED)
    for original, traced in known:
        if original is function:
            return traced

    def body(*args, **kwargs):
        tf.compat.v1.add_to_collection(_INSIDE, True)
        return function(*args, **kwargs)

    body.__name__ = function.__name__.strip("_")
    traced = tf.function(
        body, autograph=False, experimental_attributes={NO_INLINE: True}
    )
    known.append((function, traced))
    return traced


def _outermost_graph() -> tf.Graph:
    graph = tf.compat.v1.get_default_graph()
    while isinstance(graph.outer_graph, func_graph.FuncGraph):
        graph = graph.outer_graph
    return graph
