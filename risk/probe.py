"""A sign of life: a command that the gate answers like any other, and that does nothing."""

from __future__ import annotations

import time

from nautilus_trader.core.message import Command
from nautilus_trader.core.uuid import UUID4


class GateProbe(Command):  # type: ignore[misc]
    """
    Asks the gate whether it still judges; sent over the endpoint of all commands.

    It waits in the same line as orders do, so that a gate which is stuck in one of them does not
    answer. It counts for nothing and is written down nowhere.

    Parameters
    ----------
    ts_init : int
        Unix nanoseconds.

    """

    def __init__(self, ts_init: int) -> None:
        super().__init__(UUID4(), ts_init)
        self.answered_mono_ns: int | None = None

    def answer(self) -> None:
        """Take note, by ``time.monotonic_ns``, that the gate came to it."""
        self.answered_mono_ns = time.monotonic_ns()
