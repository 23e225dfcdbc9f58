"""What a supervisor hears from a whole run."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from actors.heartbeat import Beat
from ops.node_files import read_table
from ops.node_record import note_node_ended
from ops.supervised import proves_life
from ops.watchdog.node import NodeWatch
from risk.state_dir import StateDir
from tests.live_kit import quick_profile, run_live

MS = 1_000_000


def test_a_run_says_that_it_is_ready_that_it_lives_and_that_it_stops(tmp_path):
    environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "500000"}
    profile = quick_profile("rehearsal", tmp_path)

    with supervisor(environ["NOTIFY_SOCKET"]) as said:
        run = run_live(tmp_path, "--profile", profile, "--duration", "3", env=environ)

    assert run.code == 0, run.stdout
    assert said[0] == "READY=1"
    assert "STATUS=trading is ACTIVE" in said
    assert said.count("WATCHDOG=1") >= 3
    assert said.index("STOPPING=1") > said.index("WATCHDOG=1")


@contextmanager
def supervisor(path: str) -> Iterator[list[str]]:
    """Listen until the block ends; a queue of few datagrams is all that the system keeps."""
    said: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(path)

        def listen() -> None:
            while (text := heard.recv(1_000).decode()) != "end":
                said.append(text)

        listener = Thread(target=listen)
        listener.start()
        yield said
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"end", path)
        listener.join()


def test_a_node_that_never_came_up_is_no_dead_node(tmp_path):
    state = StateDir(tmp_path)
    state.node.write_text('{"pid": 4194305, "mode": "demo"}')

    note_node_ended(tmp_path)

    facts, _ = NodeWatch(state).turn(0)
    assert facts.is_ended
    assert read_table(state.node)["mode"] == "demo"


@pytest.mark.parametrize(
    ("age_ms", "gate_age_ms", "lives"),
    [(0, 0, True), (3_000, 3_000, True), (3_001, 0, False), (0, 3_001, False), (0, None, False)],
)
def test_a_beat_and_the_gate_must_both_be_young(age_ms, gate_age_ms, lives):
    now = 10**12
    beat = Beat(
        pid=1, seq=1, ts_ns=0, mono_ns=now - age_ms * MS, feeds={}, is_user_stream_up=True,
        gate_mono_ns=None if gate_age_ms is None else now - gate_age_ms * MS, state="ACTIVE",
        positions={}, loop_lag_ms=0.0,
    )  # fmt: skip

    assert proves_life(beat, now, 3_000 * MS) is lives
