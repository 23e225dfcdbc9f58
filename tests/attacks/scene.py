"""A kernel, guarded or stock, with a venue, two perpetuals and a strategy that misbehaves."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from nautilus_trader.adapters.sandbox.config import SandboxExecutionClientConfig
from nautilus_trader.adapters.sandbox.execution import SandboxExecutionClient
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.common import Environment
from nautilus_trader.config import (
    BacktestEngineConfig,
    LiveExecEngineConfig,
    LoggingConfig,
    StrategyConfig,
    TradingNodeConfig,
)
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.examples.algorithms.twap import TWAPExecAlgorithm
from nautilus_trader.execution.algorithm import ExecAlgorithm
from nautilus_trader.execution.messages import SubmitOrder, SubmitOrderList
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, OrderType, TradingState
from nautilus_trader.model.events import (
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderModifyRejected,
    OrderRejected,
    OrderUpdated,
)
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, TraderId, Venue
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import Order, OrderList
from nautilus_trader.system.kernel import NautilusKernel
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

from risk import Guard, RiskLimits, install_guard

BTC = TestInstrumentProvider.btcusdt_perp_binance()
ETH = TestInstrumentProvider.ethusdt_perp_binance()
BUY, SELL = OrderSide.BUY, OrderSide.SELL
MID = {BTC.id: 50_000.0, ETH.id: 2_500.0}
SECOND_NS = 1_000_000_000
START_NS = 1_735_689_600 * SECOND_NS

LIMITS = RiskLimits.model_validate(
    {
        "symbols": {
            str(BTC.id): {
                "sides": ("BUY", "SELL"),
                "order_qty_max": Decimal("0.15"),
                "order_notional_usdt_max": 6_000,
                "position_notional_usdt_max": 10_000,
            },
            str(ETH.id): {
                "sides": ("BUY", "SELL"),
                "order_qty_max": 3,
                "order_notional_usdt_max": 6_000,
                "position_notional_usdt_max": 10_000,
            },
        },
        "orders": {
            "entry_types": ("MARKET", "LIMIT", "STOP_MARKET"),
            "list_notional_usdt_max": 8_000,
            "price_deviation_bps_max": 200,
            "slippage_bps_max": 20,
            "stop_distance_bps_max": 500,
        },
        "market_data": {
            "price_source": "quote",
            "price_age_ms_max": 10_000,
            "spread_bps_max": 10,
            "mark_divergence_bps_max": 50,
        },
        "portfolio": {
            "gross_notional_usdt_max": 12_000,
            "net_notional_usdt_max": 12_000,
            "leverage_max": 3,
        },
        "rates": {
            "messages_per_sec_max": 40,
            "messages_per_min_max": 200,
            "exit_reserve_ratio": Decimal("0.25"),
            "repeated_entries_max": 6,
            "repeated_entries_window_sec": 60,
        },
        "losses": {
            "unrealized_loss_ratio_alarm": Decimal("0.05"),
            "unrealized_loss_ratio_max": Decimal("0.1"),
            "daily_loss_ratio_max": Decimal("0.1"),
            "drawdown_ratio_max": Decimal("0.2"),
        },
        "shock": {"price_move_bps_max": 500, "price_move_window_sec": 60},
    }
)
"""Caps that a small attack can reach: 10,000 USDT are 0.2 BTC or 4 ETH at the prices here."""


class Attacker(Strategy):
    """A strategy whose moves are made by the attack; it keeps the answers it gets."""

    def __init__(self, tag: str) -> None:
        super().__init__(StrategyConfig(order_id_tag=tag))
        self.on_denied: Callable[[OrderDenied], None] = lambda _: None

    def on_order_denied(self, event: OrderDenied) -> None:
        self.on_denied(event)


class Algorithm(ExecAlgorithm):
    """An execution algorithm whose moves are made by the attack."""


class VenueLog:
    """What the venue did, from its own answers; the gate's books are never asked."""

    def __init__(self) -> None:
        self.reached: set[ClientOrderId] = set()
        self.working: set[ClientOrderId] = set()
        self.position: dict[InstrumentId, Decimal] = {}
        self.updates: Counter[ClientOrderId] = Counter()
        self.refusals: list[str] = []

    def on_event(self, event: Any) -> None:
        match event:
            case OrderAccepted() | OrderUpdated():
                self.reached.add(event.client_order_id)
                self.working.add(event.client_order_id)
                self.updates[event.client_order_id] += isinstance(event, OrderUpdated)
            case OrderFilled():
                self.reached.add(event.client_order_id)
                sign = 1 if event.order_side == BUY else -1
                held = self.position.get(event.instrument_id, Decimal(0))
                held += sign * event.last_qty.as_decimal()
                self.position[event.instrument_id] = held
            case OrderRejected():
                self.reached.add(event.client_order_id)
            case OrderCanceled() | OrderExpired():
                self.working.discard(event.client_order_id)
            case OrderDenied() | OrderModifyRejected() | OrderCancelRejected():
                self.refusals.append(event.reason)


