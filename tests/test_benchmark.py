"""The benchmark: what it counts, refuses and prints."""

import pytest
import tensorflow as tf

from crossnet_tf import benchmark, config
from crossnet_tf.baselines.registry import build_model
from crossnet_tf.evaluation import timing
from crossnet_tf.ops import subgraph


def _flags(*arguments):
    benchmark.FLAGS.unparse_flags()
    benchmark.FLAGS(["benchmark", *arguments])


def test_gflop_of_the_published_network():
    """445 GFLOP at 512x512 as released; the paper's head adds 54."""
    model = build_model(config.model_config("official", upsampler="bicubic"))
    inputs = {
        "lr": tf.TensorSpec([1, 128, 128, 3]),
        "ref": tf.TensorSpec([1, 512, 512, 3]),
    }
    function = tf.function(lambda x: model(x)["sr"])
    gflop = timing._gflop(function.get_concrete_function(inputs).graph)
    assert gflop == pytest.approx(445, rel=0.01)


def test_gflop_counts_each_call():
    kernel = tf.ones([3, 3, 4, 8])

    @subgraph.repeated
    def piece(images):
        return tf.nn.conv2d(images, kernel, 1, "SAME")

    function = tf.function(lambda x: piece(x) + piece(2.0 * x))
    graph = function.get_concrete_function(tf.zeros([1, 10, 20, 4])).graph
    assert timing._gflop(graph) == pytest.approx(
        2 * 2 * 10 * 20 * 3 * 3 * 4 * 8 / 1e9
    )


def test_measure_network_is_plausible():
    row = timing.measure_network("lite", 32, 48, "float32", train=False)
    assert 0 < row["fastest"] <= row["seconds"] <= row["slowest"]
    assert row["gflop"] > 0
    assert 0 < row["share"] < 1.5
    assert row["memory_gb"] > 0.05


def test_planned_rows():
    _flags("--presets=lite,paper", "--sizes=64x96", "--precisions=float32")
    rows = benchmark.planned_rows()
    assert len(rows) == 4
    assert rows[0] == {
        "preset": "lite",
        "height": 64,
        "width": 96,
        "precision": "float32",
        "train": False,
    }
    line = benchmark.table_row(
        rows[0],
        {
            "seconds": 0.5,
            "fastest": 0.4,
            "slowest": 0.6,
            "gflop": 12.0,
            "share": 0.25,
            "memory_gb": 1.25,
        },
    )
    assert line.startswith("| lite | forward | 64x96 | float32 | 0.500 ")
    assert "25 %" in line


@pytest.mark.parametrize(
    "argument",
    ["--presets=huge", "--precisions=float8", "--sizes=512", "--sizes=9x9"],
)
def test_planned_rows_rejects(argument):
    _flags(argument)
    with pytest.raises(ValueError, match=argument.partition("=")[2]):
        benchmark.planned_rows()


def test_machine_is_named():
    assert "cores" in benchmark.machine()
