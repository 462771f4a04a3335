"""TF_CONFIG: what is taken, and one line for what is not."""

import json

import pytest

from crossnet_tf.config import TrainConfig
from crossnet_tf.training import cluster, devices

TWO = ["a:1", "b:2"]


def _set(monkeypatch, value) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    monkeypatch.setenv("TF_CONFIG", text)


def _config(jobs, job="worker", index=0) -> dict:
    return {"cluster": jobs, "task": {"type": job, "index": index}}


@pytest.mark.parametrize(
    ("value", "addresses", "worker"),
    [
        (_config({"worker": TWO}, index=1), ("a:1", "b:2"), 1),
        (_config({"worker": TWO, "chief": ["c:3"]}), ("c:3", "a:1", "b:2"), 1),
        (_config({"worker": TWO, "chief": ["c:3"]}, "chief"), (
            "c:3", "a:1", "b:2"), 0),
        (_config({"worker": ["[::1]:70"]}, index="0"), ("[::1]:70",), 0),
    ],
)  # fmt: skip
def test_processes_are_numbered_golden(monkeypatch, value, addresses, worker):
    _set(monkeypatch, value)
    found = cluster.read_cluster()
    assert (found.addresses, found.worker) == (addresses, worker)


def test_place_and_name_golden():
    found = cluster.Cluster(("[::1]:70", "host:8"), 0)
    assert [found.place(i) for i in range(2)] == [("::1", 70), ("host", 8)]
    assert found.name(1) == "worker 1 (host:8)"


@pytest.mark.parametrize("text", ["", "  "])
def test_nothing_set_is_no_cluster(monkeypatch, text):
    _set(monkeypatch, text)
    assert cluster.read_cluster() is None


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("{", "be JSON"),
        ("[" * 100_000, "be JSON"),
        ("[]", "be a JSON object"),
        ({}, "have a `cluster` and a `task`"),
        ({"cluster": {"worker": TWO}}, "have a `cluster` and a `task`"),
        (_config([]), "of chief and worker tasks"),
        (_config({"ps": TWO}), "of chief and worker tasks"),
        (_config({"worker": "a:1"}), "host:port"),
        (_config({"worker": ["a"]}), "host:port"),
        (_config({"worker": ["a:0"]}), "host:port"),
        (_config({"worker": ["a:70000"]}), "host:port"),
        (_config({"worker": [5]}), "host:port"),
        (_config({"worker": ["http://a:1"]}), "host:port"),
        (_config({"worker": []}), "host:port"),
        (_config({}), "at least one task"),
        (_config({"chief": TWO}, "chief"), "one chief at most"),
        (_config({"worker": ["a:1", "a:1"]}), "each address once"),
        (_config({"worker": TWO}, index=2), "in the cluster"),
        (_config({"worker": TWO}, index=-1), "in the cluster"),
        (_config({"worker": TWO}, index=True), "in the cluster"),
        (_config({"worker": TWO}, index="x"), "in the cluster"),
        (_config({"worker": TWO}, "chief"), "in the cluster"),
        ({"cluster": {"worker": TWO}, "task": None}, "in the cluster"),
    ],
)
def test_malformed_value_rejects(monkeypatch, value, rule):
    _set(monkeypatch, value)
    with pytest.raises(ValueError, match=r"`TF_CONFIG` must .*") as error:
        cluster.read_cluster()
    text = str(error.value)
    assert rule in text
    assert "Received: TF_CONFIG=" in text
    assert len(text) < 500


def test_strategy_decides_whether_the_cluster_counts(monkeypatch):
    def find(strategy, names=()):
        return devices.find_cluster(TrainConfig(strategy=strategy), names)

    _set(monkeypatch, _config({"worker": TWO}))
    assert find("auto") == find("multi_worker") == cluster.read_cluster()
    assert find("one_device") is find("mirrored") is None
    assert find("auto", ["/cpu:0"]) is None
    _set(monkeypatch, _config({"chief": ["a:1"]}, "chief"))
    assert find("auto") is None  # a cluster of one trains alone
    monkeypatch.delenv("TF_CONFIG")
    assert find("auto") is None
    with pytest.raises(ValueError, match=r"must be set.*'multi_worker'"):
        find("multi_worker")
