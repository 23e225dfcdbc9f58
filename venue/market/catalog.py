"""A market replayed from a catalog: ticks where it has them, else its bars taken apart."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from nautilus_trader.model.data import (
    Bar,
    FundingRateUpdate,
    MarkPriceUpdate,
    OrderBookDelta,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import AggressorSide, BookAction, OrderSide, RecordFlag

from catalog import encode, symbols
from catalog.blocks import SourceError
from catalog.instruments import find_instrument
from catalog.intervals import INTERVALS
from catalog.store import Store
from venue.engine.symbols import from_instrument
from venue.market import bars, events
from venue.market.events import Depth, Level, Mark, MarketEvent, Quote, Trade
from venue.market.fills import next_funding_ms, with_marks, with_quotes

if TYPE_CHECKING:
    from nautilus_trader.model.instruments import CryptoPerpetual

    from venue.engine.symbols import SymbolSpec

_MS_NS = 1_000_000
_ROWS_AT_ONCE = 4096  # turned into Python objects together
# The bars to take apart, finest first; weeks and months are no basis for ticks.
_BAR_INTERVALS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d")


@dataclass(frozen=True, slots=True)
class Span:
    """What part of a catalog to replay, both ends included; None is where the data ends."""

    start_ns: int | None = None
    end_ns: int | None = None


class CatalogMarket:
    """
    A source that streams a catalog of ``catalog.store``, all series merged by time.

    Each symbol's trades come from its trade ticks, or from its finest bars where it has none in
    the span; quotes from its quote ticks, or one tick about the trades; mark prices from its
    own, where they come often enough, else from the quotes. The funding rate is the one that is
    settled next, 0 without any.

    Parameters
    ----------
    path : Path
        The catalog.
    names : Sequence[str]
        Symbols such as ``BTCUSDT``.
    span : Span
        What part to replay.
    use_bars : bool
        Whether to take bars apart even where there are trade ticks.

    Raises
    ------
    SourceError
        If the catalog has no trades and no bars of a symbol in the span.

    """

    def __init__(
        self,
        path: Path,
        names: Sequence[str],
        span: Span | None = None,
        *,
        use_bars: bool = False,
    ) -> None:
        if not path.is_dir():
            raise SourceError(f"{path}: no catalog there")
        self._span = span or Span()
        store = Store(path)
        ids = [symbols.instrument_id(name) for name in names]
        self._series = [
            _Series(store, find_instrument(store, instrument_id), self._span, use_bars=use_bars)
            for instrument_id in ids
        ]

    @property
    def symbols(self) -> "Sequence[SymbolSpec]":
        """The instruments that the events are of."""
        return [series.spec for series in self._series]

    def events(self) -> Iterator[MarketEvent]:
        """
        Yield the span from its start; each call begins anew.

        Raises
        ------
        BarError
            If a bar cannot be made of trades, when it is reached.

        """
        streams = [series.events() for series in self._series]
        merged = heapq.merge(*streams, key=lambda event: event.ts_ms)
        return with_marks(merged)


class _Series:
    """One symbol's series in the catalog as events."""

    def __init__(
        self, store: Store, instrument: "CryptoPerpetual", span: Span, *, use_bars: bool
    ) -> None:
        self.spec = from_instrument(instrument)
        self._store = store
        self._id = instrument.id.value
        self._span = span
        self._bars = self._finest_bars() if use_bars or not self._has(TradeTick) else None
        if self._bars is None and not self._has(TradeTick):
            raise SourceError(f"{store.path}: no trades and no bars of {self._id} in the span")

    def events(self) -> Iterator[MarketEvent]:
        if self._bars is not None:
            yield from heapq.merge(self._ticks_of_bars(), self._marks(), key=_ts_ms)
            return
        trades = self._trades()
        if not self._has(QuoteTick):
            ticks = {self.spec.symbol: self.spec.tick_size}
            yield from heapq.merge(with_quotes(trades, ticks), self._marks(), key=_ts_ms)
            return
        yield from heapq.merge(
            self._depths(), self._quotes(), trades, self._marks(), key=_ts_ms
        )  # fmt: skip

    def _has(self, data_cls: type, identifier: str | None = None) -> bool:
        rows = self._store.read(data_cls, identifier or self._id, *self._bounds(), ["ts_init"])
        return any(batch.num_rows for batch in rows)

    def _bounds(self) -> tuple[int | None, int | None]:
        return self._span.start_ns, self._span.end_ns

    def _finest_bars(self) -> tuple[str, int] | None:
        """Return the bar type and the length in milliseconds of the finest bars."""
        for name in _BAR_INTERVALS:
            interval = INTERVALS[name]
            bar_type = str(interval.bar_type(symbols.instrument_id(self._id)))
            if self._has(Bar, bar_type):
                assert interval.length_ns is not None
                return bar_type, interval.length_ns // _MS_NS
        return None

    def _rows(self, data_cls: type, identifier: str | None = None) -> Iterator[pa.RecordBatch]:
        for batch in self._store.read(data_cls, identifier or self._id, *self._bounds()):
            for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
                yield batch.slice(start, _ROWS_AT_ONCE)

    def _ticks_of_bars(self) -> Iterator[MarketEvent]:
        assert self._bars is not None
        bar_type, length_ms = self._bars
        splitter = bars.BarSplitter(self.spec.symbol, self.spec.tick_size, self.spec.step_size)
        for batch in self._rows(Bar, bar_type):
            prices = [self._prices(batch[name]) for name in ("open", "high", "low", "close")]
            qtys = self._qtys(batch["volume"])
            for end_ms, *ohlc, volume in zip(_stamps(batch), *prices, qtys, strict=True):
                bar = bars.Bar(end_ms - length_ms, end_ms, *ohlc, volume)
                yield from splitter.ticks(bar)

    def _trades(self) -> Iterator[MarketEvent]:
        for batch in self._rows(TradeTick):
            columns = (
                _stamps(batch), self._prices(batch["price"]), self._qtys(batch["size"]),
                batch["aggressor_side"].to_pylist(), batch["trade_id"].to_pylist(),
            )  # fmt: skip
            for ts_ms, price, qty, side, trade_id in zip(*columns, strict=True):
                is_buyer_maker = side == AggressorSide.SELLER.value
                yield Trade(self.spec.symbol, ts_ms, price, qty, is_buyer_maker, int(trade_id))

    def _quotes(self) -> Iterator[MarketEvent]:
        update_id = 0
        for batch in self._rows(QuoteTick):
            columns = (
                _stamps(batch), self._prices(batch["bid_price"]), self._qtys(batch["bid_size"]),
                self._prices(batch["ask_price"]), self._qtys(batch["ask_size"]),
            )  # fmt: skip
            for ts_ms, bid, bid_qty, ask, ask_qty in zip(*columns, strict=True):
                update_id += 1
                yield Quote(self.spec.symbol, ts_ms, update_id, bid, bid_qty, ask, ask_qty)

    def _depths(self) -> Iterator[MarketEvent]:
        join = _DeltaJoin(self.spec.symbol)
        for batch in self._rows(OrderBookDelta):
            columns = (
                _stamps(batch), batch["action"].to_pylist(), batch["side"].to_pylist(),
                self._prices(batch["price"]), self._qtys(batch["size"]),
                batch["flags"].to_pylist(), batch["sequence"].to_pylist(),
            )  # fmt: skip
            for row in zip(*columns, strict=True):
                depth = join.add(*row)
                if depth is not None:
                    yield depth

    def _marks(self) -> Iterator[MarketEvent]:
        funding = self._funding()
        due_ms, rate = next(funding, (0, _ZERO_RATE))
        for batch in self._rows(MarkPriceUpdate):
            values = _decimals(batch["value"], encode.MARK_PRECISION)
            for ts_ms, mark in zip(_stamps(batch), values, strict=True):
                while 0 < due_ms <= ts_ms:
                    due_ms, rate = next(funding, (0, _ZERO_RATE))
                next_ms = due_ms or next_funding_ms(ts_ms)
                yield Mark(self.spec.symbol, ts_ms, mark, mark, rate, next_ms)

    def _funding(self) -> Iterator[tuple[int, Decimal]]:
        start_ns = self._span.start_ns  # the rate settled next may lie after the end
        for batch in self._store.read(FundingRateUpdate, self._id, start_ns):
            for ts_ms, text in zip(_stamps(batch), batch["rate"].to_pylist(), strict=True):
                yield ts_ms, Decimal(text.decode().strip('"'))

    def _prices(self, column: pa.Array) -> list[Decimal]:
        return _decimals(column, self.spec.price_decimals)

    def _qtys(self, column: pa.Array) -> list[Decimal]:
        return _decimals(column, self.spec.qty_decimals)


