"""The signals that pull the kill switch, kept from the first moment of a process on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from risk.kills import KillLevel

KILL_SIGNALS = {signal.SIGUSR1: KillLevel.HALT, signal.SIGUSR2: KillLevel.FLATTEN}

Pull = Callable[[KillLevel, str], None]
"""Takes a level and the name of the signal."""


class KillSignals:
    """
    Notes pulls while nobody can take them, and passes them on afterwards.

    Without it a signal during the start, which takes seconds, ends the process, and whoever
    supervises it starts a node that knows nothing of the pull.

    """

    def __init__(self) -> None:
        self._noted: list[signal.Signals] = []
        with suppress(ValueError):  # Not in the main thread: then nobody can send any.
            for number in KILL_SIGNALS:
                signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._noted.append(signal.Signals(number))

    def pass_on(self, pull: Pull) -> None:
        """Let *pull* take what was noted, and from now on each signal in the running loop."""
        loop = asyncio.get_running_loop()
        for number, level in KILL_SIGNALS.items():
            loop.add_signal_handler(number, pull, level, number.name)
        for number in self._noted:
            pull(KILL_SIGNALS[number], number.name)
