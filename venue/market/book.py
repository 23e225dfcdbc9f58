"""An order book that is kept from its changes."""

from bisect import bisect_left, insort
from decimal import Decimal

from venue.market.events import Depth, Level


class BookGapError(Exception):
    """A change that does not follow the one before."""


class Book:
    """The order book of one symbol; empty until its first snapshot or change."""

    def __init__(self) -> None:
        self._bids = _Side()
        self._asks = _Side()
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
        self._bids.merge(depth.bids)
        self._asks.merge(depth.asks)
        self.last_id, self.ts_ms = depth.last_id, depth.ts_ms
        self._is_fresh = depth.is_snapshot

    def bids(self, levels: int | None = None) -> tuple[Level, ...]:
        """Return the best bids, best first; all of them without ``levels``."""
        side = self._bids
        return tuple([(price, side.qty[price]) for price in reversed(side.prices)][:levels])

    def asks(self, levels: int | None = None) -> tuple[Level, ...]:
        """Return the best asks, best first; all of them without ``levels``."""
        side = self._asks
        return tuple([(price, side.qty[price]) for price in side.prices[:levels]])

    def best(self) -> tuple[Level, Level] | None:
        """Return the best bid and ask, or None where a side is empty."""
        if not self._bids.prices or not self._asks.prices:
            return None
        bid, ask = self._bids.prices[-1], self._asks.prices[0]
        return (bid, self._bids.qty[bid]), (ask, self._asks.qty[ask])

    def _is_followed_by(self, change: Depth) -> bool:
        if change.prev_id == self.last_id:
            return True
        return self._is_fresh and change.first_id <= self.last_id <= change.last_id


class _Side:
    """One side of a book; its prices are kept in order, since each change wants the best ones."""

    def __init__(self) -> None:
        self.qty: dict[Decimal, Decimal] = {}
        self.prices: list[Decimal] = []

    def clear(self) -> None:
        self.qty.clear()
        self.prices.clear()

    def merge(self, levels: tuple[Level, ...]) -> None:
        for price, qty in levels:
            if not qty:
                if self.qty.pop(price, None) is not None:
                    del self.prices[bisect_left(self.prices, price)]
                continue
            if price not in self.qty:
                insort(self.prices, price)
            self.qty[price] = qty
