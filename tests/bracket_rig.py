"""A gate, a strategy and a venue that fills, refuses and answers when it is told to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.execution.engine import ExecutionEngine
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import (
    AccountType,
    LiquiditySide,
    OmsType,
    OrderSide,
    OrderType,
)
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientId,
    TradeId,
    TraderId,
    Venue,
    VenueOrderId,
)
from nautilus_trader.model.objects import AccountBalance, Money
from nautilus_trader.model.orders import LimitOrder, MarketOrder, Order, StopMarketOrder
from nautilus_trader.portfolio.portfolio import Portfolio

from risk.client import guard_live_client
from risk.gate import ENDPOINT, RiskGate
from risk.journal import Journal
from risk.latch import Latch
from risk.ledger import Ledger
from risk.record import Record
from risk.restore import Restorer
from risk.rounds import Rounds
from strategies.base import ProtectedStrategy, ProtectedStrategyConfig
from tests.attacks.scene import BTC, LIMITS, START_NS

SECOND_NS = 1_000_000_000
TRADER = TraderId("TESTER-000")
ANSWERS = frozenset({"accepted", "rejected", "modify_rejected", "cancel_rejected"})


@dataclass
class AtVenue:
    """An order as the venue has it."""

    order: Order
    qty: Decimal
    filled: Decimal = Decimal(0)
    is_working: bool = True

    @property
    def leaves(self) -> Decimal:
        return self.qty - self.filled

    @property
    def sign(self) -> int:
        return 1 if self.order.side == OrderSide.BUY else -1


class ScriptedClient(ExecutionClient):
    """Keeps what it is asked until the script has the venue act on it."""

    def __init__(self, **kernel: Any) -> None:
        super().__init__(
            client_id=ClientId("BINANCE"), venue=Venue("BINANCE"), oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN, base_currency=USDT, **kernel,
        )  # fmt: skip
        self._set_account_id(AccountId("BINANCE-001"))
        self.asked: deque[Any] = deque()

    def submit_order(self, command: Any) -> None:
        order = command.order
        self.generate_order_submitted(
            order.strategy_id, order.instrument_id, order.client_order_id, 0
        )
        self.asked.append(command)

    def modify_order(self, command: Any) -> None:
        self.asked.append(command)

    def cancel_order(self, command: Any) -> None:
        self.asked.append(command)


class Told(ProtectedStrategy):
    """Does what the script says."""

    rests = 0

    def on_flat(self) -> None:
        self.rests += 1


class Rig:
    """
    One strategy behind one gate; nothing happens but what the script makes happen.

    Commands wait in ``client.asked`` until `serve`, and what the venue says waits in ``said`` until
    `hear`: any answer can be late, any fill can come in between.

    """

    def __init__(self, folder: Path, *, is_started: bool = True) -> None:
        self.folder = folder
        self.clock = TestClock()
        self.clock.set_time(START_NS)
        self.bus = MessageBus(trader_id=TRADER, clock=self.clock)
        self.cache = Cache()
        self.cache.add_instrument(BTC)
        kernel = {"msgbus": self.bus, "cache": self.cache, "clock": self.clock}
        self.portfolio = Portfolio(**kernel)
        self.engine = ExecutionEngine(**kernel)
        self.client = ScriptedClient(**kernel)
        self.engine.register_client(self.client)
        self.record = Record(
            Journal(folder / "journal.jsonl", sync="none"), Latch(folder / "latch.json"),
            is_persistent=True,
        )  # fmt: skip
        self.gate = RiskGate(
            LIMITS, forward=self.engine.execute, record=self.record, loop=object(), **kernel
        )
        self.record.attach(self.gate.judge, {}, "", START_NS)
        self.ledger = Ledger(self.gate.judge, self.record, self.gate.approvals, **kernel)
        guard_live_client(self.client, self.gate.approvals)
        self.bus.deregister(ENDPOINT, self.engine.execute)
        self.bus.register(ENDPOINT, self.gate.execute)
        self.bus.register("RiskEngine.execute", self.gate.execute)
        self.strategy = Told(
            ProtectedStrategyConfig(
                instrument_id=BTC.id, strategy_id="Told", order_id_tag="T",
                trade_risk_usdt=Decimal(50), trade_notional_usdt_max=Decimal(5_000),
            )
        )  # fmt: skip
        self.strategy.register(TRADER, self.portfolio, self.bus, self.cache, self.clock)
        self.engine.register_oms_type(self.strategy)
        self.orders: dict[str, AtVenue] = {}
        self.position = Decimal(0)
        self.said: deque[tuple[str, Callable[[], None]]] = deque()
        self.lost: list[tuple[str, Callable[[], None]]] = []
        self._trades = 0
        self._fund()
        self.engine.start()
        self.quote()
        if is_started:
            self.strategy.start()

    def _fund(self) -> None:
        wallet = Money(100_000, USDT)
        balance = AccountBalance(wallet, Money(0, USDT), wallet)
        self.client.generate_account_state([balance], [], reported=True, ts_event=START_NS)

    def quote(self) -> None:
        bid, ask, size = BTC.make_price(49_999.9), BTC.make_price(50_000.1), BTC.make_qty(10)
        now_ns = self.clock.timestamp_ns()
        self.cache.add_quote_tick(QuoteTick(BTC.id, bid, ask, size, size, now_ns, now_ns))

    # -- the strategy's side -------------------------------------------------------------------------

    def enter(self, side: OrderSide, *, target: bool) -> None:
        self.quote()
        distance = Decimal(1000) if target else None
        assert self.strategy.enter(side, Decimal(50_000), Decimal(500), distance)

    def tick(self) -> None:
        """Let a second pass, and what waits for it; what was lost is looked up."""
        self.said.extend(self.lost)
        self.lost.clear()
        for handler in self.clock.advance_time(self.clock.timestamp_ns() + SECOND_NS):
            handler.handle()
        self.gate.brackets.on_tick()

    # -- the venue's side ----------------------------------------------------------------------------

    def find(self, order_type: OrderType, *, reduce_only: bool) -> list[AtVenue]:
        return [
            o for o in self.orders.values()
            if o.is_working and o.order.order_type == order_type
            and o.order.is_reduce_only == reduce_only
        ]  # fmt: skip

    @property
    def entries(self) -> list[AtVenue]:
        return self.find(OrderType.MARKET, reduce_only=False)

    @property
    def stops(self) -> list[AtVenue]:
        return self.find(OrderType.STOP_MARKET, reduce_only=True)

    @property
    def targets(self) -> list[AtVenue]:
        return self.find(OrderType.LIMIT, reduce_only=True)

    def serve(self, *, refuse: bool = False) -> None:
        """Have the venue take the oldest request."""
        if not self.client.asked:
            return
        command = self.client.asked.popleft()
        match type(command).__name__:
            case "SubmitOrder":
                self._take(command.order, refuse=refuse)
            case "ModifyOrder":
                self._amend(command, refuse=refuse)
            case "CancelOrder":
                self._cancel(command, refuse=refuse)

    def _take(self, order: Order, *, refuse: bool) -> None:
        if refuse or (order.is_reduce_only and self._reducible(order) == 0):
            self.say("rejected", order, reason="refused", ts_event=0)
            return
        at_venue = AtVenue(order, order.quantity.as_decimal())
        self.orders[order.client_order_id.value] = at_venue
        self.say("accepted", order, venue_order_id=_venue_id(order), ts_event=0)
        if order.is_reduce_only and order.order_type == OrderType.MARKET:
            self.fill(at_venue, at_venue.qty)
            if at_venue.is_working:
                self.end(at_venue)

    def _amend(self, command: Any, *, refuse: bool) -> None:
        at_venue = self.orders.get(command.client_order_id.value)
        order = self.cache.order(command.client_order_id)
        if refuse or at_venue is None or not at_venue.is_working:
            self.say(
                "modify_rejected", order, venue_order_id=_venue_id(order), reason="refused",
                ts_event=0,
            )  # fmt: skip
            return
        at_venue.qty = command.quantity.as_decimal()
        self.say(
            "updated", order, venue_order_id=_venue_id(order), quantity=command.quantity,
            price=order.price if order.has_price else None,
            trigger_price=order.trigger_price if order.has_trigger_price else None, ts_event=0,
        )  # fmt: skip

    def _cancel(self, command: Any, *, refuse: bool) -> None:
        at_venue = self.orders.get(command.client_order_id.value)
        order = self.cache.order(command.client_order_id)
        if refuse or at_venue is None or not at_venue.is_working:
            self.say(
                "cancel_rejected", order, venue_order_id=_venue_id(order), reason="refused",
                ts_event=0,
            )  # fmt: skip
        else:
            self.end(at_venue)

    def end(self, at_venue: AtVenue) -> None:
        """Have the venue cancel what is left of an order."""
        at_venue.is_working = False
        self.say("canceled", at_venue.order, venue_order_id=_venue_id(at_venue.order), ts_event=0)

    def fill(self, at_venue: AtVenue, qty: Decimal) -> None:
        """Fill up to *qty*, and no reduce-only order beyond the position."""
        order = at_venue.order
        qty = min(qty, at_venue.leaves)
        if order.is_reduce_only:
            qty = min(qty, self._reducible(order))
        if qty <= 0:
            return
        at_venue.filled += qty
        at_venue.is_working = at_venue.leaves > 0
        self.position += at_venue.sign * qty
        self._say_fill(order, qty)

    def _say_fill(self, order: Order, qty: Decimal) -> None:
        self._trades += 1
        self.say(
            "filled", order, venue_order_id=_venue_id(order), venue_position_id=None,
            trade_id=TradeId(str(self._trades)), order_side=order.side,
            order_type=order.order_type, last_qty=BTC.make_qty(qty),
            last_px=BTC.make_price(50_000), quote_currency=USDT, commission=Money(0, USDT),
            liquidity_side=LiquiditySide.TAKER, ts_event=START_NS,
        )  # fmt: skip

    def _reducible(self, order: Order) -> Decimal:
        sign = 1 if order.side == OrderSide.BUY else -1
        return max(-sign * self.position, Decimal(0))

    def say(self, what: str, order: Order, **facts: Any) -> None:
        tell = getattr(self.client, f"generate_order_{what}")
        keys = (order.strategy_id, order.instrument_id, order.client_order_id)
        self.said.append((what, lambda: tell(*keys, **facts)))

    def hear(self) -> None:
        """Deliver the oldest word of the venue."""
        if self.said:
            _, tell = self.said.popleft()
            tell()

    def lose(self) -> None:
        """Lose the oldest word, if it answers a request: whoever looks it up hears it later."""
        if self.said and self.said[0][0] in ANSWERS:
            self.lost.append(self.said.popleft())

    def answer_all(self) -> None:
        """Grant and answer everything, until nobody asks for anything any more."""
        for _ in range(500):
            if not self.client.asked and not self.said:
                return
            self.serve()
            self.hear()
        raise AssertionError("asking and answering never end")

    def settle(self) -> None:
        """Do so until the passing of time makes nobody ask for anything either."""
        for _ in range(20):
            self.answer_all()
            self.tick()
            if not self.client.asked and not self.said and not self.lost:
                return
        raise AssertionError("the gate and the venue never come to rest")

    # -- another life --------------------------------------------------------------------------------

    def kill(self) -> Rig:
        """End without a word, and start over the same state and what the venue has."""
        self.close()
        rounds = Rounds(self.folder / "journal.jsonl")
        reborn = Rig(self.folder, is_started=False)
        reborn.orders, reborn.position, reborn._trades = {}, self.position, self._trades
        for key, at_venue in self.orders.items():
            if at_venue.is_working or at_venue.filled:
                reborn.find_again(key, at_venue)
        kernel = {"cache": reborn.cache, "clock": reborn.clock, "trader_id": TRADER}
        gate = reborn.gate
        Restorer(gate.brackets, gate.desk, gate.judge, **kernel).restore(rounds)
        reborn.strategy.start()
        return reborn

    def find_again(self, key: str, at_venue: AtVenue) -> None:
        """Reconcile an order: as the venue has it, not as it was asked for."""
        old = at_venue.order
        terms = {
            "trader_id": TRADER, "strategy_id": old.strategy_id, "instrument_id": BTC.id,
            "client_order_id": old.client_order_id, "order_side": old.side,
            "quantity": BTC.make_qty(at_venue.qty), "init_id": UUID4(), "ts_init": START_NS,
            "reduce_only": old.is_reduce_only,
        }  # fmt: skip
        if old.order_type == OrderType.STOP_MARKET:
            terms |= {"trigger_price": old.trigger_price, "trigger_type": old.trigger_type}
            order = StopMarketOrder(**terms)
        elif old.order_type == OrderType.LIMIT:
            order = LimitOrder(price=old.price, **terms)
        else:
            order = MarketOrder(**terms)
        self.cache.add_order(order, None, None)
        self.orders[key] = AtVenue(order, at_venue.qty, at_venue.filled, at_venue.is_working)
        self.say("accepted", order, venue_order_id=_venue_id(order), ts_event=0)
        if at_venue.filled:
            self._say_fill(order, at_venue.filled)
        if not at_venue.is_working and at_venue.leaves:
            self.say("canceled", order, venue_order_id=_venue_id(order), ts_event=0)
        while self.said:
            self.hear()

    def unclosed(self) -> list[Order]:
        return [order for order in self.cache.orders() if not order.is_closed]

    def close(self) -> None:
        self.record.journal.close()


def _venue_id(order: Order) -> VenueOrderId:
    return VenueOrderId(f"V-{order.client_order_id}")
