"""Memory for time: what a gradient needs is computed a second time.

A training step keeps all tensors from which gradients follow until it comes
back to them. `recomputed` keeps only what a function got, and runs it again
when its gradient is due (Chen et al., arXiv 1604.06174, 2016). Warping is
always treated so, because it makes four tensors of the size of its result
and takes little time; the parts of a network where `recomputing` is on, for
a third more arithmetic at most.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import record

_LAST = "crossnet_tf/recomputed_last"
_RECOMPUTING = contextvars.ContextVar("recomputing", default=False)


def is_recorded() -> bool:
    """Whether a `GradientTape` may be looking on."""
    return record.could_possibly_record()


@contextlib.contextmanager
def recomputing(wanted: bool) -> Iterator[None]:
    """Whether parts that are called meanwhile keep only their inputs."""
    token = _RECOMPUTING.set(wanted)
    try:
        yield
    finally:
        _RECOMPUTING.reset(token)


def part(function: Callable, *inputs: Any) -> Any:
    """`function(*inputs)`, recomputed for its gradient where that is on.

    Args:
        function: of tensors, in any nesting, to tensors in any nesting.
        *inputs: its arguments.
    """
    return (recomputed if _RECOMPUTING.get() else _call)(function, *inputs)


def recomputed(function: Callable, *inputs: Any) -> Any:
    """`function(*inputs)`, of which the gradient needs `inputs` alone.

    Args:
        function: of tensors, in any nesting, to tensors in any nesting.
        *inputs: its arguments.
    """
    if not is_recorded():
        return function(*inputs)
    kept: list[Any] = []

    @tf.custom_gradient
    def lean(*tensors: tf.Tensor) -> Any:
        with record.stop_recording():
            kept[:] = [function(*inputs)]

        def backward(
            *upstream: tf.Tensor, variables: Sequence[tf.Variable] = ()
        ) -> Any:
            found = _gradients_again(function, inputs, variables, upstream)
            count = len(tensors)
            return (found[:count], found[count:]) if variables else found

        return _tensors(kept[0]), backward

    outputs = lean(*tf.nest.flatten(inputs))
    given = iter(tf.nest.flatten(outputs))
    # What is no tensor, such as the number of a level, goes through.
    return tf.nest.map_structure(
        lambda value: next(given) if tf.is_tensor(value) else value, kept[0]
    )


def _tensors(values: Any) -> list[tf.Tensor]:
    return [value for value in tf.nest.flatten(values) if tf.is_tensor(value)]


def _gradients_again(
    function: Callable, inputs: Any, variables: Any, upstream: Any
) -> list[tf.Tensor]:
    """Runs `function` once more, and back: to inputs, then variables."""
    # Not before the gradient is there, nor beside another part's, or less
    # would be saved.
    waited = [*upstream, *_before()]
    with tf.GradientTape() as tape, tf.control_dependencies(waited):
        again = [tf.identity(t) for t in tf.nest.flatten(inputs)]
        tape.watch(again)
        with recomputing(False):
            result = function(*tf.nest.pack_sequence_as(inputs, again))
    found = tape.gradient(
        _tensors(result),
        [*again, *variables],
        output_gradients=list(upstream),
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    _before()[:] = found
    return found


def _before() -> list[tf.Tensor]:
    """The gradients of the part that was recomputed last in this graph."""
    if tf.executing_eagerly():
        return []
    return tf.compat.v1.get_collection_ref(_LAST)


def _call(function: Callable, *inputs: Any) -> Any:
    return function(*inputs)
