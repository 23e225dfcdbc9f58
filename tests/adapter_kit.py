"""A trading node before a local venue, with NautilusTrader's own client or with ours."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nautilus_trader.adapters.binance.common.enums import BinanceAccountType
from nautilus_trader.adapters.binance.futures.data import BinanceFuturesDataClient
from nautilus_trader.adapters.binance.futures.execution import BinanceFuturesExecutionClient
from nautilus_trader.adapters.binance.futures.providers import BinanceFuturesInstrumentProvider
from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.common.config import InstrumentProviderConfig
from nautilus_trader.config import LiveExecEngineConfig, LoggingConfig, TradingNodeConfig
from nautilus_trader.core.nautilus_pyo3 import HttpClient
from nautilus_trader.live.factories import LiveDataClientFactory, LiveExecClientFactory
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderEvent, OrderFilled
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from adapters.config import data_client_config, exec_client_config
from adapters.engine_config import live_exec_engine_config
from adapters.execution import HardenedExecutionClient
from adapters.settings import VenueSettings
from adapters.unresolved import Patience
from adapters.user_stream import StreamPatience
from risk.events import FUNDING_TOPIC, VENUE_TOPIC, VenueEvent
from tests.venue_kit import RestClient, account, client, local_venue, until
from venue.server import Venue
from venue.wire.hooks import Deliveries, NoFaults, Payload, Reaction, RequestInfo

BTC = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")
TINY = Decimal("0.0000001")
KINDS = ("stock", "ours")
ACCOUNT_TYPE = BinanceAccountType.USDT_FUTURES
PATIENCE = Patience(secs=1.0, answers_min=3)
LOG_LEVEL = os.environ.get("ADAPTER_TEST_LOG", "OFF")
STREAM_PATIENCE = StreamPatience(lost_secs=0.4, silence_secs=60.0, retry_secs_first=0.1)


class ScriptedFaults(NoFaults):
    """Faults as a test says them: the first rule that takes a request or an event applies."""

    def __init__(self) -> None:
        self.requests: list[Callable[[RequestInfo], Reaction | None]] = []
        self.events: Callable[[Payload], Deliveries] | None = None
        self.seen: list[RequestInfo] = []

    def on_request(self, request: RequestInfo) -> Reaction | None:
        self.seen.append(request)
        reactions = (rule(request) for rule in list(self.requests))
        return next((reaction for reaction in reactions if reaction is not None), None)

    def on_user_event(self, account: str, payload: Payload) -> Deliveries:
        return [(0, payload)] if self.events is None else self.events(payload)

    def next_time(self, method: str, path: str, reaction: Reaction, times: int = 1) -> None:
        """Let the next *times* requests of a kind meet with *reaction*."""
        left = [times]

        def rule(request: RequestInfo) -> Reaction | None:
            if (request.method, request.path) != (method, path) or left[0] == 0:
                return None
            left[0] -= 1
            return reaction

        self.requests.append(rule)

    def count(self, method: str, path: str) -> int:
        return sum((r.method, r.path) == (method, path) for r in self.seen)


class Puppet(Strategy):
    """A strategy that does what the test says, and remembers what it was told."""

    def __init__(self) -> None:
        claims = [BTC]
        super().__init__(
            StrategyConfig(
                strategy_id="PUPPET", order_id_tag="001", oms_type="NETTING",
                external_order_claims=claims,
            )
        )  # fmt: skip
        self.told: list[OrderEvent] = []

    def on_order_event(self, event: OrderEvent) -> None:
        self.told.append(event)

    def market(self, side: OrderSide, qty: str, *, reduce_only: bool = False) -> Order:
        order = self.order_factory.market(
            BTC, side, Quantity.from_str(qty), reduce_only=reduce_only
        )
        self.submit_order(order)
        return order

    def limit(self, side: OrderSide, qty: str, price: str, **options: Any) -> Order:
        order = self.order_factory.limit(
            BTC, side, Quantity.from_str(qty), Price.from_str(price), **options
        )
        self.submit_order(order)
        return order

    def stop_loss(self, side: OrderSide, qty: str, trigger: str) -> Order:
        order = self.order_factory.stop_market(
            BTC, side, Quantity.from_str(qty), Price.from_str(trigger), reduce_only=True
        )
        self.submit_order(order)
        return order


@dataclass
class LiveNode:
    """A running node, the venue it trades on, and what both have said."""

    kind: str
    venue: Venue
    rest: RestClient
    node: TradingNode
    puppet: Puppet
    faults: ScriptedFaults
    task: asyncio.Task[None]
    alarms: list[VenueEvent] = field(default_factory=list)
    funding: list[Any] = field(default_factory=list)

    @property
    def is_stock(self) -> bool:
        return self.kind == "stock"

    @property
    def cache(self) -> Any:
        return self.node.kernel.cache

    @property
    def exec_client(self) -> Any:
        return next(iter(self.node.kernel.exec_engine._clients.values()))

    def order(self, order: Order) -> Order:
        return self.cache.order(order.client_order_id)

    def position(self) -> Decimal:
        positions = self.cache.positions_open(instrument_id=BTC)
        return sum((p.signed_decimal_qty() for p in positions), Decimal(0))

    def fills(self, order: Order) -> list[OrderFilled]:
        return [e for e in order.events if isinstance(e, OrderFilled)]

    def commissions(self) -> Decimal:
        """Return what the node has paid in fees, in USDT."""
        fills = [f for order in self.cache.orders() for f in self.fills(order)]
        return sum((f.commission.as_decimal() for f in fills), Decimal(0))

    def alarmed(self, kind: str) -> list[VenueEvent]:
        return [alarm for alarm in self.alarms if alarm.kind.name == kind]

    async def until(self, condition: Callable[[], Any], what: str = "", secs: float = 20) -> Any:
        return await until(condition, secs, what)

    async def protected(self, qty: str = "0.010") -> Order:
        """Return a stop that rests under a long position."""
        self.puppet.market(OrderSide.BUY, qty)
        await self.until(lambda: self.position() == Decimal(qty), "a position")
        stop = self.puppet.stop_loss(OrderSide.SELL, qty, "55000.0")
        await self.until(lambda: self.order(stop).is_open, "a resting stop")
        return stop

    def answer(self, method: str, path: str, body: Any) -> None:
        """Let the venue answer every request of a kind with *body*."""
        self.faults.next_time(method, path, Reaction(answer=(200, body)), times=1_000_000)

    def send(self, payload: Payload) -> None:
        """Let the venue send a user event of the test's own."""
        self.venue.exchange.emit("main", payload)
        self.venue.wire.settle()

    async def until_working(self, client_ids: set[str]) -> None:
        """Wait until these orders work at the venue, and no others."""
        await self.until(lambda: self.venue_working() == client_ids, f"only {client_ids} to work")

    async def stop(self) -> None:
        """Stop the node before the block ends."""
        await end(self.node, self.task)

    def truth(self) -> dict[str, Any]:
        return self.venue.exchange.truth("main")

    def venue_position(self) -> Decimal:
        return sum((Decimal(p["amt"]) for p in self.truth()["positions"]), Decimal(0))

    def venue_working(self) -> set[str]:
        """Return the client ids of the orders that work, those that wait for a trigger included."""
        truth = self.truth()
        waiting = [a["client_algo_id"] for a in truth["open_algos"] if a["status"] == "NEW"]
        return {o["client_order_id"] for o in truth["open_orders"]} | set(waiting)

    async def venue_commissions(self) -> Decimal:
        rows = await self.rest.ok("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", limit=1000)
        return sum((Decimal(row["commission"]) for row in rows), Decimal(0))

    async def agree(self) -> None:
        """Check that the node and the venue say the same: position, orders, balance, fees."""
        assert self.position() == self.venue_position()
        assert self.has_venue_orders(), (self.cache.orders_open(), self.venue_working())
        await self.until(self.has_venue_balance, "the venue's balance")
        assert abs(self.commissions() - await self.venue_commissions()) < TINY

    def has_venue_orders(self) -> bool:
        return {self._venue_id(o) for o in self.cache.orders_open()} == self.venue_working()

    def has_venue_balance(self) -> bool:
        return abs(self.usdt() - Decimal(self.truth()["wallets"]["USDT"])) < TINY

    def usdt(self) -> Decimal:
        """Return the balance that the node knows of."""
        balances = self.cache.account_for_venue(BTC.venue).balances()
        total = next(b.total for c, b in balances.items() if c.code == "USDT")
        return Decimal(total.as_decimal())

    def _venue_id(self, order: Order) -> str:
        base: str = order.client_order_id.value
        return base if self.is_stock else self.exec_client._ids.current(base)


