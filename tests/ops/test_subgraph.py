"""Pieces that are traced once and called."""

import gc
import weakref

import pytest
import tensorflow as tf

from crossnet_tf.ops import subgraph


@pytest.fixture
def piece():
    """A function, and how often it was written out."""
    written = []

    @subgraph.repeated
    def doubled(values, offset=0.0):
        """Twice the values."""
        written.append(1)
        return 2.0 * values + offset

    return doubled, written


def _calls(function):
    return [n.op for n in function.graph.as_graph_def().node].count(
        "PartitionedCall"
    )


def test_eager_calls_the_function(piece):
    doubled, written = piece
    assert float(doubled(tf.constant(2.0), offset=1.0)) == 5.0
    assert len(written) == 1
    assert doubled.__doc__ == "Twice the values."


def test_one_graph_for_many_calls(piece):
    doubled, written = piece

    @tf.function
    def eight_times(values):
        for _ in range(3):
            values = doubled(values)
        return values

    function = eight_times.get_concrete_function(tf.constant(0.0))
    assert float(function(tf.constant(1.0))) == 8.0
    assert (len(written), _calls(function)) == (1, 3)
    library = function.graph.as_graph_def().library.function
    assert [f.attr[subgraph.NO_INLINE].b for f in library] == [True]


def test_settings_make_graphs_of_their_own(piece):
    doubled, written = piece

    @tf.function
    def both(values):
        return doubled(values, offset=1.0) + doubled(values, offset=2.0)

    assert float(both(tf.constant(1.0))) == 7.0
    assert len(written) == 2


def test_inside_another_it_is_written_out(piece):
    doubled, written = piece

    @subgraph.repeated
    def fourfold(values):
        return doubled(doubled(values))

    function = tf.function(fourfold).get_concrete_function(tf.constant(0.0))
    assert float(function(tf.constant(1.0))) == 4.0
    assert (len(written), _calls(function)) == (2, 1)


def test_gradient_passes(piece):
    doubled, _ = piece

    @tf.function
    def slope(values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            result = doubled(doubled(values)) ** 2
        return tape.gradient(result, values)

    assert float(slope(tf.constant(3.0))) == 2 * 12 * 4


def test_lives_as_long_as_the_graph(piece):
    doubled, _ = piece
    function = tf.function(lambda values: doubled(doubled(values)))
    function(tf.constant(1.0))
    graph = weakref.ref(function.get_concrete_function(tf.constant(1.0)).graph)
    del function
    gc.collect()
    assert graph() is None
