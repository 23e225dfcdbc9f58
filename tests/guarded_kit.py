"""A whole guarded node on a local venue, put together by our factories."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nautilus_trader.config import LoggingConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import BookType, OrderSide
from nautilus_trader.model.events import OrderEvent
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from adapters.config import data_client_config, exec_client_config
from adapters.engine_config import live_exec_engine_config
from adapters.factories import make_factories
from risk.events import VENUE_TOPIC, VenueEvent
from risk.install import Guard, assert_guarded, install_guard
from tests.hop_kit import BTC, Keys, Requests, settings_of
from tests.risk_builders import make_limits
from tests.venue_kit import RestClient, client, local_venue, until
from venue.server import Venue


class Trader(Strategy):
    """A strategy that hears quotes, mark prices and perhaps a book, and trades when the test says so."""

    def __init__(
        self, *, hears_book: bool = False, claims: tuple[InstrumentId, ...] = (BTC,)
    ) -> None:
        super().__init__(
            StrategyConfig(
                strategy_id="TRADER", order_id_tag="001", oms_type="NETTING",
                external_order_claims=list(claims) or None,
            )
        )  # fmt: skip
        self.told: list[OrderEvent] = []
        self.quotes = 0
        self._hears_book = hears_book

    def on_start(self) -> None:
        self.subscribe_quote_ticks(BTC)
        self.subscribe_mark_prices(BTC)
        if self._hears_book:
            self.subscribe_order_book_deltas(BTC, BookType.L2_MBP)

    def on_quote_tick(self, _tick: Any) -> None:
        self.quotes += 1

    def on_order_event(self, event: OrderEvent) -> None:
        self.told.append(event)

    def enter(self, qty: str = "0.010", stop: str = "60000.0") -> tuple[Order, Order]:
        """Buy at market, with a stop."""
        entry = self.order_factory.market(BTC, OrderSide.BUY, Quantity.from_str(qty))
        orders = self.order_factory.bracket(
            instrument_id=BTC, order_side=OrderSide.BUY, quantity=entry.quantity,
            sl_trigger_price=Price.from_str(stop), tp_price=Price.from_str("70000.0"),
        )  # fmt: skip
        self.submit_order_list(orders)
        return orders.orders[0], orders.orders[1]

    def naked(self) -> Order:
        """Send an order that no gate can approve."""
        return self.order_factory.limit(
            BTC, OrderSide.BUY, Quantity.from_str("0.010"), Price.from_str("63000.0")
        )


@dataclass
class GuardedNode:
    """A running node, its guard, and the venue that it trades on."""

    node: TradingNode
    guard: Guard
    trader: Trader
    venue: Venue
    rest: RestClient
    requests: Requests
    events: list[VenueEvent] = field(default_factory=list)

    @property
    def cache(self) -> Any:
        return self.node.kernel.cache

    @property
    def state(self) -> str:
        return self.guard.gate.judge.state.state.name

    @property
    def exec_client(self) -> Any:
        return next(iter(self.node.kernel.exec_engine._clients.values()))

    @property
    def data_client(self) -> Any:
        return next(iter(self.node.kernel.data_engine._clients.values()))

    def kinds(self) -> list[str]:
        return [event.kind.name for event in self.events]

    async def until(self, condition: Callable[[], Any], what: str = "", secs: float = 20) -> Any:
        return await until(condition, secs, what)


@asynccontextmanager
async def guarded_node(
    tmp_path: Path, *, market: str = "still", **options: Any
) -> AsyncIterator[GuardedNode]:
    """
    Run a venue and a guarded node on it, until the block ends; *options* as for `node_on`.

    A still market has no book: the strategy listens to one where the market is another.

    """
    trader = Trader(hears_book=market != "still")
    async with (
        local_venue(market=market) as venue,
        client(venue) as rest,
        node_on(venue, rest, tmp_path / "state", trader, **options) as running,
    ):
        yield running


@asynccontextmanager
async def node_on(
    venue: Venue,
    rest: RestClient,
    state_dir: Path,
    trader: Any,
    *,
    settings: dict[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
    data_factory: type | None = None,
    attach: Callable[[TradingNode, Guard], None] = lambda _node, _guard: None,
    log_level: str = "OFF",
) -> AsyncIterator[GuardedNode]:
    """
    Run a guarded node with the strategy *trader* on *venue*, until the block ends.

    *attach* adds what else belongs to the node before it runs.

    """
    requests = Requests()
    venue.wire.hooks = requests
    where = settings_of(venue, **settings or {})
    keys = venue.keys.of("main")
    data, execution = make_factories(Keys(keys.key, keys.secret), where)
    config = TradingNodeConfig(
        trader_id=TraderId("TESTER-001"), logging=LoggingConfig(log_level=log_level),
        exec_engine=live_exec_engine_config(
            open_check_secs=3600.0, position_check_secs=3600.0, startup_delay_secs=0.1
        ),
        data_clients={"BINANCE": data_client_config(where, [BTC])},
        exec_clients={"BINANCE": exec_client_config(where, [BTC])},
        timeout_connection=10, timeout_reconciliation=10, timeout_post_stop=0.1,
        timeout_disconnection=3,
    )  # fmt: skip
    node = TradingNode(config=config, loop=asyncio.get_running_loop())
    node.add_data_client_factory("BINANCE", data_factory or data)
    node.add_exec_client_factory("BINANCE", execution)
    node.build()
    chosen = {"price_age_ms_max": 60_000} | (limits or {})
    guard = install_guard(node.kernel, make_limits(**chosen), state_dir=state_dir)
    assert_guarded(node.kernel, guard)
    attach(node, guard)
    node.trader.add_strategy(trader)
    running = GuardedNode(node, guard, trader, venue, rest, requests)
    node.kernel.msgbus.subscribe(VENUE_TOPIC, running.events.append)
    task = asyncio.create_task(node.run_async())
    try:
        await until(lambda: node.trader.is_running and trader.quotes, 20, "the node to run")
        yield running
    finally:
        await node.stop_async()
        await asyncio.gather(task, return_exceptions=True)
        guard.close()
        node.kernel.dispose()
