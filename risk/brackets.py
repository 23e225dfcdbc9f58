"""Brackets on live kernels: the gate holds the children of an entry until it fills (ADR 0007)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import Clock, Logger, MessageBus
from nautilus_trader.model.enums import OrderStatus, OrderType
from nautilus_trader.model.events import (
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderModifyRejected,
    OrderRejected,
)
from nautilus_trader.model.identifiers import (
    ClientId,
    ClientOrderId,
    InstrumentId,
    PositionId,
    StrategyId,
)
from nautilus_trader.model.orders import Order

from risk.bracket import ZERO, Bracket, Holding, is_linked
from risk.desk import Desk
from risk.judge import Judge
from risk.ledger import PRIORITY
from risk.trading_state import TradingState

STOP_TRIES_MAX = 3
"""So often within a second a stop is tried to be placed before the position is closed instead."""

ANSWER_SEC_MAX = 1
"""So long the venue may leave it open whether it took a stop, until a second one is placed beside it;
the wait for each further answer is twice that for the one before."""
NS_PER_SEC = 1_000_000_000
SILENCE_SEC_MAX = 1
"""A market entry of which nothing is heard for so long may have filled: its stop goes out unasked."""

REFUSALS = (OrderRejected, OrderDenied, OrderModifyRejected, OrderCancelRejected)
TAKEN_AWAY = (OrderCanceled, OrderExpired)
RESTING = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)
SILENT = (OrderStatus.SUBMITTED, OrderStatus.ACCEPTED)


class Brackets:
    """
    Holds approved children, and keeps every position that its entries open under a stop.

    Nothing is remembered of what was asked: after every event of an order, and once a second, what
    the cache holds is compared with what is wanted, and what is missing is sent. Whatever it sends
    that was not approved with the entry passes the gate like any other command.

    Parameters
    ----------
    judge : Judge
        Whose books tell which orders are on their way.
    desk : Desk
        Who builds and sends the orders.
    msgbus, cache, clock
        Those of the kernel.

    """

    def __init__(
        self, judge: Judge, desk: Desk, *, msgbus: MessageBus, cache: Cache, clock: Clock
    ) -> None:
        self._judge = judge
        self._desk = desk
        self._cache = cache
        self._clock = clock
        self._log = Logger("RiskBrackets")
        self._holdings: dict[tuple[StrategyId, InstrumentId], Holding] = {}
        # After the ledger, before the strategies: they must find a stop that was renewed.
        msgbus.subscribe("events.order.*", self.on_order_event, priority=PRIORITY - 10)

    # -- what the gate hands over ------------------------------------------------------------------

    def hold(
        self,
        orders: tuple[Order, ...],
        position_id: PositionId | None,
        client_id: ClientId | None,
    ) -> list[Order]:
        """Keep the children of an approved list and return the orders to send at once."""
        together = {order.client_order_id: order for order in orders}
        children: dict[ClientOrderId, list[Order]] = {}
        now: list[Order] = []
        for order in orders:
            if order.parent_order_id in together:
                children.setdefault(order.parent_order_id, []).append(order)
                if not self._cache.order_exists(order.client_order_id):
                    self._cache.add_order(order, position_id, client_id)
            else:
                now.append(order)
        for key, held in children.items():
            bracket = Bracket(
                together[key], held, {o.client_order_id for o in held},
                position_id=position_id, client_id=client_id,
            )  # fmt: skip
            self.add(bracket, held[0])
        return now

    def add(self, bracket: Bracket, example: Order) -> None:
        """Look after a bracket of the strategy and symbol of *example*, from the next event on."""
        key = (example.strategy_id, example.instrument_id)
        holding = self._holdings.get(key)
        if holding is None:
            holding = self._holdings[key] = Holding(*key)
        holding.brackets.append(bracket)

    def is_held(self, client_order_id: ClientOrderId | None) -> bool:
        """Return whether an order was approved and has not been sent."""
        return any(
            client_order_id in bracket.held
            for holding in self._holdings.values()
            for bracket in holding.brackets
        )

    def held_orders(self) -> list[Order]:
        """Return the orders that were approved and have not been sent."""
        return [
            child
            for holding in self._holdings.values()
            for bracket in holding.brackets
            for child in bracket.children
            if child.client_order_id in bracket.held
        ]

    def drop(self, client_order_id: ClientOrderId) -> bool:
        """Cancel a held order; return whether it was held."""
        for holding in self._holdings.values():
            bracket = holding.bracket_of(client_order_id)
            if bracket is not None and client_order_id in bracket.held:
                self._drop(bracket, self._cache.order(client_order_id))
                return True
        return False

    # -- what happens ------------------------------------------------------------------------------

    def on_order_event(self, event: OrderEvent) -> None:
        """Look after the strategy and symbol that an event is about."""
        holding = self._holdings.get((event.strategy_id, event.instrument_id))
        if holding is None and isinstance(event, OrderFilled):
            holding = self._reopen(event)
        if holding is None:
            return
        if isinstance(event, REFUSALS) or (
            isinstance(event, TAKEN_AWAY) and holding.bracket_of(event.client_order_id)
        ):
            holding.refused[event.client_order_id] += 1
        self._tend(holding)

    def on_tick(self) -> None:
        """Try again what was refused, and look after everything; called once a second."""
        for holding in list(self._holdings.values()):
            holding.refused.clear()
            holding.is_closing = False
            self._tend(holding)

    def _reopen(self, fill: OrderFilled) -> Holding | None:
        """Come back to a bracket that was over when a late fill of its entry opened a position."""
        entry = self._cache.order(fill.client_order_id)
        if entry is None or entry.is_reduce_only:
            return None
        linked = (self._cache.order(key) for key in entry.linked_order_ids or ())
        children = [order for order in linked if order is not None and order.is_reduce_only]
        if not children:
            return None
        self.add(Bracket(entry, children, set(), position_id=fill.position_id), entry)
        return self._holdings[entry.strategy_id, entry.instrument_id]

    def _tend(self, holding: Holding) -> None:
        if holding.is_tended:
            return  # Told by what is being sent right now; its answer comes later.
        holding.is_tended = True
        try:
            self._protect_silent(holding)
            position_qty = self._position_qty(holding)
            if position_qty:
                self._tend_open(holding, position_qty)
            else:
                self._tend_flat(holding)
        except Exception as e:  # noqa: BLE001 - whoever cannot protect must not let in more
            self._log.exception(f"Could not look after {holding.instrument_id}", e)
            cause = f"BRACKETS_BROKEN: observed={e!r}, limit=every position looked after"
            self._judge.trip(TradingState.HALTED, cause, self._clock.timestamp_ns())
        finally:
            holding.is_tended = False
        self._forget(holding, is_flat=not self._position_qty(holding))

    def _forget(self, holding: Holding, *, is_flat: bool) -> None:
        holding.brackets = [
            b for b in holding.brackets if not b.is_over or (b.filled_qty and not is_flat)
        ]
        if not holding.brackets:
            self._holdings.pop((holding.strategy_id, holding.instrument_id), None)

    def _position_qty(self, holding: Holding) -> Decimal:
        positions = self._cache.positions_open(
            instrument_id=holding.instrument_id, strategy_id=holding.strategy_id
        )
        return sum((p.signed_decimal_qty() for p in positions), ZERO)

    def _protect_silent(self, holding: Holding) -> None:
        """
        Send the stops of market entries that were sent and of which nobody knows what became.

        The stream may be away, and questions forbidden for the rest of a minute (429). The stop can
        only reduce; where nothing has filled it goes with its entry.

        """
        now_ns = self._clock.timestamp_ns()
        for bracket in holding.brackets:
            entry = bracket.entry
            if entry is None or entry.status not in SILENT or bracket.filled_qty:
                continue
            waited_ns = now_ns - entry.last_event.ts_init
            if entry.order_type != OrderType.MARKET or waited_ns < SILENCE_SEC_MAX * NS_PER_SEC:
                continue
            for stop in bracket.stops:
                if stop.client_order_id in bracket.held:
                    self._release(bracket, stop, entry.quantity.as_decimal())

    # -- no position -------------------------------------------------------------------------------

    def _tend_flat(self, holding: Holding) -> None:
        for bracket in holding.brackets:
            if bracket.is_entering:
                if bracket.filled_qty:  # What it opened is closed, and its stop used up.
                    self._cancel(holding, bracket.entry)
                continue
            for child in bracket.children:
                if child.client_order_id in bracket.held:
                    self._drop(bracket, child)
                elif not (child in bracket.stops and self._is_flattening(holding)):
                    self._cancel(holding, child)

    def _is_flattening(self, holding: Holding) -> bool:
        """Return whether stops go last, once the venue has said that nothing is open any more."""
        return self._judge.state.is_flattening(
            holding.instrument_id.value, holding.strategy_id.value
        )

    def _cancel(self, holding: Holding, order: Order | None) -> None:
        if (
            order is not None
            and order.status in RESTING
            and not holding.refused[order.client_order_id]
        ):
            self._desk.cancel(order)

    def _drop(self, bracket: Bracket, child: Order) -> None:
        bracket.held.discard(child.client_order_id)
        self._desk.end(child)

    # -- a position --------------------------------------------------------------------------------

    def _tend_open(self, holding: Holding, position_qty: Decimal) -> None:
        open_qty = abs(position_qty)
        for bracket in holding.brackets:
            for stop in bracket.stops:
                if stop.client_order_id in bracket.held and bracket.filled_qty:
                    self._release(bracket, stop, min(bracket.filled_qty, open_qty))
        stops = self._stops_on_their_way(holding, side=-1 if position_qty > 0 else 1)
        asked = [stop for stop in stops if stop.status not in RESTING]
        if asked and not self._is_overdue(asked):
            return  # Further fills are seen to when it is answered.
        # One too many does no harm: it can only reduce, and goes when the position is closed.
        stops = [stop for stop in stops if stop.status != OrderStatus.SUBMITTED]
        missing_qty = open_qty - sum((o.leaves_qty.as_decimal() for o in stops), ZERO)
        if missing_qty > 0:
            self._cover(holding, stops, position_qty, missing_qty)
            return
        for bracket in holding.brackets:
            for target in bracket.targets:
                self._tend_target(holding, bracket, target, open_qty)

    def _is_overdue(self, asked: list[Order]) -> bool:
        """Return whether the venue has left it open for too long what became of its latest stop."""
        waited_ns = self._clock.timestamp_ns() - max(stop.last_event.ts_init for stop in asked)
        return bool(waited_ns >= (ANSWER_SEC_MAX << (len(asked) - 1)) * NS_PER_SEC)

    def _stops_on_their_way(self, holding: Holding, side: int) -> list[Order]:
        """Return the strategy's stops that were sent and may still do their work."""
        strategy_id = holding.strategy_id.value
        pending = self._judge.account.symbol(holding.instrument_id.value).pending.values()
        keys = [
            ClientOrderId(p.client_order_id)
            for p in pending
            if p.is_stop and p.side == side and p.strategy_id == strategy_id and not p.is_canceling
        ]
        orders = (self._cache.order(key) for key in keys if not self.is_held(key))
        return [order for order in orders if order is not None and not order.is_closed]

    def _release(self, bracket: Bracket, child: Order, qty: Decimal) -> None:
        bracket.held.discard(child.client_order_id)
        self._desk.release(child, qty, bracket.position_id, bracket.client_id)

    def _cover(
        self, holding: Holding, stops: list[Order], position_qty: Decimal, missing_qty: Decimal
    ) -> None:
        """Protect what no stop protects: a larger stop, else a further one, else no position."""
        refusals = holding.refused_stops
        growable = [stop for stop in stops if stop.status == OrderStatus.ACCEPTED]
        if growable and not refusals:
            stop = _shortest(growable, holding)
            self._desk.amend(stop, stop.quantity.as_decimal() + missing_qty)
            return
        filled = [b for b in holding.brackets if b.filled_qty and b.stops]
        if not filled:
            return
        bracket = filled[-1]
        if refusals < STOP_TRIES_MAX:
            bracket.add(self._desk.place_stop(bracket.stops, missing_qty, bracket.client_id))
        elif not holding.is_closing:
            self._close(holding, bracket, position_qty, missing_qty)

    def _close(
        self, holding: Holding, bracket: Bracket, position_qty: Decimal, missing_qty: Decimal
    ) -> None:
        holding.is_closing = True
        now_ns = self._clock.timestamp_ns()
        seen = f"{STOP_TRIES_MAX} refusals for {missing_qty} of {position_qty}"
        self._judge.alarm(
            f"STOP_NOT_PLACED: observed={seen} {holding.instrument_id}, limit=a stop for all of it;"
            " closing it at market", now_ns,
        )  # fmt: skip
        for other in holding.brackets:
            if other.is_entering:
                self._cancel(holding, other.entry)
        self._desk.close(bracket.stops[-1], missing_qty, bracket.client_id)

    def _tend_target(
        self, holding: Holding, bracket: Bracket, target: Order, open_qty: Decimal
    ) -> None:
        if not bracket.filled_qty or (is_linked(target) and bracket.is_entering):
            return
        most = min(bracket.asked[target.client_order_id], bracket.filled_qty)
        if target.client_order_id in bracket.held:
            self._release(bracket, target, min(most, open_qty))
        elif target.status in RESTING and not holding.refused[target.client_order_id]:
            wanted = min(most, target.filled_qty.as_decimal() + open_qty)
            if wanted > target.quantity.as_decimal() and not is_linked(target):
                self._desk.amend(target, wanted)


def _shortest(stops: Iterable[Order], holding: Holding) -> Order:
    """Return the stop that falls short of what its own entry has filled; else the first."""
    stops = list(stops)
    for stop in stops:
        bracket = holding.bracket_of(stop.client_order_id)
        if bracket is not None and stop.quantity.as_decimal() < bracket.filled_qty:
            return stop
    return stops[0]
