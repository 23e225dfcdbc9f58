"""ACTIVE, REDUCING, HALTED: what may leave."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class TradingState(IntEnum):
    """
    What may leave.

    ACTIVE: everything that passes the rules. REDUCING: nothing that raises the worst case. HALTED:
    nothing but cancels, exits and protective stops.

    """

    ACTIVE = 0
    REDUCING = 1
    HALTED = 2


class Transition(NamedTuple):
    """A change of state, or a further cause for the present one."""

    ts_ns: int
    previous: TradingState
    state: TradingState
    cause: str
    by: str
