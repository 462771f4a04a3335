"""The same weights as Keras' Adam, from one operation for each of them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from crossnet_tf.ops import fused_adam

_PAIRS = [
    (fused_adam.Adam, keras.optimizers.Adam, {}),
    (fused_adam.AdamW, keras.optimizers.AdamW, {"weight_decay": 0.1}),
]


def _trained(kind, settings, gradients, start):
    """Weights and optimiser after a step with each gradient."""
    weights = [
        keras.Variable(value, name=f"w{i}") for i, value in enumerate(start)
    ]
    optimizer = kind(0.01, **settings)
    optimizer.build(weights)
    apply = tf.function(lambda *values: optimizer.apply(values, weights))
    for values in gradients:
        apply(*values)
    return weights, optimizer


def _assert_close(ours, theirs, **bounds):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), **bounds)


@pytest.mark.parametrize(("ours", "theirs", "settings"), _PAIRS)
def test_weights_and_averages_are_those_of_keras(ours, theirs, settings, rng):
    shapes = [(3, 4), (5,)]
    start = [rng.normal(size=shape).astype("float32") for shape in shapes]
    gradients = [
        [
            tf.constant(scale * rng.normal(size=shape), tf.float32)
            for shape in shapes
        ]
        for scale in (1.0, 100.0, 1e-4, 0.0, 1.0)
    ]
    found, fused = _trained(ours, settings, gradients, start)
    wanted, plain = _trained(theirs, settings, gradients, start)
    assert all((a.numpy() != b).any() for a, b in zip(found, start))
    _assert_close(found, wanted, rtol=1e-6, atol=1e-6)
    # 1 - 0.999 in float32 is 0.0009999871.
    _assert_close(fused.variables, plain.variables, rtol=2e-5, atol=1e-9)
    paths = [[v.path for v in o.variables] for o in (fused, plain)]
    assert [p.replace(fused.name, plain.name) for p in paths[0]] == paths[1]


def test_no_operation_is_left_beside_it():
    weight = keras.Variable(np.ones(7, "float32"))
    optimizer = fused_adam.Adam(0.01)
    optimizer.build([weight])

    @tf.function
    def step(gradient):
        optimizer.apply([gradient], [weight])

    graph = step.get_concrete_function(tf.ones(7)).graph
    made = [
        operator.type
        for operator in graph.get_operations()
        if any(t.shape == (7,) for t in operator.outputs)
    ]
    assert set(made) <= {"Placeholder", "Identity", "IdentityN"}
    kinds = [operator.type for operator in graph.get_operations()]
    assert kinds.count("ResourceApplyAdam") == 1
