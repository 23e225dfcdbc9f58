"""What a node's state folder and the system tell about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ops.node_files import is_node, read_table
from ops.watchdog.verdict import Facts
from risk.in_place import read_in_place
from risk.state_dir import StateDir

TURN_NS_MAX = 1_000_000_000
"""A turn of ours that took longer was our own sleep (stopped, suspended): it counts as so long."""


class NodeWatch:
    """
    Follows one node over restarts.

    Time without a heartbeat is counted by our own turns: while we are stopped or the machine sleeps,
    no time passes for the node.

    Parameters
    ----------
    state : StateDir
        The node's files.

    """

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._beat: dict[str, Any] | None = None
        self._mark: tuple[int | None, int | None] = (None, None)
        self._silent_ns = 0
        self._turned_ns: int | None = None

    def turn(self, mono_ns: int) -> tuple[Facts, int]:
        """Return what is known at *mono_ns* (``time.monotonic_ns``), and how long the turn counts."""
        spent_ns = 0 if self._turned_ns is None else min(mono_ns - self._turned_ns, TURN_NS_MAX)
        self._turned_ns = mono_ns
        self._beat = read_beat(self._state.heartbeat) or self._beat
        node = read_table(self._state.node)
        pid, beat = node.get("pid"), self._beat
        if beat is not None and pid is None:
            pid = beat["pid"]
        if beat is not None and beat["pid"] != pid:
            beat = None  # Of a run before this one.
        mark = pid, None if beat is None else beat["seq"]
        self._silent_ns = 0 if mark != self._mark else self._silent_ns + spent_ns
        self._mark = mark
        is_ended = bool(node.get("ended")) or (beat is not None and beat["is_ended"])
        is_alive = pid is not None and is_node(self._state, pid)
        return Facts(pid, is_alive, is_ended, beat, self._silent_ns), spent_ns


def read_beat(path: Path) -> dict[str, Any] | None:
    """Return a heartbeat, None when there is none or it cannot be read."""
    beat = read_in_place(path)
    needed = {"pid", "seq", "mono_ns", "gate_mono_ns", "feeds", "is_user_stream_up", "positions"}
    if not needed <= beat.keys():
        return None
    return {"is_ended": False, "state": "", "causes": []} | beat
