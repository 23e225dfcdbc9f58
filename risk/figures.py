"""The figures that outlive a run: without them a restart would reset the day's loss."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from risk.breakers import LossMarks

EntryKey = tuple[str, str, int]
"""Strategy, instrument and side (+1 buys, -1 sells)."""


class Figures(NamedTuple):
    """
    What the next run measures from.

    Parameters
    ----------
    marks : LossMarks
        Where the day's loss and the drawdown are measured from.
    pnl, equity : Decimal
        What they were when this was written, USDT.
    is_tripped : bool
        Whether a loss of the day or from the peak had tripped trading.
    entries : dict[EntryKey, tuple[int, ...]]
        When entries were approved, Unix nanoseconds.

    """

    marks: LossMarks
    pnl: Decimal
    equity: Decimal
    is_tripped: bool
    entries: dict[EntryKey, tuple[int, ...]]
