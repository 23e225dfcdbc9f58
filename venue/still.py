"""A market that stands still until somebody moves it."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING

from venue.market.events import Mark, Quote, Trade

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from venue.engine.symbols import SymbolSpec
    from venue.market.events import MarketEvent

SECOND_MS = 1_000
FUNDING_MS = 8 * 3_600_000
START_PRICES = {"BTCUSDT": Decimal(64_000), "ETHUSDT": Decimal(3_400), "SOLUSDT": Decimal(150)}
TOP_NOTIONAL = Decimal(2_000_000)


class StillMarket:
    """
    The same quote, trade and mark of each symbol every second; one tick apart, deep on both sides.

    Parameters
    ----------
    symbols : Sequence[SymbolSpec]
        The instruments.
    start_ms : int
        The time of the first event.
    prices : Mapping[str, Decimal], optional
        Where symbols stand; by default BTC 64000, ETH 3400, SOL 150, others 100.

    """

    def __init__(
        self,
        symbols: Sequence[SymbolSpec],
        *,
        start_ms: int,
        prices: Mapping[str, Decimal] | None = None,
    ) -> None:
        self._symbols = tuple(symbols)
        self._start_ms = start_ms
        self._prices = START_PRICES | dict(prices or {})

    @property
    def symbols(self) -> Sequence[SymbolSpec]:
        """The instruments that the events are of."""
        return self._symbols

    def events(self) -> Iterator[MarketEvent]:
        """Yield every symbol's events of a second, then those of the next, without end."""
        for second in count():
            for spec in self._symbols:
                yield from self._second(spec, self._start_ms + second * SECOND_MS, second + 1)

    def _second(self, spec: SymbolSpec, ts_ms: int, number: int) -> Iterator[MarketEvent]:
        price = self._prices.get(spec.symbol, Decimal(100)).quantize(spec.tick_size)
        qty = (TOP_NOTIONAL / price).quantize(spec.step_size)
        funding_ms = (ts_ms // FUNDING_MS + 1) * FUNDING_MS
        yield Mark(spec.symbol, ts_ms, price, price, Decimal("0.00010000"), funding_ms)
        yield Quote(spec.symbol, ts_ms, number, price - spec.tick_size, qty, price, qty)
        yield Trade(spec.symbol, ts_ms, price, spec.min_qty, is_buyer_maker=False, id=number)
