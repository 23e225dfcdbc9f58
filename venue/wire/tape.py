"""The market as the log tells it: at most two lines a second for a symbol, and before it mattered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venue.market.events import Mark, Quote, Trade

if TYPE_CHECKING:
    from venue.market.events import MarketEvent
    from venue.wire.log import WireLog

LINE_EVERY_MS = 500


class Tape:
    """The last bid, ask, trade and mark price of each symbol, as text."""

    def __init__(self, log: WireLog) -> None:
        self._log = log
        self._last: dict[str, dict[str, str]] = {}
        self._written_ms: dict[str, int] = {}
        self._stale: set[str] = set()

    def see(self, event: MarketEvent) -> None:
        """Take over the prices of *event*, and write a line when the last is old enough."""
        if isinstance(event, Quote):
            seen = {"bid": format(event.bid, "f"), "ask": format(event.ask, "f")}
        elif isinstance(event, Trade):
            seen = {"last": format(event.price, "f")}
        elif isinstance(event, Mark):
            seen = {"mark": format(event.mark, "f")}
        else:
            return
        self._last.setdefault(event.symbol, {}).update(seen)
        self._stale.add(event.symbol)
        if event.ts_ms - self._written_ms.get(event.symbol, 0) >= LINE_EVERY_MS:
            self._written_ms[event.symbol] = event.ts_ms
            self.tell(event.symbol)

    def tell(self, symbol: str | None) -> None:
        """Write what was not written yet about *symbol*, or about all."""
        for name in sorted(self._stale) if symbol is None else [symbol]:
            if name in self._stale:
                self._stale.discard(name)
                self._log.write("market", symbol=name, **self._last[name])

    def prices(self) -> dict[str, dict[str, Any]]:
        """Return the last prices of each symbol."""
        return {symbol: dict(seen) for symbol, seen in self._last.items()}
