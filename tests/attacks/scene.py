"""A kernel, guarded or stock, with a venue, two perpetuals and a strategy that misbehaves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from nautilus_trader.config import StrategyConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.examples.algorithms.twap import TWAPExecAlgorithm
from nautilus_trader.execution.algorithm import ExecAlgorithm
from nautilus_trader.execution.messages import SubmitOrder, SubmitOrderList
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide, OrderType, TradingState
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
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.objects import Price, Quantity
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
    def _next_ns(self) -> int:
        """Return the time of the venue's next quote."""

    @abstractmethod
    def _publish(self, quote: QuoteTick) -> None: ...

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
        now_ns, qty = self._next_ns(), instrument.make_qty(size)
        bid, ask = (instrument.make_price(mid + side * spread / 2) for side in (-1, 1))
        self._publish(
            QuoteTick(instrument.id, bid, ask, qty, qty, now_ns - age_sec * SECOND_NS, now_ns)
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

    def submit[T: (Order, OrderList)](self, what: T, by: Attacker | None = None) -> T:
        """Submit in the regular way, and return what was submitted."""
        strategy = by or self.strategy
        if isinstance(what, OrderList):
            strategy.submit_order_list(what)
        else:
            strategy.submit_order(what)
        self.settle()
        return what

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
