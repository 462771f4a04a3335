"""A data service that ends takes the training along, with one line."""

import socket
import threading
import time

import pytest
import tensorflow as tf

from crossnet_tf.training import service_watch


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(service_watch, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(service_watch, "_PATIENCE_SECONDS", 0.1)


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def _address(server) -> str:
    return f"127.0.0.1:{server.getsockname()[1]}"


def test_no_service_is_not_watched():
    before = threading.active_count()
    with service_watch.watched(()):
        assert threading.active_count() == before


def test_service_that_answers_is_left_alone(server):
    with service_watch.watched([_address(server)]):
        time.sleep(0.5)


def test_error_of_a_lost_service_is_named(server):
    address = _address(server)
    server.close()
    with (
        pytest.raises(ConnectionError, match=f"service {address} has ended"),
        service_watch.watched([address]),
    ):
        raise tf.errors.UnavailableError(None, None, "Failed to connect")


def test_other_errors_pass(server):
    with (
        pytest.raises(tf.errors.InvalidArgumentError, match="shapes"),
        service_watch.watched([_address(server)]),
    ):
        raise tf.errors.InvalidArgumentError(None, None, "shapes")


def test_training_that_waits_in_vain_is_ended(server, monkeypatch, capsys):
    ended = threading.Event()
    monkeypatch.setattr(service_watch.os, "_exit", lambda code: ended.set())
    with service_watch.watched([_address(server)]):
        server.close()
        assert ended.wait(10)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: The data service 127.0.0.1:")
