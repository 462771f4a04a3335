"""What the tests of training have in common."""

from collections.abc import Iterator

import pytest


@pytest.fixture
def op_by_op() -> Iterator[None]:
    """Computes without graphs, which take longer to build than a few steps."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
