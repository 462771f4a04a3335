"""Processes that train together meet, agree, and notice who is gone.

Here they are threads that talk over loopback, as processes do.
"""

import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from crossnet_tf.training import meeting
from crossnet_tf.training import team as teams
from crossnet_tf.training.cluster import Cluster
from crossnet_tf.training.meeting import Meeting
from crossnet_tf.training.messages import Line


def _addresses(count: int) -> tuple[str, ...]:
    sockets = [socket.socket() for _ in range(count)]
    for item in sockets:
        item.bind(("127.0.0.1", 0))
    found = [f"127.0.0.1:{item.getsockname()[1]}" for item in sockets]
    for item in sockets:
        item.close()
    return tuple(found)


def _meeting(addresses, worker, said=None, limit=20.0, **settings) -> Meeting:
    tell = (lambda text: None) if said is None else said.append
    return Meeting(Cluster(addresses, worker), settings, limit, tell)


def _connect(addresses) -> Line:
    """To the chief, which may not be there yet."""
    for _ in range(200):
        try:
            place = Cluster(addresses, 0).place(0)
            return Line(socket.create_connection(place, 1))
        except OSError:
            time.sleep(0.02)
    raise AssertionError("the chief does not listen")


def _last(line: Line) -> dict:
    """What came last before the other side closed the connection."""
    found: list[dict] = []
    with contextlib.suppress(ConnectionError):
        while True:
            found += line.receive()
    return found[-1]


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(meeting, "_QUIET_SECONDS", 0.1)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as executor:
        yield executor


@pytest.fixture
def meet(pool):
    """Makes a team of some processes, and ends what is left of it."""
    made = []

    def call(count: int = 2) -> list[teams.Team]:
        addresses = _addresses(count)
        meetings = [_meeting(addresses, i, rate=(1, 2)) for i in range(count)]
        lines = list(pool.map(Meeting.hold, meetings))
        members = [
            teams.Team(Cluster(addresses, i), lines[i]) for i in range(count)
        ]
        made.extend(members)
        return members

    yield call
    for member in made:
        member.fail("the test is over")


def test_they_meet_and_take_turns(meet, pool):
    members = meet(3)

    def run(member, most):
        turns = [member.turn(step, most, 0) for step in (0, 5)]
        member.finish()
        return turns

    results = list(pool.map(run, members, (5, 7, 9)))
    assert results == [[(5, 0), (5, 0)]] * 3


def test_address_is_free_after_they_met(meet):
    chief = meet(2)[0]
    _, port = chief._cluster.place(0)
    with socket.create_server(("127.0.0.1", port)):
        pass  # as TensorFlow will take it, while the connections are open


def test_signal_of_one_stops_all_at_the_same_step(meet, pool):
    members = meet(3)
    members[2].tell_of(lambda: 15)
    deadline = time.monotonic() + 10
    while not members[0].asked_to_stop and time.monotonic() < deadline:
        time.sleep(0.01)  # while the chief measures
    assert members[0].asked_to_stop
    turns = pool.map(lambda m, s: m.turn(8, 4, s), members, (0, 0, 15))
    assert list(turns) == [(0, 15)] * 3
    assert list(pool.map(teams.Team.finish, members)) == [None] * 3


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_who_is_killed_is_named_by_all_others(meet, pool, gone):
    members = meet(3)
    aborted = []
    for member in members:
        member.when_lost(aborted.append)
    members[gone]._left.set()  # it says nothing more
    members[gone]._thread.join()
    for line in members[gone]._lines.values():
        line._socket.shutdown(socket.SHUT_RDWR)  # as the kernel does
    expected = members[0]._cluster.name(gone).capitalize()
    for index, member in enumerate(members):
        if index != gone:
            with pytest.raises(ConnectionError, match="Start all workers") as e:
                member.turn(0, 1, 0)
            assert str(e.value).startswith(expected)
            assert str(e.value) == member.reason()
    deadline = time.monotonic() + 10
    while len(aborted) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)  # on other threads
    assert len(aborted) >= 2


def test_silence_is_a_loss(meet, monkeypatch):
    chief, other = meet(2)
    monkeypatch.setattr(teams, "_SILENT_SECONDS", 0.5)
    with pytest.raises(ConnectionError, match="does not answer any more"):
        chief.turn(0, 1, 0)
    with pytest.raises(ConnectionError):
        other.finish()


def test_error_of_one_is_told_to_all(meet):
    members = meet(3)
    members[1].fail("No pair of folder:x can be read.\nAnd more.")
    text = f"{members[0]._cluster.name(1)} has ended: No pair of folder:x can"
    for member in (members[0], members[2]):
        with pytest.raises(ConnectionError) as error:
            member.finish()
        assert text in str(error.value)
        assert "\n" not in str(error.value)


