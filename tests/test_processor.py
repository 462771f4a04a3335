"""What is said of a processor."""

import pytest

from crossnet_tf import processor


@pytest.fixture
def flags(tmp_path, monkeypatch):
    """Writes what /proc/cpuinfo would say."""
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(processor, "_CPUINFO", path)
    monkeypatch.setattr(processor.platform, "machine", lambda: "x86_64")
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)

    def write(text):
        path.write_text(f"model name\t: Some EPYC\nflags\t\t: {text}\n")

    return write


@pytest.mark.parametrize(
    ("text", "expected", "has_bfloat16"),
    [
        ("sse2 avx", "other", False),
        ("sse2 avx avx2", "avx2", False),
        ("avx2 avx512f avx512_vnni", "avx512", False),
        ("avx2 avx512f avx512_bf16", "avx512_bf16", True),
        ("avx2 avx512f avx512_bf16 amx_bf16", "amx", True),
    ],
)
def test_instruction_set(flags, text, expected, has_bfloat16):
    flags(text)
    assert processor.instruction_set() == expected
    assert processor.has_bfloat16() == has_bfloat16
    assert bool(processor.advice("mixed_bfloat16")) != has_bfloat16
    assert not processor.advice("float32")


def test_the_limit_of_onednn_counts(flags, monkeypatch):
    flags("avx2 avx512f avx512_bf16")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "avx2")
    assert processor.instruction_set() == "avx2"
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_AMX")
    assert processor.instruction_set() == "avx512_bf16"


def test_onednn_is_turned_on_where_it_can_be(flags, monkeypatch):
    flags("sse2")
    processor.prefer_onednn()
    assert "TF_ENABLE_ONEDNN_OPTS" not in processor.os.environ
    flags("avx2")
    processor.prefer_onednn()
    assert processor.os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert processor.uses_onednn()


def test_onednn_stays_off_where_the_user_said_so(flags, monkeypatch):
    flags("avx2")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    processor.prefer_onednn()
    assert processor.os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert not processor.uses_onednn()


def test_describe(flags, monkeypatch):
    flags("avx2 avx512f avx512_bf16")
    assert processor.describe().startswith("Some EPYC, AVX-512 with bfloat16, ")
    assert "thread" in processor.describe()
    monkeypatch.setattr(processor, "_CPUINFO", processor.pathlib.Path("none"))
    assert processor.describe()
    assert processor.has_bfloat16()
