"""Whether the changes of an order book follow one another without a gap."""

from __future__ import annotations

from nautilus_trader.adapters.binance.common.schemas.market import BinanceOrderBookData

Diffs = list[BinanceOrderBookData]


class BookChain:
    """
    One symbol's order book between snapshot and changes.

    Changes are held until a snapshot fits them: the first one that is applied holds its last update
    id, and each further one names the one before (Binance: How to manage a local order book).

    """

    def __init__(self) -> None:
        self._held: Diffs | None = []
        self._last_id = 0
        self._is_first = True

    def begin(self) -> None:
        """Hold all changes until the next snapshot."""
        self._held = []

    def take(self, diff: BinanceOrderBookData) -> Diffs | None:
        """Return what is to be applied now; None when something is missing between."""
        if self._held is not None:
            if self._held and diff.pu != self._held[-1].u:
                self._held.clear()
            self._held.append(diff)
            return []
        if diff.u < self._last_id or (not self._is_first and diff.u == self._last_id):
            return []  # told before
        follows = diff.pu == self._last_id or (self._is_first and self._holds_last(diff))
        if not follows:
            return None
        self._is_first = False
        self._last_id = diff.u
        return [diff]

    def start(self, last_update_id: int) -> Diffs | None:
        """Return what is to be applied on top of a snapshot; None when the snapshot is too old."""
        held = [diff for diff in self._held or () if diff.u >= last_update_id]
        self._last_id, self._is_first = last_update_id, True
        if held and not self._holds_last(held[0]) and held[0].pu != last_update_id:
            return None
        self._held = None
        if held:
            self._is_first, self._last_id = False, held[-1].u
        return held

    def _holds_last(self, diff: BinanceOrderBookData) -> bool:
        return bool(diff.U <= self._last_id <= diff.u)
