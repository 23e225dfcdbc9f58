"""The signals that pull the kill switch, kept from the first moment of a process on."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

from risk.kills import ACCOUNT, Kill, KillLevel
from risk.latch import Latch, LatchError

KILL_SIGNALS = {signal.SIGUSR1: KillLevel.HALT, signal.SIGUSR2: KillLevel.FLATTEN}
REASON = "no reason given"

Pull = Callable[[KillLevel, str], None]
"""Takes a level and the name of the signal."""


class KillSignals:
    """
    Notes pulls while nobody can take them, and passes them on afterwards.

    Without it a signal during the start, which takes seconds, ends the process, and whoever
    supervises it starts a node that knows nothing of the pull.

    """

    def __init__(self) -> None:
        self.noted: list[Kill] = []
        """Pulls that no node has taken yet."""
        self.latched_in: Path | None = None
        """The latch that holds them, None while none does."""
        self.has_node = False
        """Whether a node takes them."""
        with suppress(ValueError):  # Not in the main thread: then nobody can send any.
            for number in KILL_SIGNALS:
                signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        level, name = KILL_SIGNALS[signal.Signals(number)], signal.Signals(number).name
        self.noted.append(Kill(level, ACCOUNT, name, REASON, "signal", time.time_ns()))

    def latch(self, path: Path) -> None:
        """Write what no node has taken into its latch: the start has failed, and the next is killed."""
        for kill in self.noted:
            with suppress(LatchError):
                Latch(path).add_kill(kill)
                self.latched_in = path

    def pass_on(self, pull: Pull) -> None:
        """Let *pull* take what was noted, and from now on each signal in the running loop."""
        self.has_node = True
        loop = asyncio.get_running_loop()
        for number, level in KILL_SIGNALS.items():
            loop.add_signal_handler(number, pull, level, number.name)
        for kill in self.noted:
            pull(kill.level, kill.by)
        self.noted.clear()
