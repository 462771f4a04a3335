"""The tile follows the memory that is free."""

import ctypes

import numpy as np
import psutil
import pytest
import tensorflow as tf
from small_network import STRIDE, build_small_model

from crossnet_tf import config
from crossnet_tf.upscaling import free_memory, upscaler


def test_a_containers_limit_counts(tmp_path):
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("1000000\n")
    assert free_memory.free_bytes(tmp_path) == 2_000_000


@pytest.mark.parametrize("limit", ["max", "damaged", "99999999999999999"])
def test_without_a_limit_the_machine_counts(tmp_path, limit):
    (tmp_path / "memory.max").write_text(limit)
    (tmp_path / "memory.current").write_text("5")
    free = free_memory.free_bytes(tmp_path)
    assert 0 < free <= psutil.virtual_memory().total


def test_side_golden():
    assert free_memory.largest_side(4_369_066_667) == 1024
    assert free_memory.largest_side(0) == 0


@pytest.mark.parametrize(
    ("preset", "margin", "side"),
    [
        ("quick", 128, 1024),
        ("lite", 128, 809),
        ("paper", 128, 768),
        ("paper", 0, 512),
        ("paper", 384, 1024),
    ],
)
def test_tiles_are_as_large_as_the_networks_memory_allows(preset, margin, side):
    assert free_memory.tile_input_side(preset, margin, 1024) == side


@pytest.mark.parametrize(("max_side", "largest"), [(None, 800), (1024, 1024)])
def test_only_large_pictures_are_cut_smaller(monkeypatch, max_side, largest):
    """What is done at once stays 1024 x 1024; a side that is given counts."""
    monkeypatch.setattr(upscaler, "free_bytes", lambda: 2**36)
    model = build_small_model(config.ModelConfig(preset="lite"))
    sizes = []

    def network(lr, ref):
        sizes.append(ref.shape[1:3])
        return {"sr": tf.zeros(ref.shape)}

    one = upscaler.Upscaler(model, max_side, margin=128)
    one._network = network
    for side in (1024, 1920):
        lr = np.zeros([side // 4, side // 4, 3], np.float32)
        one(lr, np.zeros([side, side, 3], np.float32))
    assert sizes[0] == (1024, 1024)
    assert len(sizes) > 2
    assert np.max(sizes[1:]) == largest


@pytest.mark.parametrize("free", [0, 30_000_000])
def test_little_memory_makes_small_tiles(monkeypatch, rng, free):
    monkeypatch.setattr(upscaler, "free_bytes", lambda: free)
    model = build_small_model(config.ModelConfig())
    small = upscaler.Upscaler(model, 256, margin=STRIDE)
    lr = rng.random((30, 50, 3), np.float32)
    ref = rng.random((120, 200, 3), np.float32)
    result = small(lr, ref)["sr"]
    assert small._side < 128
    monkeypatch.setattr(upscaler, "free_bytes", lambda: 2**34)
    whole = upscaler.Upscaler(model, 256, margin=STRIDE)(lr, ref)["sr"]
    np.testing.assert_allclose(result, whole, atol=1e-5)


def test_what_was_freed_is_given_back():
    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("another C library")
    size = psutil.Process().memory_info
    blocks = [bytes(50_000) for _ in range(4000)]
    last = bytes(50_000)  # above the others: it holds them
    del blocks
    before = size().rss
    free_memory.give_back()
    assert before - size().rss > 100_000_000
    assert len(last) == 50_000
