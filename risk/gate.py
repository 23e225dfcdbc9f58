"""The gate: stands where every in-process path to the venue meets, and fails closed."""

from __future__ import annotations

import threading
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Set

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import Clock, Logger, MessageBus
from nautilus_trader.core.message import Command
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import (
    BatchCancelOrders,
    CancelAllOrders,
    CancelOrder,
    ModifyOrder,
    QueryAccount,
    QueryOrder,
    SubmitOrder,
    SubmitOrderList,
)
from nautilus_trader.model.identifiers import ClientId, ClientOrderId, InstrumentId, PositionId
from nautilus_trader.model.orders import Order, OrderList

from risk.answers import Answers
from risk.approvals import amend_key, cancel_key, new_approvals
from risk.brackets import Brackets
from risk.decision import Denial, DenyReason
from risk.desk import Desk
from risk.feed import SymbolFeed
from risk.intent import Market, OrderIntent, VenueFilters
from risk.judge import Judge
from risk.limits import RiskLimits
from risk.links import identity_denial, linked_ids, links_denial, params_denial
from risk.probe import GateProbe
from risk.record import Record
from risk.trading_state import TradingState
from risk.translate import amend_of, amended_terms, filters_of, intent_of, terms_of

ENDPOINT = "ExecEngine.execute"
DENIALS_IN_A_ROW_MAX = 1_000
"""Denied submissions that may come out of one another, each sent in answer to the one before."""
COMMANDS = frozenset(
    {
        SubmitOrder, SubmitOrderList, ModifyOrder, CancelOrder, CancelAllOrders,
        BatchCancelOrders, QueryOrder, QueryAccount, GateProbe,
    }
)  # fmt: skip


