"""
What to do about a position whose protection is broken, and when: never anything that adds to it.

Pure: no engine, no clock, no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from risk.protection import ZERO, Fault, Finding, Position

FIRST_LINE_SHARE = Decimal("0.25")
"""Of the time allowed without a stop: so long it is left to who looks after brackets."""
CLOSE_SHARE = Decimal("0.6")
"""Of the time allowed: after it no further stop is waited for, so that the close is in time."""
LATE_SHARE = Decimal("0.8")
"""As much, where the venue has told late that a stop was gone."""
RETRY_MS, RETRY_MS_MAX = 250, 2_000
SETTLE_MS = 1_000
"""A stop that does no good, but no harm either, must have stood for so long before it is canceled."""
DUPLICATE_MS = 3_000
"""A second stop beside one that stands is how the first line answers silence: it is left for longer."""
SETTLES: Mapping[Fault, int] = {
    Fault.WRONG_SIDE: SETTLE_MS,
    Fault.NOT_REDUCE_ONLY: SETTLE_MS,
    Fault.TOO_FAR: SETTLE_MS,
    Fault.ORPHANED: SETTLE_MS,
    Fault.DUPLICATE: DUPLICATE_MS,
}
"""The findings whose stops are canceled, and how long each must have stood (milliseconds)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Place a reduce-only stop; side is +1 for a buy, quantity base units."""

    side: int
    qty: Decimal


@dataclass(frozen=True, slots=True)
class Close:
    """Close at market, reduce-only; side is +1 for a buy, quantity base units."""

    side: int
    qty: Decimal


class Bare(NamedTuple):
    """
    A position, or a part of it, without a stop.

    Parameters
    ----------
    bare_ms, known_ms : int
        Since when, and since when that is known here, milliseconds.
    exits_qty : Decimal
        What market exits on their way will close (base units).
    is_asked : bool
        Whether a stop for it is on its way and the venue has not answered yet.
    is_through : bool
        Whether a new stop would act at once.
    is_heard : bool
        Whether the venue answers questions: while it does not, nothing can be done that would not
        pile up there and be done all at once when it is back.
    turn, turn_ms : int
        How often something was sent for it already, and how long ago the last time was (ms).

    """

    bare_ms: int
    known_ms: int
    exits_qty: Decimal = ZERO
    is_asked: bool = False
    is_through: bool = False
    is_heard: bool = True
    turn: int = 0
    turn_ms: int = RETRY_MS_MAX


def retry_ms(turn: int) -> int:
    """Return how long to wait after the *turn*-th try, milliseconds; after the first not at all."""
    return min(RETRY_MS << min(turn - 2, 10), RETRY_MS_MAX) if turn > 1 else 0


def is_overdue(bare: Bare, unprotected_ms_max: int) -> bool:
    """Return whether there is no more time to wait for a stop."""
    is_late = bare.bare_ms >= unprotected_ms_max * LATE_SHARE
    has_had_its_turn = bare.known_ms >= unprotected_ms_max * FIRST_LINE_SHARE
    return bare.known_ms >= unprotected_ms_max * CLOSE_SHARE or (is_late and has_had_its_turn)


def cover(
    position: Position, missing_qty: Decimal, bare: Bare, *, unprotected_ms_max: int
) -> Place | Close | None:
    """
    Decide about the part of a position that no stop protects.

    First nothing, for the first line acts at once; then a stop, once; and when that is refused, would
    act at once, or is not answered in time, that part is closed. When a close is refused, too, stop
    and close are tried in turns, ever less often.

    Parameters
    ----------
    missing_qty : Decimal
        What no stop protects, base units.
    unprotected_ms_max : int
        The time allowed, milliseconds.

    """
    qty = min(missing_qty, abs(position.signed_qty)) - bare.exits_qty
    if qty <= 0 or not bare.is_heard or bare.turn_ms < retry_ms(bare.turn):
        return None
    overdue = is_overdue(bare, unprotected_ms_max)
    if not overdue and (bare.is_asked or bare.known_ms < unprotected_ms_max * FIRST_LINE_SHARE):
        return None
    must_close = bare.is_through or bare.turn % 2 == 1 or (overdue and bare.turn == 0)
    return Close(-position.side, qty) if must_close else Place(-position.side, qty)


def force(position: Position, finding: Finding, exits_qty: Decimal) -> Close | None:
    """Decide about a position that must go: what is not being closed already is closed."""
    qty = min(finding.qty, abs(position.signed_qty)) - exits_qty
    return Close(-position.side, qty) if qty > 0 else None


def to_cancel(findings: list[Finding], standing_ms: Mapping[tuple[Fault, str], int]) -> list[str]:
    """
    Return the stops to cancel: never while any part of the position has none, new before old.

    Parameters
    ----------
    standing_ms : Mapping[tuple[Fault, str], int]
        For how long each finding has stood, by fault and client order id, milliseconds.

    """
    if any(finding.fault in {Fault.MISSING, Fault.TOO_SMALL} for finding in findings):
        return []
    return [
        key
        for finding in findings
        for key in finding.stops
        if finding.fault in SETTLES
        and standing_ms.get((finding.fault, key), 0) >= SETTLES[finding.fault]
    ]
