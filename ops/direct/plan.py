"""What has to be done about what is there, by level and scope; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ops.direct.look import Held, Look, Resting
from risk.kills import KillLevel


class Lot(NamedTuple):
    """All orders of one kind on one symbol: what the venue can cancel with one request."""

    symbol: str
    is_algo: bool


class Plan(NamedTuple):
    """What one round does, in this order; stops come last."""

    lots: tuple[Lot, ...] = ()
    cancels: tuple[Resting, ...] = ()
    closes: tuple[Held, ...] = ()
    stops: tuple[Resting, ...] = ()


class Target(NamedTuple):
    """What shall be true: *symbol* is the venue's, None for the whole account."""

    level: KillLevel
    symbol: str | None = None

    def covers(self, symbol: str) -> bool:
        """Return whether a symbol is in scope."""
        return self.symbol in (None, symbol)

    def left(self, look: Look) -> tuple[Resting | Held, ...]:
        """Return what is still there and must not be."""
        orders = [o for o in look.orders if self.covers(o.symbol)]
        if self.level is not KillLevel.FLATTEN:
            return tuple(o for o in orders if not o.is_reducing)
        return (*(p for p in look.positions if self.covers(p.symbol)), *orders)


def make_plan(look: Look, target: Target, tried: Mapping[Lot, int]) -> Plan:
    """
    Return what to do about *look*.

    A symbol's stops go only once a look has shown it flat and without any other order. A cancel of a
    whole lot is tried once: its answer proves nothing, so what it leaves is canceled one by one.

    Parameters
    ----------
    look : Look
        What is there.
    target : Target
        What shall be true.
    tried : Mapping[Lot, int]
        How often each lot has been canceled as a whole.

    """
    left = target.left(look)
    orders = [item for item in left if isinstance(item, Resting)]
    closes = tuple(item for item in left if isinstance(item, Held))
    cancels = [o for o in orders if not o.is_stop]
    busy = {item.symbol for item in (*closes, *cancels)}
    is_settled = look.is_flat_known and not look.unseen
    stops = [o for o in orders if o.is_stop and o.symbol not in busy and is_settled]
    lots = {
        Lot(o.symbol, is_algo=False)
        for o in cancels
        if target.level is KillLevel.FLATTEN and not o.is_algo
    }
    lots = {lot for lot in lots if not tried.get(lot)}
    singles = tuple(o for o in cancels if Lot(o.symbol, o.is_algo) not in lots)
    return Plan(tuple(sorted(lots)), singles, closes, tuple(stops))
