"""A venue in a process of its own that writes down, to the nanosecond, what it sent and was sent."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from configs.secrets import Credentials
from venue.config import VenueConfig
from venue.engine.symbols import builtin
from venue.market.events import Mark, MarketEvent, Quote
from venue.server import Venue
from venue.wire.hooks import NoFaults, RequestInfo
from venue.wire.limits import LimitOptions

STEP = Decimal("0.001")
HOUR_MS = 3_600_000
ORDER_PATHS = frozenset({"/fapi/v1/order", "/fapi/v1/algoOrder"})


class Stamps(NoFaults):
    """Takes the time, on the clock that all processes share, of every quote and order request."""

    def __init__(self) -> None:
        self.quotes: dict[str, int] = {}
        self.orders: dict[str, int] = {}

    def on_market(
        self,
        stream: str,  # noqa: ARG002 - protocol
        payload: dict[str, Any],
    ) -> list[tuple[int, dict[str, Any]]]:
        if "B" in payload:
            self.quotes[payload["B"]] = time.monotonic_ns()
        return [(0, payload)]

    def on_request(self, request: RequestInfo) -> None:
        if request.method == "POST" and request.path in ORDER_PATHS:
            params = request.params
            name = params.get("newClientOrderId") or params["clientAlgoId"]
            self.orders[name] = time.monotonic_ns()


class Pulse:
    """
    Quotes of one symbol, ten a second until told otherwise; the bid's size numbers them.

    Attributes
    ----------
    rate : float
        Quotes a second.
    left : int
        How many more at that rate; then it is ten a second again.

    """

    IDLE = 10.0

    def __init__(self) -> None:
        self.symbols = builtin("BTCUSDT")
        self.rate, self.left = self.IDLE, 0

    def events(self) -> Iterator[MarketEvent]:
        now_ms = time.time_ns() / 1_000_000
        bid, ask = Decimal("60000.0"), Decimal("60000.1")
        number, mark_ms = 0, now_ms
        while True:
            if now_ms >= mark_ms:
                yield Mark(
                    "BTCUSDT", int(mark_ms), bid, bid, Decimal(0), int(mark_ms) + 8 * HOUR_MS
                )
                mark_ms += 1_000
            number += 1
            yield Quote("BTCUSDT", int(now_ms), number, bid, number * STEP, ask, Decimal("100.000"))
            now_ms += 1_000 / (self.rate if self.left > 0 else self.IDLE)
            self.left -= 1


class VenueChild(NamedTuple):
    """Where the child listens, its keys, and the pipe that ends it and returns its stamps."""

    rest_url: str
    ws_url: str
    credentials: Credentials
    pipe: Connection

    def stamps(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the times of quotes (by size) and orders (by client order id) so far."""
        self.pipe.send("stamps")
        quotes, orders = self.pipe.recv()
        return quotes, orders

    def play(self, rate: float, count: int) -> None:
        """Begin to send *count* quotes at *rate* a second."""
        self.pipe.send((rate, count))


@contextmanager
def venue_child() -> Iterator[VenueChild]:
    """Run a venue whose market stands still until it is told to play."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs,), daemon=True)
    process.start()
    rest_url, ws_url, key, secret = ours.recv()
    try:
        yield VenueChild(rest_url, ws_url, Credentials(key, secret, "the benchmark's venue"), ours)
    finally:
        ours.send("end")
        process.join(10)


def _main(pipe: Connection) -> None:
    asyncio.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    pulse, stamps = Pulse(), Stamps()
    # The load of a benchmark is no load of a user: the venue's limits stay out of its way.
    free = LimitOptions(weight_1m_max=10**9, orders_10s_max=10**9, orders_1m_max=10**9)
    venue = Venue(VenueConfig(symbols=("BTCUSDT",), seed=1, limits=free), pulse)
    venue.wire.hooks = stamps
    await venue.start()
    keys = venue.keys.of("main")
    pipe.send((venue.rest_url, venue.ws_url, keys.key, keys.secret))
    while (told := await asyncio.to_thread(pipe.recv)) != "end":
        if told == "stamps":
            pipe.send((stamps.quotes, stamps.orders))
        else:
            pulse.rate, pulse.left = told
    await venue.stop()
