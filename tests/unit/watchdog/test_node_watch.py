"""How long a node has been silent, by the watchdog's own turns."""

import json
import os
import signal
import subprocess
import sys

import pytest

from ops.node_files import is_running
from ops.watchdog.node import TURN_NS_MAX, NodeWatch, read_beat
from risk.folder_lock import hold
from risk.state_dir import StateDir

TURN_NS = 250_000_000


@pytest.fixture
def state(tmp_path):
    return StateDir(tmp_path)


def write_beat(state, seq, pid=None, **more):
    table = {
        "pid": pid or os.getpid(), "seq": seq, "mono_ns": 0, "gate_mono_ns": 0, "feeds": {},
        "is_user_stream_up": True, "positions": {},
    }  # fmt: skip
    state.heartbeat.write_text(json.dumps(table | more))


def write_node(state, **more):
    state.node.write_text(json.dumps({"pid": os.getpid()} | more))


def test_silence_grows_turn_by_turn_and_ends_with_a_new_beat(state):
    write_node(state)
    write_beat(state, 1)
    watch = NodeWatch(state)
    silent = [watch.turn(n * TURN_NS)[0].silent_ns for n in range(3)]
    write_beat(state, 2)

    after = watch.turn(3 * TURN_NS)[0].silent_ns

    assert silent == [0, TURN_NS, 2 * TURN_NS]
    assert after == 0


def test_our_own_sleep_is_not_the_nodes_silence(state):
    write_node(state)
    write_beat(state, 1)
    watch = NodeWatch(state)
    watch.turn(0)

    facts, spent = watch.turn(3_600 * 1_000_000_000)

    assert facts.silent_ns == spent == TURN_NS_MAX


def test_a_beat_of_the_run_before_does_not_speak_for_this_one(state):
    write_beat(state, 9, pid=1, is_ended=True)
    write_node(state)

    facts, _ = NodeWatch(state).turn(0)

    assert (facts.pid, facts.beat, facts.is_ended) == (os.getpid(), None, False)


@pytest.mark.parametrize("how", ["node", "beat"])
def test_an_orderly_end_is_told_by_either_file(state, how):
    write_node(state, **({"ended": True} if how == "node" else {}))
    write_beat(state, 1, is_ended=how == "beat")

    assert NodeWatch(state).turn(0)[0].is_ended


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": 1}'])
def test_a_heartbeat_that_cannot_be_read_is_none(state, text):
    state.heartbeat.write_text(text)

    assert read_beat(state.heartbeat) is None


def test_a_beat_stays_known_while_its_file_cannot_be_read(state):
    write_node(state)
    write_beat(state, 1)
    watch = NodeWatch(state)
    watch.turn(0)
    state.heartbeat.write_text("{")

    facts, _ = watch.turn(TURN_NS)

    assert (facts.beat["seq"], facts.silent_ns) == (1, TURN_NS)


def test_a_process_that_was_killed_is_gone_before_its_parent_has_looked():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert is_running(process.pid)

    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    assert not is_running(process.pid)
    process.communicate()
    assert not is_running(process.pid)


def test_another_process_with_the_number_of_the_dead_node_is_not_the_node(state):
    write_node(state)
    write_beat(state, 1)
    with hold(state.path):
        assert NodeWatch(state).turn(0)[0].is_alive

    assert not NodeWatch(state).turn(0)[0].is_alive
