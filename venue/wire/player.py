"""The player: brings the events of a source into the exchange and onto the streams, in time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from venue.market.book import Book
from venue.market.events import Depth, Mark, Quote, Trade, shifted
from venue.market.shape import Bend, PriceShape
from venue.market.streams import stream_payloads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from venue.market.events import MarketEvent
    from venue.market.market import Market
    from venue.wire.wire import Wire

TICK_SECS = 0.010
MINUTE_MS = 60_000
AT_RECORDED_TIME_MS = 600_000
BURST = 200


class PlayerError(Exception):
    """A player that was asked for what its pace does not allow."""


class Player:
    """
    Plays a source by the venue's clock.

    Recorded times are moved by a whole number of minutes so that the first minute is the running
    one; what lies before now in it is played at once. They stay as they are when the clock already
    stands within ten minutes of them, and when the venue is stepped: then the market's clock goes
    by the events.

    Parameters
    ----------
    market : Market
        Where events come from.
    wire : Wire
        What they go through.

    """

    def __init__(self, market: Market, wire: Wire) -> None:
        self._wire = wire
        self._market = market
        self._ticks = {spec.symbol: spec.tick_size for spec in market.symbols}
        self._events: Iterator[MarketEvent] = iter(market.events())
        self._next: MarketEvent | None = next(self._events, None)
        self._books: dict[str, Book] = {}
        self._last: dict[str, dict[type, Quote | Trade | Mark]] = {}
        self._shift_ms = 0
        self.played = 0
        self.finished = asyncio.Event()
        self._align()

    def _align(self) -> None:
        if self._next is None:
            self.finished.set()
            return
        clock, first_ms = self._wire.clock, self._next.ts_ms
        if clock.stepped:
            clock.set_market(first_ms)
            return
        apart_ms = clock.market_ms() - first_ms
        if abs(apart_ms) > AT_RECORDED_TIME_MS:
            self._shift_ms = apart_ms // MINUTE_MS * MINUTE_MS
        self._take(shifted(self._next, self._shift_ms))

    @property
    def next_ms(self) -> int | None:
        """The time of the next event on the venue's clock, None at the end."""
        return self._next.ts_ms if self._next is not None else None

    async def run(self) -> None:
        """Play by the clock, and keep the exchange's time, until cancelled."""
        clock = self._wire.clock
        while True:
            count = 0
            while self._next is not None and self._next.ts_ms <= clock.market_ms():
                if clock.stepped:
                    break
                self._play()
                count += 1
                if count % BURST == 0:
                    await asyncio.sleep(0)
            self._wire.advance()
            wait = TICK_SECS
            if self._next is not None and not clock.stepped:
                wait = min(wait, max(0.0, clock.secs_until(self._next.ts_ms)))
            await asyncio.sleep(wait)

    def catch_up(self) -> None:
        """Play what lies before now, at once, so that the exchange has prices when it opens."""
        while self._next is not None and self._next.ts_ms <= self._wire.clock.market_ms():
            self._play()

    async def step(self, events: int = 1) -> int:
        """Play the next *events* events of a stepped venue; return how many there were."""
        self._must_be_stepped()
        done = 0
        while done < events and self._next is not None:
            self._play()
            done += 1
            if done % BURST == 0:
                await asyncio.sleep(0)
        self._wire.advance()
        await asyncio.sleep(0)
        return done

    async def play_until(self, ts_ms: int) -> int:
        """Play what happens up to *ts_ms* of a stepped venue, whose clock then stands there."""
        self._must_be_stepped()
        done = 0
        while self._next is not None and self._next.ts_ms <= ts_ms:
            self._play()
            done += 1
            if done % BURST == 0:
                await asyncio.sleep(0)
        clock = self._wire.clock
        clock.set_market(max(ts_ms, clock.market_ms()))
        self._wire.exchange.advance(clock.market_ms())
        self._wire.advance()
        await asyncio.sleep(0)
        return done

    def jump(self, symbol: str, price: Decimal) -> None:
        """
        Let *symbol* trade at *price* now; what the source tells later is bent by the same factor.

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
        self._market.bend(symbol, bend)
        shape = PriceShape(self._ticks[symbol])
        shape.add(bend)
        now_ms = self._wire.clock.market_ms()
        for event in list(last.values()):
            self._apply(shape.apply(replace(event, ts_ms=now_ms)))
        following = self._next  # read from the market before it was bent
        if isinstance(following, Quote | Trade | Mark) and following.symbol == symbol:
            self._next = shape.apply(following)

    def _must_be_stepped(self) -> None:
        if not self._wire.clock.stepped:
            raise PlayerError(
                f"the venue plays at speed {self._wire.clock.speed:g}: only a stepped one is stepped"
            )

    def _play(self) -> None:
        event = self._next
        assert event is not None
        following = next(self._events, None)
        self._take(None if following is None else shifted(following, self._shift_ms))
        self.played += 1
        self._apply(event)

    def _take(self, event: MarketEvent | None) -> None:
        self._next = event
        if event is None:
            self.finished.set()

    def _apply(self, event: MarketEvent) -> None:
        wire = self._wire
        if wire.clock.stepped:
            wire.clock.set_market(max(event.ts_ms, wire.clock.market_ms()))
        wire.exchange.advance(max(event.ts_ms, wire.exchange.now_ms))
        wire.tape.see(event)
        if isinstance(event, Quote | Trade | Mark):
            self._last.setdefault(event.symbol, {})[type(event)] = event
        book = self._feed(event)
        wanted = wire.market_streams.wanted
        if wanted:
            for stream, payload in stream_payloads(event, wire.exchange.now_ms, book, wanted):
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
