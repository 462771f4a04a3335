"""The benchmark: what it counts, refuses and prints."""

import pytest
import tensorflow as tf

from crossnet_tf import benchmark, config
from crossnet_tf.baselines.registry import build_model
from crossnet_tf.evaluation import layers, peers, timing
from crossnet_tf.ops import subgraph

_RESULT = {
    "seconds": 0.5,
    "fastest": 0.4,
    "slowest": 0.6,
    "gflop": 12.0,
    "share": 0.25,
    "memory_gb": 1.25,
}


def _flags(*arguments):
    benchmark.FLAGS.unparse_flags()
    benchmark.FLAGS(["benchmark", *arguments])


def test_gflop_of_the_published_network():
    """445 GFLOP at 512x512, whatever form the processor takes."""
    model = build_model(config.model_config("official", upsampler="bicubic"))
    inputs = {
        "lr": tf.TensorSpec([1, 128, 128, 3]),
        "ref": tf.TensorSpec([1, 512, 512, 3]),
    }
    gflop = timing._plain_gflop(model, inputs)
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
        "recompute": False,
    }
    line = benchmark.table_row(rows[0], _RESULT)
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


def test_lines_before_an_error_are_kept(tmp_path, monkeypatch, capsys):
    """A long measurement that ends early has said what it found."""
    found = iter([dict.fromkeys(_RESULT, 0.5)])

    def measured(row):
        for result in found:
            return result
        raise ValueError("killed")

    monkeypatch.setattr(benchmark, "_measured", measured)
    path = tmp_path / "table.md"
    _flags("--presets=lite,paper", "--sizes=64x96", f"--output={path}")
    with pytest.raises(ValueError, match="killed"):
        benchmark.main()
    assert "| lite | forward | 64x96 | float32 | 0.500 " in path.read_text()
    assert capsys.readouterr().out == path.read_text()


def test_peer_rows_name_the_fastest():
    row = {
        "preset": "official",
        "height": 64,
        "width": 128,
        "precision": "float32",
        "train": True,
    }
    seconds = {
        form: [peers.Seconds(s, 2 * s) for s in passed]
        for form, passed in (
            ("crossnet_tf", [3.0, 1.0, 2.0]),
            ("plain", [4.0, 5.0, 4.0]),
        )
    }
    lines = benchmark.peer_rows(row, seconds, {"compiled": "no compiler"})
    assert len(lines) == 3
    assert "2.000 | 1.000-3.000 | 4.000 | 0.50, 0.50 of the" in lines[0]
    assert "PyTorch, plain" in lines[1]
    assert "no compiler" in lines[2]


def test_peers_needs_torch_rejects(monkeypatch):
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    _flags("--peers")
    with pytest.raises(ValueError, match="`peers`.*pip install torch"):
        benchmark.planned_rows()


def test_peers_answer_in_turn(monkeypatch):
    """With a worker that says more than it must, and one that fails."""
    program = (
        "import sys, json; job = json.loads(sys.argv[1]); "
        "job['form'] == 'compiled' and sys.exit('no compiler'); "
        "print('noise'); print('> ready', flush=True); "
        "[print('> 0.5 0.7', flush=True) for _ in sys.stdin]"
    )
    real = peers.subprocess.Popen

    def popen(command, **kwargs):
        return real([command[0], "-c", program, command[-1]], **kwargs)

    monkeypatch.setattr(peers.subprocess, "Popen", popen)
    seconds, failed = peers.measure({"preset": "official"}, rounds=2)
    assert list(seconds) == ["crossnet_tf", "plain", "channels_last"]
    assert set(map(tuple, seconds.values())) == {((0.5, 0.7),) * 2}
    assert failed == {"compiled": "no compiler"}


_PRINTED = """noise
onednn_verbose,v1,info,cpu,isa:Intel AVX2
onednn_verbose,v1,primitive,exec,cpu,convolution,jit:avx2,backward_weights,\
src:f32::blocked:acdb::f0 dst:f32::blocked:acdb::f0,,alg:convolution_direct,\
mb1_ic64oc32_ih20oh10kh5sh2dh0ph2_iw30ow15kw5sw2dw0pw2,2.5
onednn_verbose,v1,primitive,exec,cpu,convolution,brg:avx2,forward_training,\
src:f32,attr-scratchpad:user,alg:convolution_direct,\
mb1_ic256oc256_ih128oh128kh3sh1dh0ph1_iw128ow128kw3sw1dw0pw1,193.3
""".replace("\\\n", "")


def test_layers_of_what_onednn_prints():
    found = layers.parse(_PRINTED.splitlines())
    assert layers.probe_rate(found) == pytest.approx(100.0, rel=0.01)
    (line,) = layers.table(found, calls=1)[2:]
    # 2 * 64 * 32 * 10 * 15 * 25 operations in 2.5 ms
    assert line == (
        "| 5x5, 64 to 32, stride 2, 20x30 | kernel's gradient | 1 | 2.50 "
        "| 6 | 6 % | jit:avx2 |"
    )


def test_layers_calls_are_those_that_are_timed():
    assert len(timing.time_calls(lambda: None)) + 1 == layers.CALLS
