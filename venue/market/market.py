"""What the player plays: a source, bent when asked, with the bars that its trades make."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from venue.market.events import MarketEvent, Source
from venue.market.klines import interval_ms, with_klines
from venue.market.shape import Bend, PriceShape

if TYPE_CHECKING:
    from venue.engine.symbols import SymbolSpec


class Market:
    """
    A source of its own around another: prices can be bent, and bars are streamed.

    Parameters
    ----------
    source : Source
        Quotes, depth, trades and marks.
    intervals : Sequence[str]
        The bars to stream, such as ``1m``.

    Raises
    ------
    IntervalError
        If an interval is not one that is built.

    """

    def __init__(self, source: Source, intervals: Sequence[str] = ("1m",)) -> None:
        for interval in intervals:
            interval_ms(interval)
        self._source = source
        self._intervals = tuple(intervals)
        self._shapes = {spec.symbol: PriceShape(spec.tick_size) for spec in source.symbols}

    @property
    def symbols(self) -> "Sequence[SymbolSpec]":
        """The instruments that the events are of."""
        return self._source.symbols

    def events(self) -> Iterator[MarketEvent]:
        """Yield what happened, in time order, with the times of the source."""
        return with_klines(self._bent(), list(self._shapes), self._intervals)

    def bend(self, symbol: str, bend: Bend) -> None:
        """
        Bend a symbol's prices from its next event on.

        Raises
        ------
        KeyError
            If the source has no such symbol.

        """
        self._shapes[symbol].add(bend)

    def _bent(self) -> Iterator[MarketEvent]:
        for event in self._source.events():
            yield self._shapes[event.symbol].apply(event)
