"""The watchdog's hand on the kill switch: one kill for each scope, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from configs.cli import BROKEN_INVARIANT, OK
from ops.direct.client import VenueError
from ops.watchdog.alarm import Teller
from ops.watchdog.venue import VenueWatch
from ops.watchdog.verdict import SEC
from risk.kills import KillLevel

NAKED = "NAKED"
"""The incident of a position without a stop for all of it."""
SYMBOLS_MAX = 8
"""So many symbols are killed at a time, and more without stops are an incident of the account.

A symbol's kill that is refused again and again costs 140 of the minute's weight (2,400), an account's
never more than 1,700, for however many symbols.
"""
LATER_SEC = 10
"""When a kill that had no reason is thought of again; the whole look before it costs 85."""


@dataclass
class Incident:
    """
    Something that is wrong: what, for how long by our turns, and whether the switch was pulled.

    ``symbol`` is the venue's; None for one of the whole account.

    """

    what: str
    reason: str
    symbol: str | None = None
    waited_ns: int = 0
    is_pulled: bool = False
    is_told_empty: bool = False


@dataclass(frozen=True)
class Order:
    """What to do about incidents: the profile's grace and level."""

    grace_sec: int
    level: KillLevel


class Puller:
    """
    Pulls the switch for what has lasted as long as the grace.

    No symbol waits for another one, and the account for none.

    Parameters
    ----------
    teller : Teller
        Told of every pull, and what came of it.

    """

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._pulls: dict[str | None, asyncio.Task[None]] = {}
        self._left: set[str | None] = set()

    @property
    def exit_code(self) -> int:
        """Return 70 when the last kill of the account or of a symbol has left something, else 0."""
        return BROKEN_INVARIANT if self._left else OK

    @property
    def is_at_account(self) -> bool:
        """Return whether a kill of the account runs: it looks at, and stops, every symbol itself."""
        return None in self._pulls

    def act(self, venue: VenueWatch, incidents: Mapping[str, Incident], order: Order) -> None:
        """Begin what is due; a symbol that the account's kill covers needs none of its own."""
        due = [
            incident
            for incident in incidents.values()
            if incident.waited_ns >= order.grace_sec * SEC and not incident.is_pulled
        ]
        if self.is_at_account:
            return
        for_account = [incident for incident in due if incident.symbol is None]
        for incident in for_account[:1] or due:
            if incident.symbol is None or len(self._pulls) < SYMBOLS_MAX:
                self._begin(venue, incident, order)

    async def finish(self) -> None:
        """Wait for every kill that has begun."""
        if self._pulls:
            await asyncio.wait(set(self._pulls.values()))

    def _begin(self, venue: VenueWatch, incident: Incident, order: Order) -> None:
        scope = incident.symbol
        if scope in self._pulls:
            return
        self._pulls[scope] = asyncio.create_task(self._pull(venue, incident, order))
        self._pulls[scope].add_done_callback(lambda task: self._pulled(scope, task))

    async def _pull(self, venue: VenueWatch, incident: Incident, order: Order) -> None:
        """Pull the switch if there is anything that it could stop."""
        if not await self._has_reason(venue, incident):
            incident.waited_ns = (order.grace_sec - LATER_SEC) * SEC  # Should it come back.
            return
        reason = f"{incident.what}: {incident.reason}"
        self._teller.event("PULL", f"{order.level.name}: {reason}")
        report = await venue.kill(order.level, reason, incident.symbol)
        incident.is_pulled = report.is_verified  # What is left is tried again and again.
        if not report.is_verified:
            self._left.add(incident.symbol)
        elif incident.symbol is None:
            self._left.clear()
        else:
            self._left.discard(incident.symbol)
        text = "verified" if report.is_verified else "NOT DONE: " + "; ".join(report.left)
        self._teller.event("KILLED" if report.is_verified else "LEFT", text, report=report.row())

    async def _has_reason(self, venue: VenueWatch, incident: Incident) -> bool:
        """Return whether there is anything to stop; what has no stop must be so now, and seen."""
        if incident.what == NAKED:
            found_max = SYMBOLS_MAX if incident.symbol is None else 0
            with suppress(VenueError):
                return len(await venue.naked_now(incident.symbol)) > found_max
            return False
        look = await venue.look()
        if look.orders or look.positions or look.unseen:
            return True
        if not incident.is_told_empty:
            incident.is_told_empty = True
            self._teller.event("NOTHING_TO_KILL", venue.empty_words)
        return False

    def _pulled(self, scope: str | None, task: asyncio.Task[None]) -> None:
        del self._pulls[scope]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._teller.event("TROUBLE", f"the switch could not be pulled: {error!r}")
