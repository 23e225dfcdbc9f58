"""Recorded websocket messages, replayed message by message in the order they arrived."""

import heapq
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.blocks import LineError, SourceError, blocks
from venue.market.events import Depth, Level, Mark, MarketEvent, Quote, Trade
from venue.market.fills import with_marks

if TYPE_CHECKING:
    from venue.engine.symbols import SymbolSpec

# Trades of the order book; Binance leaves the others (INSURANCE_FUND, ADL) out of its bars.
_MARKET = "MARKET"


class RecordedMarket:
    """
    A source that replays files of ``LOCAL_TIME JSON`` lines, one symbol a file.

    Messages keep the order of the file; their time is the exchange's (T, or E where T means
    something else), never going back. Files of one symbol follow one another.

    Parameters
    ----------
    symbols : Sequence[SymbolSpec]
        The instruments that may occur.
    paths : Sequence[Path]
        The files (plain, gzip or zip), those of one symbol in order of time.

    Raises
    ------
    SourceError
        If a file is of no symbol of these, or cannot be read.

    """

    def __init__(
        self,
        symbols: "Sequence[SymbolSpec]",
        paths: Sequence[Path],
    ) -> None:
        known = {spec.symbol: spec for spec in symbols}
        self._files: dict[str, list[Path]] = {}
        for path in paths:
            symbol = _symbol_of(path)
            if symbol not in known:
                raise SourceError(f"{path}: a recording of {symbol}, not of {', '.join(known)}")
            self._files.setdefault(symbol, []).append(path)
        self._symbols = tuple(known[symbol] for symbol in self._files)

    @property
    def symbols(self) -> "Sequence[SymbolSpec]":
        """The instruments that the events are of."""
        return self._symbols

    def events(self) -> Iterator[MarketEvent]:
        """
        Yield the recording from its start; each call begins anew.

        Raises
        ------
        LineError
            Naming the first line that is corrupt, when it is reached.

        """
        streams = [_Reader(spec).events(self._files[spec.symbol]) for spec in self._symbols]
        merged = heapq.merge(*streams, key=lambda event: event.ts_ms)
        yield from with_marks(merged)


class _Reader:
    """The messages of one symbol as events."""

    def __init__(self, spec: "SymbolSpec") -> None:
        self._spec = spec
        self._now_ms = 0
        self._waiting: list[Depth] = []  # changes that came before the snapshot
        self._is_book_known = False

    def events(self, paths: Sequence[Path]) -> Iterator[MarketEvent]:
        for path in paths:
            if not self._is_book_known:
                # Without a snapshot in it the book is what the changes tell.
                self._is_book_known = not _has_snapshot(path)
            for number, message in _messages(path):
                try:
                    yield from self._of_message(message)
                except (KeyError, TypeError, ValueError, InvalidOperation) as e:
                    raise LineError(number, f"{path.name}: not a message: {e!r}") from None

    def _of_message(self, message: Mapping[str, Any]) -> Iterator[MarketEvent]:
        if "lastUpdateId" in message:
            yield from self._snapshot(message)
            return
        data = message["data"]
        make = self._makers().get(data["e"])
        if make is None:
            return  # a stream that the venue does not replay
        if data["s"] != self._spec.symbol:
            raise ValueError(f"symbol {data['s']} in a recording of {self._spec.symbol}")
        event = make(data)
        if event is None:
            return
        if isinstance(event, Depth) and not self._is_book_known:
            self._waiting.append(event)
            return
        yield event

    def _makers(self) -> Mapping[str, Callable[[Mapping[str, Any]], MarketEvent | None]]:
        return {
            "bookTicker": self._quote,
            "depthUpdate": self._depth,
            "trade": self._trade,
            "aggTrade": self._agg_trade,
            "markPriceUpdate": self._mark,
        }

    def _time(self, millis: int) -> int:
        self._now_ms = max(self._now_ms, millis)
        return self._now_ms

    def _quote(self, data: Mapping[str, Any]) -> Quote:
        bid, ask = self._price(data["b"]), self._price(data["a"])
        qtys = self._qty(data["B"]), self._qty(data["A"])
        ts_ms = self._time(data["T"])
        return Quote(data["s"], ts_ms, data["u"], bid, qtys[0], ask, qtys[1])

    def _trade(self, data: Mapping[str, Any]) -> Trade | None:
        if data["X"] != _MARKET:
            return None
        price, qty = self._price(data["p"]), self._qty(data["q"])
        return Trade(data["s"], self._time(data["T"]), price, qty, data["m"], data["t"])

    def _agg_trade(self, data: Mapping[str, Any]) -> Trade:
        price, qty = self._price(data["p"]), self._qty(data["q"])
        return Trade(data["s"], self._time(data["T"]), price, qty, data["m"], data["a"])

    def _mark(self, data: Mapping[str, Any]) -> Mark:
        mark, index, rate = Decimal(data["p"]), Decimal(data["i"]), Decimal(data["r"])
        return Mark(data["s"], self._time(data["E"]), mark, index, rate, data["T"])

    def _depth(self, data: Mapping[str, Any]) -> Depth:
        bids, asks = self._levels(data["b"]), self._levels(data["a"])
        ts_ms = self._time(data["T"])
        return Depth(data["s"], ts_ms, data["U"], data["u"], data["pu"], bids, asks)

    def _snapshot(self, message: Mapping[str, Any]) -> Iterator[Depth]:
        last_id = message["lastUpdateId"]
        bids, asks = self._levels(message["bids"]), self._levels(message["asks"])
        ts_ms, symbol = self._time(message["T"]), self._spec.symbol
        yield Depth(symbol, ts_ms, last_id, last_id, 0, bids, asks, is_snapshot=True)
        # The venue's rule for a local book: drop what is older than the snapshot.
        for depth in self._waiting:
            if depth.last_id >= last_id:
                yield replace(depth, ts_ms=ts_ms)
        self._waiting.clear()
        self._is_book_known = True

    def _levels(self, levels: Sequence[Sequence[str]]) -> tuple[Level, ...]:
        return tuple((self._price(price), self._qty(qty)) for price, qty in levels)

    def _price(self, text: str) -> Decimal:
        return Decimal(text).quantize(self._spec.tick_size)

    def _qty(self, text: str) -> Decimal:
        return Decimal(text).quantize(self._spec.step_size)


def _messages(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    number = 0
    for block in blocks(path, lambda _: None):
        for line in block.splitlines():
            number += 1
            _, _, text = line.partition(b" ")
            try:
                yield number, json.loads(text)
            except ValueError:
                raise LineError(number, f"{path.name}: not LOCAL_TIME and JSON") from None


def _has_snapshot(path: Path) -> bool:
    # A capture asks for it at its very start; the first thousand lines are many seconds.
    return any("lastUpdateId" in message for _, message in _first(_messages(path), 1000))


def _symbol_of(path: Path) -> str:
    try:
        for _, message in _first(_messages(path), 1000):
            if "data" in message:
                return str(message["data"]["s"])
    except OSError as e:
        raise SourceError(f"{path}: {e.strerror}") from None
    raise SourceError(f"{path}: no message of a stream in it")


def _first[T](items: Iterator[T], count: int) -> Iterator[T]:
    return (item for item, _ in zip(items, range(count), strict=False))