class _Http(BinanceHttpClient):
    """NautilusTrader's HTTP client with a timeout."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._client = HttpClient(timeout_secs=2)


def _factories(kind: str, venue: Venue, settings: VenueSettings) -> tuple[type, type]:
    keys = venue.keys.of("main")
    shared: dict[str, Any] = {}

    def parts(clock: Any, config: Any) -> dict[str, Any]:
        if not shared:
            http = (BinanceHttpClient if kind == "stock" else _Http)(
                clock=clock, api_key=keys.key, api_secret=keys.secret, base_url=settings.rest_url
            )
            shared["client"] = http
            shared["instrument_provider"] = BinanceFuturesInstrumentProvider(
                client=http, clock=clock, account_type=ACCOUNT_TYPE,
                config=InstrumentProviderConfig(load_ids=frozenset({BTC})),
            )  # fmt: skip
        return {**shared, "clock": clock, "config": config, "account_type": ACCOUNT_TYPE}

    class Data(LiveDataClientFactory):  # type: ignore[misc]
        @staticmethod
        def create(loop: Any, name: str, config: Any, msgbus: Any, cache: Any, clock: Any) -> Any:
            return BinanceFuturesDataClient(
                loop=loop, name=name, msgbus=msgbus, cache=cache, **parts(clock, config),
                base_url_ws=f"{settings.ws_url}/market",
                base_url_ws_public=f"{settings.ws_url}/public",
            )  # fmt: skip

    class Exec(LiveExecClientFactory):  # type: ignore[misc]
        @staticmethod
        def create(loop: Any, name: str, config: Any, msgbus: Any, cache: Any, clock: Any) -> Any:
            options: dict[str, Any] = {}
            client_type = BinanceFuturesExecutionClient
            if kind == "ours":
                client_type = HardenedExecutionClient
                options = {"patience": PATIENCE, "stream_patience": STREAM_PATIENCE}
            return client_type(
                loop=loop, name=name, msgbus=msgbus, cache=cache, **parts(clock, config),
                base_url_ws=f"{settings.ws_url}/private", environment=config.environment,
                api_key=keys.key, api_secret=keys.secret, **options,
            )  # fmt: skip

    return Data, Exec


def settings_of(venue: Venue) -> VenueSettings:
    return VenueSettings(
        environment="local", rest_url=venue.rest_url, ws_url=venue.ws_url, recv_window_ms=5_000,
        http_timeout_sec=2, clock_offset_ms_max=1_000, data_silence_sec_max=60,
        exit_reserve_ratio=Decimal("0.2"),
    )  # fmt: skip


def engine_config(kind: str, *, is_checked: bool) -> LiveExecEngineConfig:
    """Return the engine as each client wants it; stock with the checks that it comes with."""
    if kind == "stock":
        checks = {
            "open_check_interval_secs": 0.5, "open_check_open_only": False,
            "reconciliation_startup_delay_secs": 0.1,
        } if is_checked else {}  # fmt: skip
        return LiveExecEngineConfig(graceful_shutdown_on_exception=True, **checks)
    return live_exec_engine_config(
        # More often, and a test that takes a while has used up the weight that queries may use.
        open_check_secs=2.0 if is_checked else 3600.0,
        position_check_secs=2.0 if is_checked else 3600.0,
        startup_delay_secs=0.1,
    )


def build_node(
    kind: str, venue: Venue, *, is_checked: bool = False, connect_secs: float = 10
) -> tuple[TradingNode, Puppet]:
    """Return a built node that has not started."""
    settings = settings_of(venue)
    config = TradingNodeConfig(
        trader_id=TraderId("TESTER-001"), logging=LoggingConfig(log_level=LOG_LEVEL),
        exec_engine=engine_config(kind, is_checked=is_checked),
        data_clients={"BINANCE": data_client_config(settings, [BTC])},
        exec_clients={"BINANCE": exec_client_config(settings, [BTC])},
        timeout_connection=connect_secs, timeout_reconciliation=10, timeout_post_stop=0.1,
        timeout_disconnection=3,
    )  # fmt: skip
    node = TradingNode(config=config, loop=asyncio.get_running_loop())
    data, execution = _factories(kind, venue, settings)
    node.add_data_client_factory("BINANCE", data)
    node.add_exec_client_factory("BINANCE", execution)
    puppet = Puppet()
    node.trader.add_strategy(puppet)
    node.build()
    return node, puppet


@asynccontextmanager
async def running(
    kind: str, venue: Venue, rest: RestClient, faults: ScriptedFaults, *, is_checked: bool = False
) -> AsyncIterator[LiveNode]:
    """Run a node until the block ends."""
    node, puppet = build_node(kind, venue, is_checked=is_checked)
    task = asyncio.create_task(node.run_async())
    live = LiveNode(kind, venue, rest, node, puppet, faults, task)
    node.kernel.msgbus.subscribe(VENUE_TOPIC, live.alarms.append)
    node.kernel.msgbus.subscribe(FUNDING_TOPIC, live.funding.append)
    try:
        await until(lambda: node.trader.is_running, 20, "the node to run")
        yield live
    finally:
        await end(node, task)


async def end(node: TradingNode, task: asyncio.Task[None]) -> None:
    """Stop a node and what belongs to it, once, and leave the loop as it was."""
    if task.done():
        return
    await node.stop_async()
    await asyncio.gather(task, return_exceptions=True)
    node.kernel.dispose()


@asynccontextmanager
async def scene(kind: str, *, is_checked: bool = False, **settings: Any) -> AsyncIterator[LiveNode]:
    """Run a node of *kind* on a venue that stands at 60,000 until the test moves it."""
    settings = {"accounts": (account("main"), account("other"))} | settings
    async with local_venue(**settings) as venue, client(venue) as rest:
        faults = ScriptedFaults()
        venue.wire.hooks = faults
        venue.move("BTCUSDT", Decimal(60_000))
        async with running(kind, venue, rest, faults, is_checked=is_checked) as live:
            yield live