def test_other_step_rejects(meet, pool):
    chief, other = meet(2)
    waiting = pool.submit(other.turn, 40, 1, 0)
    with pytest.raises(
        ValueError, match=r"one folder.*step 40, the chief at 0"
    ):
        chief.turn(0, 1, 0)
    chief.fail("they differ")
    with pytest.raises(ConnectionError, match="they differ"):
        waiting.result(10)


def test_garbage_is_a_loss(meet):
    chief, other = meet(2)
    other._lines[0]._socket.sendall(b"\x00\x00\x12 HTTP/2\n")
    with pytest.raises(ConnectionError, match="sent what it should not"):
        chief.turn(0, 1, 0)


def test_who_is_stuck_is_ended(meet, monkeypatch, capsys):
    ended = threading.Event()
    monkeypatch.setattr(teams, "_PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(teams.os, "_exit", lambda code: ended.set())
    members = meet(2)
    members[1].fail("no reason")
    assert ended.wait(10)  # though the chief's main thread does nothing
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: worker 1 (127.0.0.1:")


@pytest.mark.parametrize("worker", [0, 1])
def test_lone_worker_names_whom_it_waits_for(worker):
    addresses, said = _addresses(3), []
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"wait_for_workers=0\.5") as error:
        _meeting(addresses, worker, said, limit=0.5).hold()
    assert time.monotonic() - began < 10
    missing = [0] if worker else [1, 2]
    names = ", ".join(Cluster(addresses, 0).name(i) for i in missing)
    assert names in str(error.value)
    assert said == [f"Waiting for {names}, 0.5 s at most."]


def test_others_know_whom_the_chief_waits_for(pool):
    addresses, said = _addresses(3), []
    chief = pool.submit(_meeting(addresses, 0, limit=1.5).hold)
    with pytest.raises(TimeoutError):
        _meeting(addresses, 1, said, limit=1).hold()
    assert Cluster(addresses, 0).name(2) in said[-1]
    with pytest.raises(TimeoutError):
        chief.result(10)


def test_other_settings_are_sent_away_and_named(pool):
    addresses, said = _addresses(2), []
    chief = pool.submit(_meeting(addresses, 0, said, rate=1).hold)
    with pytest.raises(ValueError, match=r"rate \(2 there, 1 here\)"):
        _meeting(addresses, 1, rate=2).hold()
    assert any("rate (2 there, 1 here)" in text for text in said)
    other = _meeting(addresses, 1, rate=1).hold()  # started anew
    for line in (*chief.result(10).values(), *other.values()):
        line.close()


def test_strangers_do_not_disturb_a_meeting(pool):
    addresses = _addresses(2)
    chief = pool.submit(_meeting(addresses, 0).hold)
    sent = (
        b"GET / HTTP/1.1\r\n\r\n",
        b"[1]\n",
        b'{"program": 1}\n',
        b'{"program": "crossnet_tf", "worker": true}\n',
        b'{"program": "crossnet_tf", "worker": [1]}\n',
        b'{"program": "crossnet_tf", "worker": 1, "tasks": 5}\n',
        b"[" * 50_000 + b"\n",
        b"",
        b"1" * 300_000,
    )
    for data in sent:
        stranger = _connect(addresses)
        stranger._socket.sendall(data)
        stranger.close()
    for tasks in (addresses[::-1], (*addresses, "x:1")):
        stranger = _connect(addresses)
        stranger.send(**_meeting(tasks, 1)._greeting())
        assert "same tasks" in stranger.receive()[0]["error"]
        stranger.close()
    for found in (_meeting(addresses, 1).hold(), chief.result(20)):
        for line in found.values():
            line.close()


def test_newcomer_replaces_one_that_hangs(pool):
    addresses = _addresses(3)
    chief = pool.submit(_meeting(addresses, 0).hold)
    hanging = _connect(addresses)
    hanging.send(**_meeting(addresses, 1)._greeting())
    assert "wait" in hanging.receive()[0]
    others = [pool.submit(_meeting(addresses, i).hold) for i in (1, 2)]
    found = [future.result(20) for future in (chief, *others)]
    assert _last(hanging)["error"] == "Another process came as worker 1."
    hanging.close()
    for lines in found:
        for line in lines.values():
            line.close()


def test_address_in_use_rejects():
    addresses = _addresses(2)
    _, port = Cluster(addresses, 0).place(0)
    with (
        socket.create_server(("", port)),
        pytest.raises(OSError, match=r"worker 0 .* in TF_CONFIG must be free"),
    ):
        _meeting(addresses, 0).hold()