class _DeltaJoin:
    """Order book deltas put together again as the messages they came from."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._last_id = 0
        self._is_snapshot = False
        self._bids: list[Level] = []
        self._asks: list[Level] = []

    def add(
        self, ts_ms: int, action: int, side: int, price: Decimal, qty: Decimal,
        flags: int, sequence: int,
    ) -> Depth | None:  # fmt: skip
        """Return the message that this delta completes, if it does."""
        if action == BookAction.CLEAR.value:
            self._is_snapshot = True
        else:
            size = qty * 0 if action == BookAction.DELETE.value else qty
            (self._bids if side == OrderSide.BUY.value else self._asks).append((price, size))
        if not flags & RecordFlag.F_LAST.value:
            return None
        first_id = sequence if self._is_snapshot else min(self._last_id + 1, sequence)
        depth = Depth(
            self._symbol, ts_ms, first_id, sequence, self._last_id,
            tuple(self._bids), tuple(self._asks), self._is_snapshot,
        )  # fmt: skip
        self._last_id, self._is_snapshot = sequence, False
        self._bids.clear()
        self._asks.clear()
        return depth


_ZERO_RATE = Decimal(0).quantize(Decimal("0.00000001"))


def _ts_ms(event: events.MarketEvent) -> int:
    return event.ts_ms


def _stamps(batch: pa.RecordBatch) -> list[int]:
    return [stamp // _MS_NS for stamp in batch["ts_init"].to_pylist()]


def _decimals(column: pa.Array, decimals: int) -> list[Decimal]:
    values: list[Decimal] = encode.decimals(column).cast(pa.decimal128(38, decimals)).to_pylist()
    return values
