"""What a kill leaves nothing of: entries, and for FLATTEN targets, positions and, last, stops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from typing import Any

from nautilus_trader.cache.base import CacheFacade
from nautilus_trader.model.enums import OrderStatus, OrderType
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position

from risk.exits import is_needed
from risk.gate import RiskGate
from risk.kills import Scope
from risk.links import linked_ids
from risk.translate import filters_of

MS = 1_000_000
PAUSES_NS = ((8, 250 * MS), (20, 1_000 * MS))
"""So many tries of a cancel or a close that led to nothing are so far apart, ..."""
PAUSE_NS_MAX = 5_000 * MS
"""... and all later ones so far: a venue that refuses for long (a key without rights) does so for all."""
ANSWER_NS = 2_000_000_000
"""After so long a cancel counts as lost that nobody has answered."""
ZERO = Decimal(0)

Look = Callable[[], Awaitable[Any]]
"""Asks the venue; its answer has ``orders`` and ``positions`` (see `adapters.venue_look`)."""


class Broom:
    """
    Cancels orders and closes positions through the gate, each again and again until it is gone.

    Nothing is remembered but when something was tried last, and how often since anything has gone:
    what the cache holds is what is left.

    Parameters
    ----------
    gate : RiskGate
        Of the node.
    cache : CacheFacade
        Of the node.

    """

    def __init__(self, gate: RiskGate, cache: CacheFacade) -> None:
        self._gate = gate
        self._cache = cache
        self._tries: dict[object, tuple[int, int]] = {}

    def cancel(self, order: Order, now_ns: int) -> None:
        """Ask for a cancel, unless one is under way or was just refused."""
        if order.status == OrderStatus.SUBMITTED:
            return  # It is canceled when the venue has it: before, the cancel could be there first.
        if order.status == OrderStatus.PENDING_CANCEL and now_ns - order.ts_last < ANSWER_NS:
            return  # Asked for a moment ago, by this one or by its strategy.
        if self._is_due(order.client_order_id, now_ns):
            self._gate.desk.cancel(order)

    def close(self, position: Position, now_ns: int) -> None:
        """Close at market what no exit on its way closes, in orders that the venue takes."""
        left_qty = abs(position.signed_decimal_qty()) - self._exits_qty(position)
        if left_qty <= 0 or not self._is_due(position.id, now_ns):
            return
        instrument = self._cache.instrument(position.instrument_id)
        filters = filters_of(instrument)
        caps = [qty for qty in (filters.market_max_qty, filters.max_qty) if qty is not None]
        most = min(caps, default=left_qty)
        while left_qty > 0:
            self._gate.desk.close_position(position, min(left_qty, most))
            left_qty -= most

    def forget(self) -> None:
        """Forget what is gone; where one thing went others may, so that they are tried as at first."""
        left = {key: last for key, last in self._tries.items() if not self._is_gone(key)}
        if len(left) < len(self._tries):
            left = {key: (last_ns, 0) for key, (last_ns, _) in left.items()}
        self._tries = left

    def _is_gone(self, key: object) -> bool:
        is_order = isinstance(key, ClientOrderId)
        found = self._cache.order(key) if is_order else self._cache.position(key)
        return found is None or found.is_closed

    def _is_due(self, key: object, now_ns: int) -> bool:
        last_ns, tries = self._tries.get(key, (0, 0))
        if now_ns - last_ns < pause_after(tries):
            return False
        self._tries[key] = now_ns, tries + 1
        return True

    def _exits_qty(self, position: Position) -> Decimal:
        """Return what market exits close that are on their way, those in doubt left out."""
        side = -1 if position.is_long else 1
        book = self._gate.judge.account.symbol(position.instrument_id.value)
        return sum(
            (
                p.leaves_qty
                for p in book.pending.values()
                if p.is_exit and p.order_type == "MARKET" and p.side == side and not p.is_in_doubt
                and p.strategy_id == position.strategy_id.value
            ),
            ZERO,
        )  # fmt: skip


def pause_after(tries: int) -> int:
    """Return how long to wait after so many tries that led to nothing, nanoseconds."""
    for count, pause_ns in PAUSES_NS:
        if tries <= count:
            return pause_ns
        tries -= count
    return PAUSE_NS_MAX


class Sweep:
    """
    Everything of one scope, swept until nothing is left: what FLATTEN does, in its order.

    Parameters
    ----------
    scope : Scope
        What is flattened.
    instruments : frozenset[str], optional
        The instrument ids that it comes down to at the venue; None for the account.
    broom, gate, cache
        Of the node.

    """

    def __init__(
        self,
        scope: Scope,
        instruments: frozenset[str] | None,
        *,
        broom: Broom,
        gate: RiskGate,
        cache: CacheFacade,
    ) -> None:
        self.scope = scope
        self._instruments = instruments
        self._broom = broom
        self._gate = gate
        self._cache = cache

    def covers(self, thing: Order | Position) -> bool:
        """Return whether an order or position of the cache is in the scope."""
        return self.scope.covers(thing.instrument_id.value, thing.strategy_id.value)

    def work(self, now_ns: int) -> list[str]:
        """Cancel targets and close positions; return what is left of entries, targets, positions."""
        left = []
        for order in self._orders():
            if order.has_trigger_price and order.is_reduce_only:
                continue  # A stop: last.
            left.append(f"order {order.client_order_id} is {order.status_string()}")
            if not self._holds_a_stop(order):
                self._broom.cancel(order, now_ns)
        for order in self._held_targets():
            self._gate.brackets.drop(order.client_order_id)
        for position in self._cache.positions_open():
            if self.covers(position):
                qty = position.signed_decimal_qty()
                left.append(f"position {position.instrument_id} of {qty}")
                self._broom.close(position, now_ns)
        return left

    def cancel_stops(self, now_ns: int) -> list[str]:
        """Cancel what is left when everything is closed; return what it was."""
        stops = list(self._orders())
        for stop in stops:
            self._broom.cancel(stop, now_ns)
        return [f"stop {stop.client_order_id} is {stop.status_string()}" for stop in stops]

    def shown(self, look: Any, *, stops_too: bool) -> list[str]:
        """Return what the venue shows in the scope; its stops only with *stops_too*."""
        left = [
            f"the venue shows a position {fact.symbol} of {fact.amount}"
            for fact in look.positions
            if self._is_mine(fact.symbol)
        ]
        left += [
            f"the venue shows order {fact.client_id} on {fact.symbol}"
            for fact in look.orders
            if self._is_mine(fact.symbol)
            and (stops_too or not (fact.is_waiting and fact.is_reduce_only))
        ]
        return left

    def _is_mine(self, symbol: str) -> bool:
        if self._instruments is None:
            return True
        ids = (i.id.value for i in self._cache.instruments() if str(i.raw_symbol) == symbol)
        return next(ids, symbol) in self._instruments

    def _orders(self) -> Iterator[Order]:
        """Yield what may still fill at the venue; a market exit, also one in doubt, only reduces."""
        orders = self._cache.orders_open() + self._cache.orders_inflight()
        return (
            order
            for order in dict.fromkeys(orders)
            if self.covers(order)
            and not (order.is_reduce_only and order.order_type == OrderType.MARKET)
        )

    def _held_targets(self) -> list[Order]:
        assert self._gate.brackets is not None, "Invariant: only a live kernel has a kill switch"
        held = self._gate.brackets.held_orders()
        return [order for order in held if not order.has_trigger_price and self.covers(order)]

    def _holds_a_stop(self, order: Order) -> bool:
        """Return whether the venue would cancel a stop with it that is still needed."""
        book = self._gate.judge.account.symbol(order.instrument_id.value)
        return any(is_needed(key, book) for key in linked_ids(order))