class Scene(ABC):
    """
    One kernel to attack. Every call returns only when the kernel has nothing left to do.

    Parameters
    ----------
    state_dir : Path
        Where the guard keeps journal and latch.
    guarded : bool
        Whether the guard is installed.

    """

    kernel: NautilusKernel

    def __init__(self, state_dir: Path, *, guarded: bool) -> None:
        self.state_dir = state_dir
        self.guarded = guarded
        self.next_life: Scene | None = None
        self.guard: Guard | None = None
        self._build()
        if guarded:
            self.guard = install_guard(self.kernel, LIMITS, state_dir=state_dir)
        self.venue = VenueLog()
        self.kernel.msgbus.subscribe("events.order.*", self.venue.on_event)
        self.strategy, self.accomplice = Attacker("001"), Attacker("002")
        self.kernel.trader.add_strategies([self.strategy, self.accomplice])
        self.algorithm, self.twap = Algorithm(), TWAPExecAlgorithm()
        for algorithm in (self.algorithm, self.twap):
            self.kernel.trader.add_exec_algorithm(algorithm)
        self._start()
        self.settle()

    # -- the kernel ---------------------------------------------------------------------------------

    @abstractmethod
    def _build(self) -> None: ...

    @abstractmethod
    def _start(self) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...

    def close(self) -> None:
        """End the kernel and let go of its files."""
        if self.next_life is not None:
            self.next_life.close()
        self._close()
        if self.guard is not None:
            self.guard.close()

    def restarted(self) -> Scene:
        """Return the same kernel, started anew over the same state."""
        if self.guard is not None:
            self.guard.close()
        self.next_life = type(self)(self.state_dir, guarded=self.guarded)
        self.venue = self.next_life.venue
        return self.next_life

    @abstractmethod
    def quote(
        self,
        instrument: Any,
        mid: float,
        *,
        spread: float = 0.2,
        age_sec: int = 0,
        size: float = 10,
    ) -> None:
        """Let the venue quote a price; *age_sec* ago, by its own clock."""

    def _tick(
        self, instrument: Any, mid: float, spread: float, age_sec: int, size: float, now_ns: int
    ) -> QuoteTick:
        return QuoteTick(
            instrument.id,
            instrument.make_price(mid - spread / 2),
            instrument.make_price(mid + spread / 2),
            instrument.make_qty(size),
            instrument.make_qty(size),
            now_ns - age_sec * SECOND_NS,
            now_ns,
        )

    def settle(self, btc: float = MID[BTC.id], eth: float = MID[ETH.id]) -> None:
        """Quote both symbols, so that all that is on its way arrives."""
        self.quote(BTC, btc)
        self.quote(ETH, eth, spread=0.02)

    def halt(self) -> None:
        """Halt trading in the way that NautilusTrader offers."""
        self.kernel.risk_engine.set_trading_state(TradingState.HALTED)

    # -- orders -------------------------------------------------------------------------------------

    @property
    def orders(self) -> Any:
        return self.strategy.order_factory

    def market(self, side: OrderSide, qty: str, instrument: Any = BTC, **more: Any) -> Order:
        return self.orders.market(instrument.id, side, Quantity.from_str(qty), **more)

    def limit(
        self, side: OrderSide, qty: str, price: str, instrument: Any = BTC, **more: Any
    ) -> Order:
        return self.orders.limit(
            instrument.id, side, Quantity.from_str(qty), Price.from_str(price), **more
        )

    def stop(
        self, side: OrderSide, qty: str, trigger: str, instrument: Any = BTC, **more: Any
    ) -> Order:
        return self.orders.stop_market(
            instrument.id, side, Quantity.from_str(qty), Price.from_str(trigger), **more
        )

    def bracket(
        self,
        side: OrderSide = BUY,
        qty: str = "0.100",
        stop: str = "49500.0",
        target: str = "52000.0",
        price: str | None = None,
        instrument: Any = BTC,
        by: Attacker | None = None,
        **more: Any,
    ) -> OrderList:
        """Build entry, stop and target as one list; a market entry unless *price* is given."""
        entry = {}
        if price is not None:
            entry = {"entry_order_type": OrderType.LIMIT, "entry_price": Price.from_str(price)}
        return (by or self.strategy).order_factory.bracket(
            instrument_id=instrument.id, order_side=side, quantity=Quantity.from_str(qty),
            sl_trigger_price=Price.from_str(stop), tp_price=Price.from_str(target), **entry, **more,
        )  # fmt: skip

    def submit(self, what: Order | OrderList, by: Attacker | None = None) -> None:
        """Submit in the regular way."""
        strategy = by or self.strategy
        if isinstance(what, OrderList):
            strategy.submit_order_list(what)
        else:
            strategy.submit_order(what)
        self.settle()

    def command(self, what: Order | OrderList) -> SubmitOrder | SubmitOrderList:
        """Wrap an order for sending by hand; it is put in the cache as the strategy would."""
        head = {
            "trader_id": self.kernel.trader_id, "strategy_id": self.strategy.id,
            "command_id": UUID4(), "ts_init": self.kernel.clock.timestamp_ns(),
        }  # fmt: skip
        orders = what.orders if isinstance(what, OrderList) else [what]
        for order in orders:
            if not self.kernel.cache.order_exists(order.client_order_id):
                self.kernel.cache.add_order(order, None, None)
        if isinstance(what, OrderList):
            return SubmitOrderList(order_list=what, **head)
        return SubmitOrder(order=what, **head)

    def send(self, endpoint: str, command: Any) -> None:
        """Send a command straight to an endpoint of the bus."""
        self.kernel.msgbus.send(endpoint, command)
        self.settle()

    def list_of(self, *orders: Order) -> OrderList:
        """Put orders of one's own making in a list."""
        return OrderList(self.orders.generate_order_list_id(), list(orders))

    # -- what came of it ----------------------------------------------------------------------------

    def reached(self, order: Order) -> bool:
        """Return whether the venue got to know the order."""
        return order.client_order_id in self.venue.reached

    def is_working(self, order: Order) -> bool:
        """Return whether the venue holds the order."""
        order = self.kernel.cache.order(order.client_order_id) or order
        return order.client_order_id in self.venue.working and order.is_open

    def position(self, instrument: Any = BTC) -> Decimal:
        """Return the position that the venue's fills add up to."""
        return self.venue.position.get(instrument.id, Decimal(0))

    def amendments(self, order: Order) -> int:
        """Return how often the venue amended the order."""
        return self.venue.updates[order.client_order_id]

    def answers(self) -> list[str]:
        """Return every refusal, and what the guard wrote down or halted for."""
        if self.next_life is not None:
            return self.next_life.answers()
        if self.guard is None:
            return self.venue.refusals
        written = [row["text"] for row in self.guard.record.denials]
        return [*self.venue.refusals, *written, *self.guard.gate.judge.state.causes]


