"""A venue to judge the judge by: raw orders and a position, and nothing of the gate's own books."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from risk.intent import AmendIntent, OrderIntent

ZERO = Decimal(0)


@dataclass
class VenueOrder:
    """One order: what the venue knows of it, and what it has reported."""

    intent: OrderIntent
    qty: Decimal
    price: Decimal | None
    trigger: Decimal | None
    filled: Decimal = ZERO
    is_there: bool = False
    is_over: bool = False
    amends: deque[AmendIntent] = field(default_factory=deque)
    cancels: int = 0
    told_qty: Decimal = ZERO
    told_filled: Decimal = ZERO
    told_price: Decimal | None = None
    told_trigger: Decimal | None = None

    @property
    def id(self) -> str:
        return self.intent.client_order_id

    @property
    def is_entry(self) -> bool:
        return not self.intent.is_reduce_only

    @property
    def is_stop(self) -> bool:
        return self.intent.order_type == "STOP_MARKET" and not self.is_entry

    def leaves_max(self) -> Decimal:
        """Return the most that it may still fill, whatever becomes of its amendments."""
        asked = [self.qty, *(a.qty for a in self.amends if a.qty is not None)]
        return max(max(asked) - self.filled, ZERO)

    def prices(self) -> list[Decimal]:
        return [p for p in (self.price, *(a.price for a in self.amends)) if p is not None]


@dataclass(frozen=True)
class Event:
    """What the venue reports, in the order in which it happened."""

    kind: str
    order: VenueOrder
    qty: Decimal = ZERO
    price: Decimal | None = None
    trigger: Decimal | None = None


class ModelVenue:
    """
    Orders, positions and a queue of reports that arrive later than they happen.

    Parameters
    ----------
    grows_stops : bool
        Whether the venue gives a bracket's stop only what its entry has filled (else: all at once).

    """

    def __init__(self, *, grows_stops: bool) -> None:
        self.grows_stops = grows_stops
        self.orders: dict[str, VenueOrder] = {}
        self.position: dict[str, Decimal] = {}
        self.events: deque[Event] = deque()

    # -- commands ---------------------------------------------------------------------------------

    def send(self, intents: tuple[OrderIntent, ...]) -> None:
        """Put a list on its way to the venue."""
        for intent in intents:
            order = VenueOrder(intent, intent.qty, intent.price, intent.trigger_price)
            order.told_qty = intent.qty
            order.told_price, order.told_trigger = intent.price, intent.trigger_price
            self.orders[order.id] = order

    def arrive(self, order: VenueOrder, *, is_accepted: bool) -> None:
        """Accept or reject an order; the children of an entry share its fate."""
        for each in (order, *self.children(order)):
            each.is_there = is_accepted
            if is_accepted:
                self.events.append(Event("accepted", each))
            else:
                self._end(each, "rejected")

    def arrive_amend(self, order: VenueOrder, *, is_accepted: bool) -> None:
        """Take an amendment's new terms, or refuse them."""
        amend = order.amends.popleft()
        if order.is_over or not is_accepted:
            self.events.append(Event("amend_rejected", order))
            return
        if amend.qty is not None:
            if amend.qty <= order.filled:
                self._cancel(order)
                return
            order.qty = amend.qty
        order.price = amend.price or order.price
        order.trigger = amend.trigger_price or order.trigger
        self._tell_terms(order)

    def arrive_cancel(self, order: VenueOrder, *, is_accepted: bool) -> None:
        order.cancels -= 1
        if order.is_over or not is_accepted:
            self.events.append(Event("cancel_rejected", order))
        else:
            self._cancel(order)

    def waits(self, order: VenueOrder) -> bool:
        """Return whether an order is on its way by itself: a child travels with its entry."""
        return (
            not order.is_there and not order.is_over and order.intent.parent_id not in self.orders
        )

    # -- what happens by itself -------------------------------------------------------------------

    def fillable(self, order: VenueOrder) -> Decimal:
        """Return what could trade now: a reduce-only order never opens, a held stop waits."""
        if order.is_over or not order.is_there:
            return ZERO
        leaves = self.active_qty(order)
        if order.is_entry:
            return leaves
        against = -self.position.get(order.intent.instrument_id, ZERO) * order.intent.side
        return max(min(leaves, against), ZERO)

    def active_qty(self, order: VenueOrder) -> Decimal:
        """Return what works at the venue: a growing stop is as large as its entry has filled."""
        qty = order.qty
        parent = self.orders.get(order.intent.parent_id or "")
        if parent is not None and (self.grows_stops or parent.filled == 0):
            qty = min(qty, parent.filled)
        return max(qty - order.filled, ZERO)

    def fill(self, order: VenueOrder, qty: Decimal) -> None:
        """Trade *qty* of an order."""
        key = order.intent.instrument_id
        before = self.position.get(key, ZERO)
        after = before + qty * order.intent.side
        assert before * after >= 0, f"a fill of {order.id} flipped {before} to {after}"
        self.position[key] = after
        order.filled += qty
        self.events.append(Event("filled", order, qty))
        if order.filled >= order.qty:
            order.is_over = True
        if order.is_entry and self.grows_stops:
            for child in self.children(order):
                if not child.is_over:
                    self._tell_terms(child)

    def expire(self, order: VenueOrder) -> None:
        """End an order that the venue may end by itself: an entry, or an exit of nothing."""
        self._cancel(order, "expired")

    def may_expire(self, order: VenueOrder) -> bool:
        if order.is_over or not order.is_there:
            return False
        if order.is_entry or not order.is_stop:
            return True
        parent = self.orders.get(order.intent.parent_id or "")
        works = parent is not None and not parent.is_over
        return not works and self.position.get(order.intent.instrument_id, ZERO) == 0

    def children(self, order: VenueOrder) -> list[VenueOrder]:
        return [o for o in self.orders.values() if o.intent.parent_id == order.id]

    def _cancel(self, order: VenueOrder, kind: str = "canceled") -> None:
        self._end(order, kind)
        if order.is_entry and order.filled == 0:
            for child in self.children(order):
                if not child.is_over:
                    self._end(child, kind)

    def _end(self, order: VenueOrder, kind: str) -> None:
        order.is_over = True
        self.events.append(Event(kind, order))

    def _tell_terms(self, order: VenueOrder) -> None:
        qty = self.active_qty(order) + order.filled if self.grows_stops else order.qty
        self.events.append(Event("updated", order, qty, order.price, order.trigger))

    # -- facts ------------------------------------------------------------------------------------

    def alive(self, instrument_id: str) -> list[VenueOrder]:
        """Return every order that is working or on its way."""
        return [
            o
            for o in self.orders.values()
            if o.intent.instrument_id == instrument_id and not o.is_over
        ]

    def extremes(self, instrument_id: str) -> tuple[Decimal, Decimal]:
        """Return the largest long and short position over every order of every set of fills."""
        start = self.position.get(instrument_id, ZERO)
        most = [start]
        for sequence in _sequences():
            position = start
            for side, is_entry in sequence:
                qty = sum(
                    (
                        o.leaves_max()
                        for o in self.alive(instrument_id)
                        if o.intent.side == side and o.is_entry == is_entry
                    ),
                    ZERO,
                )
                if not is_entry:
                    qty = min(qty, max(-position * side, ZERO))
                position += qty * side
                most.append(position)
        return max(*most, ZERO), max(-min(most), ZERO)

    def cover(self, instrument_id: str, side: int) -> list[tuple[Decimal, Decimal]]:
        """Return ``(trigger, quantity)`` of the stops that work at the venue for *side*, tightest first."""
        stops = [
            (o.trigger, self.active_qty(o))
            for o in self.alive(instrument_id)
            if o.is_stop and o.is_there and o.intent.side == -side and o.trigger is not None
        ]
        return sorted(stops, key=lambda stop: -stop[0] * side)

    def is_idle(self) -> bool:
        """Return whether nothing works, nothing is on its way and nothing is left to report."""
        busy = any(not o.is_over or o.amends or o.cancels for o in self.orders.values())
        return not busy and not self.events


def _sequences() -> Iterator[tuple[tuple[int, bool], ...]]:
    groups = list(itertools.product((1, -1), (True, False)))
    for size in range(1, 5):
        yield from itertools.permutations(groups, size)