class RiskGate:
    """
    Approve or deny every command on its way to the execution engine (ADR 0001).

    Cancels and queries pass, except a cancel that would take away a protective stop. What cannot
    be judged is denied.

    Parameters
    ----------
    limits : RiskLimits
        The limits of the run.
    msgbus, cache, clock
        Those of the kernel.
    forward : Callable
        The execution engine's own handler.
    record : Record
        Journal and latch.
    loop : AbstractEventLoop, optional
        The node's loop, on a kernel that is not a backtest: the children of an entry are then held
        here until it fills, and a command from another thread (a timer's) is brought to the loop.

    """

    def __init__(
        self,
        limits: RiskLimits,
        *,
        msgbus: MessageBus,
        cache: Cache,
        clock: Clock,
        forward: Callable[[Command], None],
        record: Record,
        loop: AbstractEventLoop | None = None,
    ) -> None:
        self.judge = Judge(limits, self._filters, is_grown_by_venue=loop is None)
        self._mint, self.approvals = new_approvals(self._state_of)
        self.record = record
        self._msgbus = msgbus
        self._cache = cache
        self._clock = clock
        self._forward = forward
        self._log = Logger("RiskGate")
        self._answers = Answers(msgbus, cache, clock)
        self._waiting: deque[Command] = deque()
        self._denials_in_a_row = 0
        self._approved_before: Set[str] = frozenset()
        self._choke = self.judge.rulebook.tallies["choke_point"]
        self._use_bars = limits.market_data.price_source == "bar"
        self._feeds: dict[str, SymbolFeed] = {}
        self._filters_of: dict[str, tuple[object, VenueFilters]] = {}
        for key in limits.symbols:
            self._feed(InstrumentId.from_str(key)).subscribe(msgbus)
        self._loop = loop
        self._thread = threading.get_ident()
        kernel = {"msgbus": msgbus, "cache": cache, "clock": clock}
        self.desk = Desk(self.execute, self._release, **kernel)
        self.brackets = None if loop is None else Brackets(self.judge, self.desk, **kernel)

    def remember(self, client_order_ids: Set[str]) -> None:
        """Take note of the orders that were approved in earlier lives of this node."""
        self._approved_before = client_order_ids

    def has_approved(self, client_order_id: str) -> bool:
        """Return whether an order was approved here, adopted, or approved in an earlier life."""
        return self.judge.knows(client_order_id) or client_order_id in self._approved_before

    def look(self) -> None:
        """Look at prices and losses, also when nobody asks for anything."""
        for feed in self._feeds.values():
            feed.now()
        self.judge.look_at_losses(self._clock.timestamp_ns())

    # -- the door -----------------------------------------------------------------------------------

    def execute(self, command: Command) -> None:
        """
        Judge a command; forward what is approved, answer what is denied.

        A command that is sent from within the answer to another one waits for its turn: what is
        judged then is judged on finished books, and no strategy can drive the stack into the ground.

        """
        if self._loop is not None and threading.get_ident() != self._thread:
            self._loop.call_soon_threadsafe(self.execute, command)
            return
        self._waiting.append(command)
        if len(self._waiting) > 1:
            return
        self._denials_in_a_row = 0
        try:
            while self._waiting:
                self._execute(self._waiting[0])
                self._waiting.popleft()
        except BaseException:
            self._waiting.clear()  # What has not been judged is not sent.
            raise

    def _execute(self, command: Command) -> None:
        if self.record.is_persistent:
            self.record.sync(self.judge, self._clock.timestamp_ns())
        # A class of one's own could show the gate one order and the engine another.
        match command if type(command) in COMMANDS else None:
            case SubmitOrder():
                self._submit(command, (command.order,))
            case SubmitOrderList():
                self._submit(command, tuple(command.order_list.orders))
            case ModifyOrder():
                self._modify(command)
            case CancelOrder():
                self._cancel(command)
            case CancelAllOrders():
                self._cancel_all(command)
            case BatchCancelOrders():
                self._cancel_each(command.cancels)
            case QueryOrder() | QueryAccount():
                self._query(command)
            case GateProbe():
                command.answer()
            case _:
                shown = type(command).__name__
                self._choke.evaluated += 1
                self._choke.deny(self._clock.timestamp_ns())
                denial = Denial(DenyReason.COMMAND_UNSUPPORTED, shown, "a known command")
                self._log.error(f"A command was dropped: {denial.text}")

    def _submit(self, command: SubmitOrder | SubmitOrderList, orders: tuple[Order, ...]) -> None:
        now_ns = self._clock.timestamp_ns()
        intents: tuple[OrderIntent, ...] = ()
        try:
            intents = tuple(self._intent(order) for order in orders)
            markets = {
                i.instrument_id: self._market(i.instrument_id)
                for i in intents
                if not i.is_reduce_only
            }
            denial = (
                (params_denial(command) if markets else None)  # an exit is not held up by extras
                or links_denial(orders, self._cache.order)
                or self.judge.submit(intents, markets, now_ns)
            )
        except Exception as e:  # noqa: BLE001 - a gate that cannot judge must not open
            denial = self._broken(e)
            if intents and all(intent.is_reduce_only for intent in intents):
                denial = None  # Nor must it hold up an exit: the venue lets it only reduce.
        self._choke.evaluated += 1
        if denial is None and not self.record.approved(self.judge, command, intents, now_ns):
            denial = self._withdraw(intents)
        if denial is not None:
            self._note_denied(denial, command, intents, now_ns)
            if not self._is_denial_loop(now_ns):
                # A held order that is sent once more stays what it is: approved.
                answered = tuple(o for o in orders if not self._is_held(o.client_order_id))
                self._answers.deny_orders(answered, denial, command)
            return
        if self.brackets is not None and isinstance(command, SubmitOrderList):
            for order in self.brackets.hold(orders, command.position_id, command.client_id):
                self._send(order, command.position_id, command.client_id)
            return
        for order in orders:
            self._mint(order.client_order_id.value, terms_of(order))
        if isinstance(command, SubmitOrderList):
            command = _sealed(command, orders)
        self._forward(command)

    def _send(
        self, order: Order, position_id: PositionId | None, client_id: ClientId | None
    ) -> None:
        """Send one approved order by itself; what belongs to it is held here."""
        self._mint(order.client_order_id.value, terms_of(order))
        self._forward(
            SubmitOrder(
                order.trader_id, order.strategy_id, order, UUID4(), self._clock.timestamp_ns(),
                position_id, client_id,
            )
        )  # fmt: skip

    def _release(
        self, order: Order, position_id: PositionId | None, client_id: ClientId | None
    ) -> None:
        """Send a child that was approved with its entry, for what the entry has filled."""
        self.record.released(self.judge, self._intent(order), self._clock.timestamp_ns())
        self._send(order, position_id, client_id)

    def _is_held(self, client_order_id: ClientOrderId | None) -> bool:
        return self.brackets is not None and self.brackets.is_held(client_order_id)

    def _is_denial_loop(self, now_ns: int) -> bool:
        """Halt when denials answer denials without end; the one left unanswered ends the loop."""
        self._denials_in_a_row += 1
        if self._denials_in_a_row <= DENIALS_IN_A_ROW_MAX:
            return False
        seen = f"observed={self._denials_in_a_row}, limit={DENIALS_IN_A_ROW_MAX}"
        self.judge.trip(TradingState.HALTED, f"DENIAL_LOOP: {seen}", now_ns)
        self._log.error(f"A strategy sends a new order for every denial: {seen}")
        return True

    def _note_denied(
        self, denial: Denial, command: Command, intents: tuple[OrderIntent, ...], now_ns: int
    ) -> None:
        self.record.denied(self.judge, denial, command, intents, now_ns)
        self.judge.on_denied(denial, _instrument_of(command), now_ns)

    def _withdraw(self, intents: tuple[OrderIntent, ...]) -> Denial:
        """Take back what was approved but could not be written down; exits stay approved."""
        for intent in intents:
            self.judge.on_closed(intent.instrument_id, intent.client_order_id)
        return Denial(
            DenyReason.JOURNAL_UNAVAILABLE,
            self.judge.journal_error,
            "a journal that can be written",
        )

    def _modify(self, command: ModifyOrder) -> None:
        now_ns = self._clock.timestamp_ns()
        amend = amend_of(command)
        order = self._cache.order(command.client_order_id)
        try:
            denial = (
                params_denial(command)
                or identity_denial(command, order)
                or self._held_denial(command.client_order_id)
                or self.judge.amend(
                    amend, self._market(amend.instrument_id), now_ns, linked_ids(order)
                )
            )
        except Exception as e:  # noqa: BLE001 - a gate that cannot judge must not open
            denial = self._broken(e)
        self._choke.evaluated += 1
        if denial is None:
            self.record.amended(self.judge, amend, now_ns)
            self._mint(amend_key(amend.client_order_id), amended_terms(order, command))
            self._forward(command)
            return
        self._note_denied(denial, command, (), now_ns)
        self._answers.reject_modify(command, denial)

    def _held_denial(self, client_order_id: ClientOrderId) -> Denial | None:
        if not self._is_held(client_order_id):
            return None
        return Denial(DenyReason.ORDER_HELD, client_order_id, "an order that was sent")

    # -- cancels ------------------------------------------------------------------------------------

    def _cancel(self, command: CancelOrder) -> None:
        now_ns = self._clock.timestamp_ns()
        try:
            order = self._cache.order(command.client_order_id)
            denial = identity_denial(command, order) or self.judge.cancel(
                command.instrument_id.value, command.client_order_id.value, now_ns,
                linked_ids(order),
            )  # fmt: skip
        except Exception as e:  # noqa: BLE001 - a cancel that cannot be judged may strip a position
            denial = self._broken(e)
        self._choke.evaluated += 1
        if denial is None:
            if self.brackets is not None and self.brackets.drop(command.client_order_id):
                return
            self._mint(cancel_key(command.client_order_id.value), ())
            self._forward(command)
            return
        self._note_denied(denial, command, (), now_ns)
        self._answers.reject_cancel(command, denial)

    def _cancel_each(self, commands: list[CancelOrder]) -> None:
        for command in commands:
            self._cancel(command)

    def _cancel_all(self, command: CancelAllOrders) -> None:
        """
        Cancel one by one, so that the stops that are needed stay.

        The venue's own cancel-all takes every order of the symbol, other strategies' stops included.

        """
        scope = {
            "instrument_id": command.instrument_id,
            "strategy_id": command.strategy_id,
            "side": command.order_side,
        }
        orders = self._cache.orders_open(None, **scope) + self._cache.orders_inflight(None, **scope)
        # Entries first: a stop is only free once nothing can fill any more.
        for order in sorted(dict.fromkeys(orders), key=lambda o: o.is_reduce_only):
            self._cancel(
                CancelOrder(
                    trader_id=command.trader_id,
                    strategy_id=order.strategy_id,
                    instrument_id=order.instrument_id,
                    client_order_id=order.client_order_id,
                    venue_order_id=order.venue_order_id,
                    command_id=UUID4(),
                    ts_init=command.ts_init,
                    client_id=command.client_id,
                    params=command.params,
                )
            )

    def _query(self, command: QueryOrder | QueryAccount) -> None:
        # No venue knows a held order: what it answers would be the end of the order.
        if not self._is_held(getattr(command, "client_order_id", None)):
            self._forward(command)

    # -- facts --------------------------------------------------------------------------------------

    def _state_of(self, client_order_id: str) -> TradingState:
        """Return the state that an approved order meets when it leaves."""
        order = self._cache.order(ClientOrderId(client_order_id)) if client_order_id else None
        if order is None:
            return self.judge.state.state
        state, _ = self.judge.state.governing(order.instrument_id.value, order.strategy_id.value)
        return state

    def _intent(self, order: Order) -> OrderIntent:
        intent = intent_of(order)
        if intent.order_type != "MARKET" or intent.is_reduce_only:
            return intent
        return intent._replace(expected_px=self._feed(order.instrument_id).expected_px(intent))

    def _market(self, instrument_id: str) -> Market | None:
        feed = self._feeds.get(instrument_id)
        return None if feed is None else feed.now()

    def _feed(self, instrument_id: InstrumentId) -> SymbolFeed:
        feed = self._feeds.get(instrument_id.value)
        if feed is None:
            feed = SymbolFeed(self.judge, self._cache, instrument_id, use_bars=self._use_bars)
            self._feeds[instrument_id.value] = feed
        return feed

    def _filters(self, instrument_id: str) -> VenueFilters | None:
        instrument = self._cache.instrument(InstrumentId.from_str(instrument_id))
        if instrument is None:
            return None
        known = self._filters_of.get(instrument_id)
        if known is None or known[0] is not instrument:
            known = self._filters_of[instrument_id] = (instrument, filters_of(instrument))
        return known[1]

    def _broken(self, error: Exception) -> Denial:
        self._log.exception("The gate could not judge and denies", error)
        return Denial(DenyReason.GATE_ERROR, repr(error), "a decision")


def _instrument_of(command: Command) -> str:
    instrument_id = getattr(command, "instrument_id", None)
    return "" if instrument_id is None else str(instrument_id)


def _sealed(command: SubmitOrderList, orders: tuple[Order, ...]) -> SubmitOrderList:
    """Return the command with a list that nobody else can change after it was judged."""
    return SubmitOrderList(
        trader_id=command.trader_id, strategy_id=command.strategy_id,
        order_list=OrderList(command.order_list.id, list(orders)), command_id=command.id,
        ts_init=command.ts_init, position_id=command.position_id, client_id=command.client_id,
        params=command.params,
    )  # fmt: skip
