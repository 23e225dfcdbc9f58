"""A node under a supervisor: fed only while the heartbeat proves that loop and gate live."""

from __future__ import annotations

import time

from actors.heartbeat import Beat, Heartbeat
from ops.notify import Notifier

NS_PER_MS = 1_000_000


class Supervised:
    """
    Tells the supervisor how a node lives.

    Parameters
    ----------
    notifier : Notifier
        The way to the supervisor.
    heartbeat : Heartbeat
        The node's.
    heartbeat_ms_max : int
        Oldest beat, and oldest answer of the gate, that prove life.

    """

    def __init__(self, notifier: Notifier, heartbeat: Heartbeat, heartbeat_ms_max: int) -> None:
        self._notifier = notifier
        self._heartbeat = heartbeat
        self._ns_max = heartbeat_ms_max * NS_PER_MS
        self._state = ""

    def ready(self) -> None:
        """Say that strategies run."""
        self._notifier.ready()

    def look(self) -> None:
        """Feed the supervisor's watchdog if the node lives, and say a state that has changed."""
        beat = self._heartbeat.newest
        if beat is None:
            return
        if beat.state != self._state:
            self._state = beat.state
            self._notifier.status(f"trading is {beat.state}")
        if proves_life(beat, time.monotonic_ns(), self._ns_max):
            self._notifier.feed()

    def stopping(self) -> None:
        """Say that it winds down."""
        self._notifier.stopping()


def proves_life(beat: Beat, mono_ns: int, ns_max: int) -> bool:
    """Return whether a beat and the gate's last answer are no older than *ns_max* nanoseconds."""
    oldest = mono_ns - ns_max
    return beat.mono_ns >= oldest and beat.gate_mono_ns is not None and beat.gate_mono_ns >= oldest
