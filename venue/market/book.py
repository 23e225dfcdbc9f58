"""An order book that is kept from its changes."""

from decimal import Decimal

from venue.market.events import Depth, Level


class BookGapError(Exception):
    """A change that does not follow the one before."""


class Book:
    """The order book of one symbol; empty until its first snapshot or change."""

    def __init__(self) -> None:
        self._bids: dict[Decimal, Decimal] = {}
        self._asks: dict[Decimal, Decimal] = {}
        self._is_fresh = False
        self.last_id = 0
        self.ts_ms = 0

    def apply(self, depth: Depth) -> None:
        """
        Take over a snapshot or a change.

        Raises
        ------
        BookGapError
            If a change does not follow: its ``prev_id`` must be the last event's ``last_id``,
            or, after a snapshot, the snapshot's id must lie in the change (U <= id <= u).

        """
        if depth.is_snapshot:
            self._bids.clear()
            self._asks.clear()
        elif self.last_id and not self._is_followed_by(depth):
            raise BookGapError(
                f"{depth.symbol}: change with pu={depth.prev_id} after u={self.last_id}",
            )
        _merge(self._bids, depth.bids)
        _merge(self._asks, depth.asks)
        self.last_id, self.ts_ms = depth.last_id, depth.ts_ms
        self._is_fresh = depth.is_snapshot

    def bids(self, levels: int | None = None) -> tuple[Level, ...]:
        """Return the best bids, best first; all of them without ``levels``."""
        return tuple(sorted(self._bids.items(), reverse=True)[:levels])

    def asks(self, levels: int | None = None) -> tuple[Level, ...]:
        """Return the best asks, best first; all of them without ``levels``."""
        return tuple(sorted(self._asks.items())[:levels])

    def best(self) -> tuple[Level, Level] | None:
        """Return the best bid and ask, or None where a side is empty."""
        if not self._bids or not self._asks:
            return None
        bid, ask = max(self._bids), min(self._asks)
        return (bid, self._bids[bid]), (ask, self._asks[ask])

    def _is_followed_by(self, change: Depth) -> bool:
        if change.prev_id == self.last_id:
            return True
        return self._is_fresh and change.first_id <= self.last_id <= change.last_id


def _merge(side: dict[Decimal, Decimal], levels: tuple[Level, ...]) -> None:
    for price, qty in levels:
        if qty:
            side[price] = qty
        else:
            side.pop(price, None)
