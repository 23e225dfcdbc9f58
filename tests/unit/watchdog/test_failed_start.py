"""A start that fails speaks for itself, and not for the run before it."""

import json

import pytest

from ops.node_files import read_node, read_table
from ops.node_record import ended_in_order, note_node_ended
from ops.watchdog.node import NodeWatch
from ops.watchdog.verdict import Limits, Verdict, judge
from risk.state_dir import StateDir

GONE, FAILED = 2**22 + 1, 2**22 + 2
BEAT = {
    "pid": GONE, "seq": 9, "mono_ns": 0, "gate_mono_ns": 0, "feeds": {}, "is_user_stream_up": True,
    "positions": {}, "is_ended": False,
}  # fmt: skip


@pytest.fixture
def state(tmp_path):
    return StateDir(tmp_path)


def write(state, beat=BEAT, **node):
    state.node.write_text(json.dumps({"pid": GONE} | node))
    if beat is not None:
        state.heartbeat.write_text(json.dumps(beat))


def verdict(state):
    return judge(NodeWatch(state).turn(0)[0], Limits(500, 10_000))[0]


def test_a_folder_without_a_node_was_left_in_order(state):
    assert ended_in_order(state.path)


@pytest.mark.parametrize(
    ("beat", "node"),
    [(BEAT | {"is_ended": True}, {}), (BEAT, {"ended": True}), (None, {"ended": True})],
)
def test_a_run_that_said_so_has_ended_in_order(state, beat, node):
    write(state, beat, **node)

    assert ended_in_order(state.path)
    assert "has ended in order" in read_node(state.path).trouble


@pytest.mark.parametrize("beat", [BEAT, None, BEAT | {"pid": FAILED, "is_ended": True}])
def test_a_run_that_did_not_say_so_has_not(state, beat):
    write(state, beat)

    assert not ended_in_order(state.path)


def test_a_record_that_cannot_be_read_speaks_for_no_order(state):
    state.node.write_text("{")

    assert not ended_in_order(state.path)


@pytest.mark.parametrize(
    ("is_after_crash", "expected"), [(True, Verdict.DEAD), (False, Verdict.ENDED)]
)
def test_a_failed_start_is_an_orderly_end_only_where_the_run_before_was(
    state, is_after_crash, expected
):
    write(state, pid=FAILED, is_after_crash=is_after_crash)

    note_node_ended(state.path)

    assert verdict(state) is expected
    assert ended_in_order(state.path) is not is_after_crash  # and so for the start after this one
    assert read_table(state.node)["pid"] == FAILED
