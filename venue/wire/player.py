"""The player: brings the events of a market into the exchange and onto the streams, in time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from venue.market.book import Book
from venue.market.events import Depth, Kline, Mark, Quote, Trade
from venue.market.shape import Bend
from venue.market.streams import DepthPacer, stream_payloads
from venue.wire.clock import STEPPED

if TYPE_CHECKING:
    from decimal import Decimal

    from venue.market.events import MarketEvent
    from venue.wire.reel import Reel
    from venue.wire.wire import Wire

TICK_SECS = 0.010
MINUTE_MS = 60_000
BURST = 20  # events between two looks at the connections, when the market is behind


class PlayerError(Exception):
    """A player that was asked for what its pace does not allow."""


class Player:
    """
    Plays a market by the venue's clock.

    Parameters
    ----------
    reel : Reel
        What happens.
    wire : Wire
        What it goes through.

    """

    def __init__(self, reel: Reel, wire: Wire) -> None:
        self._reel = reel
        self._wire = wire
        self._books: dict[str, Book] = {}
        self._depths = {symbol: DepthPacer(symbol) for symbol in wire.exchange.symbols}
        self._last: dict[str, dict[type, Quote | Trade | Mark]] = {}
        self._rest_secs = wire.config.bar_rest_ms / 1_000
        self.played = 0

    @property
    def next_ms(self) -> int | None:
        """The time of the next event on the venue's clock, None at the end."""
        return self._reel.next.ts_ms if self._reel.next is not None else None

    async def run(self) -> None:
        """Play by the clock, and keep the exchange's time, until cancelled."""
        clock = self._wire.clock
        while True:
            if not clock.stepped:
                await self._play_until(clock.reel_ms())
            self._wire.advance()
            wait = TICK_SECS
            if self.next_ms is not None and not clock.stepped:
                wait = min(wait, max(0.0, clock.secs_until(self.next_ms)))
            await asyncio.sleep(wait)

    def set_speed(self, speed: float) -> None:
        """
        Play at *speed* from here on, a stepped venue too.

        At speed 1 every event is told at its own time again, which is moved to now or, so that bars
        keep their minutes, up to a minute later.

        """
        clock = self._wire.clock
        reel_ms = clock.reel_ms()
        if speed == 1.0:
            late_ms = clock.wire_ms() - reel_ms
            by_ms = -(-late_ms // MINUTE_MS) * MINUTE_MS
            self._reel.move(by_ms)
            reel_ms = clock.wire_ms()
        clock.set_speed(speed, reel_ms)

    def catch_up(self) -> None:
        """Play what lies before now, at once, so that the exchange has prices when it opens."""
        now_ms = self._wire.clock.reel_ms()
        while self._is_due(now_ms):
            self._play()

    async def step(self, events: int = 1) -> int:
        """Play the next *events* events of a stepped venue; return how many there were."""
        self._must_be_stepped()
        before = self.played
        while self.played - before < events and self._reel.next is not None:
            self._play()
            if self.played % BURST == 0:
                await asyncio.sleep(0)
        self._wire.advance()
        await asyncio.sleep(0)
        return self.played - before

    async def play_until(self, ts_ms: int) -> int:
        """Play what happens up to *ts_ms* of a stepped venue, whose clock then stands there."""
        self._must_be_stepped()
        before, clock = self.played, self._wire.clock
        await self._play_until(ts_ms)
        clock.set_market(max(ts_ms, clock.market_ms()))
        self._wire.exchange.advance(clock.market_ms())
        self._wire.advance()
        await asyncio.sleep(0)
        return self.played - before

    def jump(self, symbol: str, price: Decimal) -> None:
        """
        Let *symbol* trade at *price* now; what the market tells later is bent by the same factor.

        Raises
        ------
        PlayerError
            If the symbol has not traded yet.
        BendError
            If the price is not within a hundredth and a hundred times of the last.

        """
        last = self._last.get(symbol, {})
        traded = last.get(Trade)
        if not isinstance(traded, Trade):
            raise PlayerError(f"{symbol} has not traded yet")
        bend = Bend(factor=price / traded.price)
        self._reel.bend(symbol, bend)
        now_ms = self._wire.clock.market_ms()
        for event in list(last.values()):
            self._apply(self._reel.bent(replace(event, ts_ms=now_ms), bend))

    async def _play_until(self, ts_ms: int) -> None:
        while self._is_due(ts_ms):
            event = self._play()
            if self.played % BURST == 0:
                await asyncio.sleep(0)
            if self._rest_secs and _is_closed_bar(event) and not _is_closed_bar(self._reel.next):
                await asyncio.sleep(self._rest_secs)
                self._wire.clock.rest_at(event.ts_ms)
                return

    def _is_due(self, ts_ms: int) -> bool:
        return self._reel.next is not None and self._reel.next.ts_ms <= ts_ms

    def _must_be_stepped(self) -> None:
        if not self._wire.clock.stepped:
            raise PlayerError(
                f"the venue plays at speed {self._wire.clock.speed:g}: only a stepped one is stepped"
            )

    def _play(self) -> MarketEvent:
        self.played += 1
        event = self._reel.take()
        clock = self._wire.clock
        if clock.speed not in (STEPPED, 1.0) and not isinstance(event, Kline):
            # Told before or after its time; a bar keeps its own, which is what it is about.
            self._apply(replace(event, ts_ms=clock.market_ms()))
        else:
            self._apply(event)
        return event

    def _apply(self, event: MarketEvent) -> None:
        wire = self._wire
        if wire.clock.stepped:
            wire.clock.set_market(max(event.ts_ms, wire.clock.market_ms()))
        at_ms = wire.clock.market_ms() if isinstance(event, Kline) else event.ts_ms
        wire.exchange.advance(max(at_ms, wire.exchange.now_ms))
        wire.tape.see(event)
        if isinstance(event, Quote | Trade | Mark):
            self._last.setdefault(event.symbol, {})[type(event)] = event
        book = self._feed(event)
        if event.symbol in self._books:  # REST snapshots must fit the stream's chain of ids
            wire.exchange.book(event.symbol).update_id = self._books[event.symbol].last_id
        wanted = wire.market_streams.wanted
        if wanted:
            now_ms = wire.exchange.now_ms
            payloads = stream_payloads(event, now_ms, wanted)
            if isinstance(event, Depth) and book is not None:
                payloads = self._depths[event.symbol].payloads(event, now_ms, book, wanted)
            for stream, payload in payloads:
                wire.publish(stream, payload)
        wire.settle(event.symbol)

    def _feed(self, event: MarketEvent) -> Book | None:
        """Tell the exchange, and return the symbol's book when the event changed it."""
        exchange, symbol = self._wire.exchange, event.symbol
        if isinstance(event, Quote):
            exchange.on_quote(symbol, event.bid, event.bid_qty, event.ask, event.ask_qty)
        elif isinstance(event, Trade):
            exchange.on_trade(symbol, event.price, event.qty, event.is_buyer_maker)
        elif isinstance(event, Mark):
            exchange.on_mark(
                symbol, event.mark, event.index, event.funding_rate, event.next_funding_ms
            )
        elif isinstance(event, Depth):
            book = self._books.setdefault(symbol, Book())
            book.apply(event)
            exchange.on_depth(symbol, book.bids(), book.asks())
            return book
        return None


def _is_closed_bar(event: MarketEvent | None) -> bool:
    return isinstance(event, Kline) and event.is_closed
