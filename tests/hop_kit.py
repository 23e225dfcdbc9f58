"""An HTTP client of ours before a local venue, with the right to approve in the test's hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.adapters.binance.common.enums import (
    BinanceAccountType,
    BinanceOrderSide,
    BinanceOrderType,
    BinanceTimeInForce,
)
from nautilus_trader.adapters.binance.futures.http.account import BinanceFuturesAccountHttpAPI
from nautilus_trader.adapters.binance.http.error import BinanceClientError
from nautilus_trader.common.component import LiveClock, TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.nautilus_pyo3 import HttpMethod
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId, StrategyId, TraderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from adapters.http import GuardedBinanceHttpClient
from adapters.settings import VenueSettings
from risk.approvals import Approvals, Mint, cancel_key, new_approvals
from risk.events import VenueEvent
from risk.trading_state import TradingState
from risk.translate import terms_of
from tests.venue_kit import RestClient, client, local_venue
from venue.server import Venue
from venue.wire.hooks import Deliveries, NoFaults, Payload, Reaction, RequestInfo

BTC = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")
BUY, SELL = OrderSide.BUY, OrderSide.SELL


@dataclass(frozen=True)
class Keys:
    """A key pair."""

    api_key: str
    api_secret: str


class Requests(NoFaults):
    """What arrived at the venue, and what a test answers in its stead."""

    def __init__(self) -> None:
        self.seen: list[RequestInfo] = []
        self.reactions: list[tuple[str, str, Reaction]] = []
        self.is_dropped: Callable[[str, Payload], bool] = lambda _stream, _payload: False

    def on_request(self, request: RequestInfo) -> Reaction | None:
        self.seen.append(request)
        for i, (method, path, reaction) in enumerate(self.reactions):
            if (request.method, request.path) == (method, path):
                del self.reactions[i]
                return reaction
        return None

    def on_market(self, stream: str, payload: Payload) -> Deliveries:
        return [] if self.is_dropped(stream, payload) else [(0, payload)]

    def next_time(self, method: str, path: str, reaction: Reaction) -> None:
        """Let the next request of a kind meet with *reaction*."""
        self.reactions.append((method, path, reaction))

    def writes(self) -> list[tuple[str, str]]:
        """Return the requests that could have changed something."""
        return [(r.method, r.path) for r in self.seen if r.method != "GET"]


@dataclass
class Hop:
    """The client, the venue behind it, and the gate's right to approve."""

    venue: Venue
    rest: RestClient
    http: GuardedBinanceHttpClient
    api: BinanceFuturesAccountHttpAPI
    mint: Mint
    approvals: Approvals
    requests: Requests
    told: list[VenueEvent]
    orders: OrderFactory
    tripped: list[TradingState]
    """What trading was tripped to, the last one last."""

    def approve(self, order: Order, key: str | None = None) -> Order:
        """Approve an order as the gate does, and claim it as the execution client does."""
        key = key or order.client_order_id.value
        self.mint(key, terms_of(order))
        assert self.approvals.claim(key, terms_of(order))
        return order

    def approve_cancel(self, client_order_id: str) -> None:
        """Approve a cancel, and claim it."""
        self.mint(cancel_key(client_order_id), ())
        assert self.approvals.claim(cancel_key(client_order_id), ())

    def limit(self, side: OrderSide = BUY, qty: str = "0.010", price: str = "59000.0") -> Order:
        return self.orders.limit(BTC, side, Quantity.from_str(qty), Price.from_str(price))

    def market(self, side: OrderSide = BUY, qty: str = "0.010", **options: Any) -> Order:
        return self.orders.market(BTC, side, Quantity.from_str(qty), **options)

    def stop(self, qty: str = "0.010", trigger: str = "55000.0") -> Order:
        return self.orders.stop_market(
            BTC, SELL, Quantity.from_str(qty), Price.from_str(trigger), reduce_only=True
        )

    async def send(self, order: Order, **changed: Any) -> Any:
        """Send an order as NautilusTrader's client does, with some of its words changed."""
        is_limit = order.has_price
        words = {
            "symbol": "BTCUSDT", "side": BinanceOrderSide(order.side_string()),
            "order_type": BinanceOrderType.LIMIT if is_limit else BinanceOrderType.MARKET,
            "time_in_force": BinanceTimeInForce.GTC if is_limit else None,
            "quantity": str(order.quantity), "price": str(order.price) if is_limit else None,
            "reduce_only": str(order.is_reduce_only),
            "new_client_order_id": order.client_order_id.value,
        }  # fmt: skip
        return await self.api.new_order(**words | changed)

    async def send_stop(self, order: Order, **changed: Any) -> Any:
        """Send a stop as NautilusTrader's client does, with some of its words changed."""
        words = {
            "symbol": "BTCUSDT", "side": BinanceOrderSide(order.side_string()),
            "order_type": BinanceOrderType.STOP_MARKET, "quantity": str(order.quantity),
            "trigger_price": str(order.trigger_price), "time_in_force": BinanceTimeInForce.GTC,
            "working_type": "CONTRACT_PRICE", "reduce_only": "True",
            "client_algo_id": order.client_order_id.value,
        }  # fmt: skip
        return await self.api.new_algo_order(**words | changed)

    async def post(self, path: str, **params: Any) -> Any:
        """Send any signed POST."""
        return await self.http.sign_request(HttpMethod.POST, path, {**params, "timestamp": "1"})

    async def working(self) -> set[str]:
        """Return the ids of all orders that work at the venue."""
        orders = await self.rest.ok("GET", "/fapi/v1/openOrders")
        stops = await self.rest.ok("GET", "/fapi/v1/openAlgoOrders")
        return {o["clientOrderId"] for o in orders} | {o["clientAlgoId"] for o in stops}

    async def refused(self, attempt: Any) -> str:
        """Return why an attempt was refused on this side of the wire; fail when it was not."""
        before = self.requests.writes()
        with pytest.raises(BinanceClientError) as refusal:
            await attempt
        assert self.requests.writes() == before, "it has reached the venue"
        assert refusal.value.status == 400
        return str(refusal.value.message["msg"])


def settings_of(venue: Venue, **changed: Any) -> VenueSettings:
    table: dict[str, Any] = {
        "environment": "local", "rest_url": venue.rest_url, "ws_url": venue.ws_url,
        "recv_window_ms": 5_000, "http_timeout_sec": 2, "clock_offset_ms_max": 1_000,
        "data_silence_sec_max": 60, "exit_reserve_ratio": Decimal("0.5"),
    }  # fmt: skip
    return VenueSettings(**table | changed)


@asynccontextmanager
async def hop(settings: dict[str, Any] | None = None, **venue_settings: Any) -> AsyncIterator[Hop]:
    """Run a venue, and a client of ours before it."""
    async with local_venue(**venue_settings) as venue, client(venue) as rest:
        requests = Requests()
        venue.wire.hooks = requests
        keys = venue.keys.of("main")
        told: list[VenueEvent] = []
        clock = LiveClock()
        http = GuardedBinanceHttpClient(
            clock, settings_of(venue, **settings or {}), Keys(keys.key, keys.secret),
            tell=told.append,
        )  # fmt: skip
        tripped: list[TradingState] = []
        mint, approvals = new_approvals(lambda _: tripped[-1] if tripped else TradingState.ACTIVE)
        http.approvals = approvals
        api = BinanceFuturesAccountHttpAPI(http, clock, BinanceAccountType.USDT_FUTURES)
        orders = OrderFactory(TraderId("TESTER-001"), StrategyId("S-001"), TestClock())
        yield Hop(venue, rest, http, api, mint, approvals, requests, told, orders, tripped)
