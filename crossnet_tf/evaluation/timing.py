"""Times the network, the training step and the input pipeline.

A row is one network at one size and precision. `row` measures it in a process
of its own, so that its peak memory is its own; `benchmark.py` asks for the
rows and draws the table. The share of the machine compares the row's
arithmetic with the faster of a large matrix product and a large convolution,
measured in the same process.
"""

import math
import statistics
import time
from collections.abc import Callable

import keras
import tensorflow as tf

from crossnet_tf import config as config_lib
from crossnet_tf import footprint
from crossnet_tf.evaluation import layers
from crossnet_tf.evaluation.memory import peak_mb
from crossnet_tf.model import forms
from crossnet_tf.ops import fused_adam
from crossnet_tf.ops.losses import charbonnier
from crossnet_tf.ops.recomputation import recomputing
from crossnet_tf.pairs import crops
from crossnet_tf.storage import runs

RUNS = 5
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_TRAINING_COST = 3  # a step's arithmetic: forward, and twice that back


def measure_network(
    preset: str,
    height: int,
    width: int,
    precision: str,
    train: bool,
    recompute: bool = False,
) -> dict[str, float]:
    """Times a forward pass or a training step, batch 1.

    Args:
        preset: a name in `config.PRESETS`; LR is upsampled by bicubic in the
            two large ones, as their published parameter counts assume.
        height: of HR, pixels; a multiple of 8.
        width: of HR, pixels; a multiple of 8.
        precision: Keras policy.
        train: a step with Adam instead of a forward pass.
        recompute: the step computes parts again instead of keeping them.

    Returns:
        `seconds` (median of 5), `fastest`, `slowest`, `gflop`, `share` of
        the machine's rate, `memory_gb` (peak of this process).
    """
    call, gflop = network_call(
        preset, height, width, precision, train, recompute
    )
    times = time_calls(call)
    memory = peak_mb() / 1e3
    dtype = "float32" if precision == "float32" else precision[6:]
    seconds = statistics.median(times)
    return {
        "seconds": seconds,
        "fastest": min(times),
        "slowest": max(times),
        "gflop": gflop,
        "share": gflop / seconds / machine_rate(dtype),
        "memory_gb": memory,
    }


def network_call(
    preset: str,
    height: int,
    width: int,
    precision: str,
    train: bool,
    recompute: bool = False,
) -> tuple[Callable[[], object], float]:
    """What `measure_network` times, and its GFLOP.

    Args:
        preset: as `measure_network`, and so are the others.
        height: pixels.
        width: pixels.
        precision: Keras policy.
        train: a step instead of a forward pass.
        recompute: the step computes parts again instead of keeping them.
    """
    changes = {} if preset == "lite" else {"upsampler": "bicubic"}
    model = runs.build(config_lib.model_config(preset, **changes), precision)
    scale = model.config.scale
    ref = tf.random.uniform([1, height, width, 3])
    inputs = {
        "lr": tf.random.uniform([1, height // scale, width // scale, 3]),
        "ref": ref,
    }
    gflop = _plain_gflop(model, inputs)
    forward = tf.function(lambda x: model(x)["sr"])
    if not train:
        return lambda: forward(inputs).numpy(), gflop
    step = _training_step(model, inputs, ref, recompute)
    footprint.let_go_of_libraries()
    return step, _TRAINING_COST * gflop


def measure_pipeline(height: int, width: int, count: int = 40) -> float:
    """Crops per second of the input pipeline alone, on the stereo pair."""
    data = config_lib.DataConfig(
        dataset="motorcycle",
        crop_height=height,
        crop_width=width,
        random_crop=True,
        parallax_shift=15,
        pairs_per_scene=8,
        batch_size=2,
    )
    batches = iter(crops.train_dataset(data, 4, seed=0))
    for _ in range(4):
        next(batches)
    began = time.perf_counter()
    for _ in range(count // data.batch_size):
        next(batches)
    return count / (time.perf_counter() - began)


def machine_rate(dtype: str) -> float:
    """GFLOP/s of the faster of a large matrix product and convolution."""
    matrix = tf.cast(tf.random.normal([2048, 2048]), dtype)
    inputs, outputs, side, size = layers.PROBE
    image = tf.cast(tf.random.normal([1, side, side, inputs]), dtype)
    kernel = tf.random.normal([size, size, inputs, outputs])
    kernel = tf.cast(kernel, dtype)
    product = tf.function(lambda: tf.matmul(matrix, matrix))
    convolution = tf.function(lambda: forms.convolve(image, kernel, 1))
    return max(
        2e-9 * 2048**3 / min(time_calls(lambda: product().numpy())),
        2e-9
        * (side * side * size * size * inputs * outputs)
        / min(time_calls(lambda: convolution().numpy())),
    )


def time_calls(call: Callable[[], object]) -> list[float]:
    """Seconds of each of five calls, after one that does not count."""
    call()
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return times


def _training_step(
    model: keras.Model,
    inputs: dict[str, tf.Tensor],
    hr: tf.Tensor,
    recompute: bool = False,
) -> Callable[[], object]:
    optimizer = fused_adam.Adam(1e-6)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape, recomputing(recompute):
            loss = tf.reduce_sum(charbonnier(model(inputs)["sr"], hr))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    return lambda: step().numpy()


def _plain_gflop(model: keras.Model, inputs: dict[str, tf.Tensor]) -> float:
    """As if no form saved multiplications: the same on every processor."""
    with forms.portable():
        function = tf.function(lambda x: model(x)["sr"])
        return _gflop(function.get_concrete_function(inputs).graph)


def _gflop(graph: tf.Graph) -> float:
    """Multiplications and additions of all convolutions in a graph."""
    total: float = 0
    for operation in graph.get_operations():
        if operation.type in _CALLS:
            called = graph._get_function(operation.get_attr("f").name)
            total += _gflop(called.graph)
            continue
        if operation.type == "Conv2D":
            kernel, output = operation.inputs[1], operation.outputs[0]
        elif operation.type == "Conv2DBackpropInput":
            # Each input pixel of a transposed convolution meets the kernel.
            kernel, output = operation.inputs[1], operation.inputs[2]
        else:
            continue
        work = math.prod(kernel.shape)
        total += 2e-9 * output.shape[1] * output.shape[2] * work
    return total
