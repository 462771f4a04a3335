"""Peak memory: it grows with what is held, and starts anew."""

import pathlib

import numpy as np
import pytest

from crossnet_tf.evaluation import memory

needs_linux = pytest.mark.skipif(
    not pathlib.Path("/proc/self/clear_refs").exists(), reason="Linux only"
)


def test_peak_sees_an_array():
    memory.reset_peak()
    before = memory.peak_mb()
    np.ones(30_000_000)  # 240 MB
    assert memory.peak_mb() > before + 150


@needs_linux
def test_peak_starts_anew():
    np.ones(30_000_000)
    high = memory.peak_mb()
    memory.reset_peak()
    assert memory.peak_mb() < high - 100


def test_peak_without_proc(monkeypatch, tmp_path):
    """Other systems have no /proc: the whole life's peak counts."""
    for name in ("_RESET", "_STATUS"):
        monkeypatch.setattr(memory, name, tmp_path / "none")
    memory.reset_peak()
    assert memory.peak_mb() > 10
