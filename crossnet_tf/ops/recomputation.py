"""Memory for time: what a gradient needs is computed a second time.

A training step keeps all tensors from which gradients follow until it comes
back to them. `recomputed` keeps only what a function got, and runs it again
when its gradient is due (Chen et al., arXiv 1604.06174, 2016). Warping is
always treated so, because it makes four tensors of the size of its result
and takes little time; the parts of a network where `recomputing` is on.

What a part hands on is kept by whoever takes it, so it is not computed a
second time: an encoder's picture of 64 channels costs thirty times as much as
the stem before it, which alone is missing. `once` says where that may be.
"""

import contextlib
import contextvars
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import record

_LAST = "crossnet_tf/recomputed_last"
_RECOMPUTING = contextvars.ContextVar("recomputing", default=False)
_RUN: contextvars.ContextVar["_Run | None"] = contextvars.ContextVar(
    "run", default=None
)


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
        with _running(None):
            return function(*inputs)
    kept: list[Any] = []
    known: list[tf.Tensor | None] = []

    @tf.custom_gradient
    def lean(*tensors: tf.Tensor) -> Any:
        run = _Run()
        with record.stop_recording(), _running(run):
            kept[:] = [function(*inputs)]
        handed_on = {id(tensor) for tensor in _tensors(kept[0])}
        known[:] = [t if id(t) in handed_on else None for t in run.found]

        def backward(
            *upstream: tf.Tensor, variables: Sequence[tf.Variable] = ()
        ) -> Any:
            with _running(_Run(known=[*known])):
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


def once(compute: Callable[[], tf.Tensor]) -> tf.Tensor:
    """`compute()`, or, where a part runs again, what it was the first time.

    That is so if the part handed it on. To be called as often, and in the
    same order, in both runs; the caller knows the gradient.

    Args:
        compute: makes one tensor.
    """
    run = _RUN.get()
    if run is None or run.graph is not _graph():
        return compute()
    return run.next(compute)


def _graph() -> tf.Graph | None:
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


@dataclasses.dataclass
class _Run:
    """What `once` is asked for while a part runs.

    Attributes:
        known: what the first run handed on, in order; None for the rest.
        found: what was answered.
        graph: where the part runs; graphs that it makes are not asked again.
    """

    known: list[tf.Tensor | None] = dataclasses.field(default_factory=list)
    found: list[tf.Tensor] = dataclasses.field(default_factory=list)
    graph: tf.Graph | None = dataclasses.field(default_factory=_graph)

    def next(self, compute: Callable[[], tf.Tensor]) -> tf.Tensor:
        """The known one whose turn it is, or a new one."""
        number = len(self.found)
        known = self.known[number] if number < len(self.known) else None
        self.found.append(compute() if known is None else known)
        return self.found[-1]


@contextlib.contextmanager
def _running(run: "_Run | None") -> Iterator[None]:
    """A part runs; those inside it are not parts of their own."""
    token = _RUN.set(run)
    try:
        with recomputing(False):
            yield
    finally:
        _RUN.reset(token)


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