class BacktestScene(Scene):
    """A backtest kernel with the simulated exchange."""

    def _build(self) -> None:
        self.now_ns = START_NS
        self.engine = BacktestEngine(
            BacktestEngineConfig(
                trader_id=TraderId("TESTER-000"), logging=LoggingConfig(bypass_logging=True)
            )
        )
        self.kernel = self.engine.kernel
        self.engine.add_venue(
            venue=Venue("BINANCE"),
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            base_currency=USDT,
            starting_balances=[Money(100_000, USDT)],
            default_leverage=Decimal(10),
        )
        self.engine.add_instrument(BTC)
        self.engine.add_instrument(ETH)

    def _start(self) -> None:
        """Start with the first quote."""

    def quote(
        self,
        instrument: Any,
        mid: float,
        *,
        spread: float = 0.2,
        age_sec: int = 0,
        size: float = 10,
    ) -> None:
        self.now_ns += SECOND_NS // 10
        self.engine.clear_data()
        self.engine.add_data([self._tick(instrument, mid, spread, age_sec, size, self.now_ns)])
        self.engine.run(streaming=True)

    def _close(self) -> None:
        self.engine.end()
        self.engine.dispose()


class RecordingClient(SandboxExecutionClient):
    """
    The sandbox venue behind a live kernel; it remembers the commands that arrived.

    Children of a list are held until their entry has filled: the sandbox looks into the cache, which
    a live kernel brings up to date only after the fact, and would reject them as reduce-only orders
    without a position.

    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.received: list[Any] = []
        self._held: dict[ClientOrderId, SubmitOrder] = {}
        self._msgbus.subscribe("events.order.*", self._release_children)

    def submit_order(self, command: Any) -> None:
        self.received.append(command)
        super().submit_order(command)

    def submit_order_list(self, command: Any) -> None:
        self.received.append(command)
        for order in command.order_list.orders:
            single = SubmitOrder(
                command.trader_id, command.strategy_id, order, UUID4(), command.ts_init
            )
            if order.parent_order_id is None:
                super().submit_order(single)
            else:
                self._held[order.client_order_id] = single

    def _release_children(self, event: Any) -> None:
        if not isinstance(event, OrderFilled):
            return
        for key, command in list(self._held.items()):
            if command.order.parent_order_id == event.client_order_id:
                super().submit_order(self._held.pop(key))

    def modify_order(self, command: Any) -> None:
        self.received.append(command)
        super().modify_order(command)

    def cancel_order(self, command: Any) -> None:
        self.received.append(command)
        super().cancel_order(command)

    def cancel_all_orders(self, command: Any) -> None:
        self.received.append(command)
        super().cancel_all_orders(command)

    def batch_cancel_orders(self, command: Any) -> None:
        self.received.append(command)
        for cancel in command.cancels:
            super().cancel_order(cancel)


class LiveScene(Scene):
    """A live kernel with queues and an event loop of its own, before a venue in this process."""

    client: RecordingClient

    def _build(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.kernel = NautilusKernel(
            name="live",
            config=TradingNodeConfig(
                environment=Environment.LIVE,
                trader_id=TraderId("TESTER-000"),
                logging=LoggingConfig(log_level="OFF"),  # a live kernel may not bypass its log
                exec_engine=LiveExecEngineConfig(
                    reconciliation=False, graceful_shutdown_on_exception=True
                ),
                timeout_post_stop=0,
            ),
            loop=self.loop,
        )
        self.kernel.cache.add_instrument(BTC)
        self.kernel.cache.add_instrument(ETH)
        self.client = RecordingClient(
            loop=self.loop, portfolio=self.kernel.portfolio, msgbus=self.kernel.msgbus,
            cache=self.kernel.cache, clock=self.kernel.clock,
            config=SandboxExecutionClientConfig(
                venue="BINANCE", oms_type="NETTING", account_type="MARGIN", base_currency="USDT",
                starting_balances=["100_000 USDT"], default_leverage=Decimal(10),
            ),
        )  # fmt: skip
        self.kernel.exec_engine.register_client(self.client)

    def _start(self) -> None:
        self.loop.run_until_complete(self.kernel.start_async())

    def quote(
        self,
        instrument: Any,
        mid: float,
        *,
        spread: float = 0.2,
        age_sec: int = 0,
        size: float = 10,
    ) -> None:
        self._drain()
        now_ns = self.kernel.clock.timestamp_ns()
        tick = self._tick(instrument, mid, spread, age_sec, size, now_ns)
        self.kernel.data_engine.process(tick)
        self._drain()

    def _drain(self) -> None:
        self.loop.run_until_complete(self._empty_queues())

    async def _empty_queues(self) -> None:
        engines = (self.kernel.data_engine, self.kernel.risk_engine, self.kernel.exec_engine)
        quiet = turns = 0
        # What one queue hands to another is scheduled on the loop first: a few turns see it.
        while quiet < 5:
            await asyncio.sleep(0)
            turns += 1
            assert turns < 200_000, "the kernel never comes to rest"
            left = sum(e.cmd_qsize() for e in engines) + sum(e.evt_qsize() for e in engines[1:])
            left += self.kernel.data_engine.data_qsize()
            quiet = quiet + 1 if left == 0 else 0

    def _close(self) -> None:
        self._drain()
        self.loop.run_until_complete(self.kernel.stop_async())
        self.loop.run_until_complete(self._end_tasks())
        self.kernel.dispose()
        self.loop.close()

    async def _end_tasks(self) -> None:
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
