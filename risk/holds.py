"""Holds: what keeps new risk back for a while, and passes by itself."""

from __future__ import annotations

from typing import NamedTuple

from risk.decision import Denial, DenyReason
from risk.events import VenueEvent, VenueEventKind

REASONS = {
    VenueEventKind.RATE_LIMITED: DenyReason.VENUE_RATE_LIMITED,
    VenueEventKind.USER_STREAM_LOST: DenyReason.USER_STREAM_LOST,
    VenueEventKind.REDIS_LOST: DenyReason.REDIS_LOST,
}
ENDED_BY = {
    VenueEventKind.USER_STREAM_BACK: VenueEventKind.USER_STREAM_LOST,
    VenueEventKind.REDIS_BACK: VenueEventKind.REDIS_LOST,
}


class Hold(NamedTuple):
    """Why nothing new may be risked, and until when (Unix nanoseconds; None: until lifted)."""

    denial: Denial
    until_ns: int | None


class Holds:
    """The holds that are in force."""

    def __init__(self) -> None:
        self._holds: dict[VenueEventKind, Hold] = {}

    def take(self, event: VenueEvent) -> None:
        """Begin, prolong or end a hold."""
        if event.kind in ENDED_BY:
            self._holds.pop(ENDED_BY[event.kind], None)
            return
        known = self._holds.get(event.kind)
        until_ns = event.until_ns
        if known is not None and until_ns is not None:
            # A shorter word does not end a longer one, and one without an end stays.
            until_ns = None if known.until_ns is None else max(known.until_ns, until_ns)
        denial = Denial(REASONS[event.kind], event.observed, event.limit)
        self._holds[event.kind] = Hold(denial, until_ns)

    def denial(self, now_ns: int) -> Denial | None:
        """Return why new risk is held back at this moment, or None."""
        for kind, hold in list(self._holds.items()):
            if hold.until_ns is None or now_ns < hold.until_ns:
                return hold.denial
            del self._holds[kind]
        return None
