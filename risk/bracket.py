"""One bracket as the gate keeps it: an entry, and the orders that close what it opens."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from nautilus_trader.model.enums import ContingencyType, OrderType
from nautilus_trader.model.identifiers import (
    ClientId,
    ClientOrderId,
    InstrumentId,
    PositionId,
    StrategyId,
)
from nautilus_trader.model.orders import Order

ZERO = Decimal(0)


class Bracket:
    """
    An entry with its children; the orders are those of the cache, so their states are current.

    Parameters
    ----------
    entry : Order, optional
        None when a restarted node knows of it from the journal alone.
    children : list[Order]
        Stops and targets, also those that were placed in the stead of refused ones.
    held : set[ClientOrderId]
        The children that have not been sent.
    position_id, client_id : optional
        What the children are sent with, as their entry was.
    filled_before : Decimal
        What the entry had filled in a run before this one, base units.

    """

    __slots__ = ("asked", "children", "client_id", "entry", "filled_before", "held", "position_id")

    def __init__(
        self,
        entry: Order | None,
        children: list[Order],
        held: set[ClientOrderId],
        *,
        position_id: PositionId | None = None,
        client_id: ClientId | None = None,
        filled_before: Decimal = ZERO,
    ) -> None:
        self.entry = entry
        self.children = children
        self.held = held
        self.position_id = position_id
        self.client_id = client_id
        self.filled_before = filled_before
        self.asked = {o.client_order_id: o.quantity.as_decimal() for o in children}

    @property
    def is_entering(self) -> bool:
        """Whether the entry may still fill, as far as is known."""
        return self.entry is not None and not self.entry.is_closed

    @property
    def filled_qty(self) -> Decimal:
        """What the entry has filled, base units."""
        seen = ZERO if self.entry is None else self.entry.filled_qty.as_decimal()
        return max(seen, self.filled_before)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it can do anything any more."""
        return not self.is_entering and all(child.is_closed for child in self.children)

    @property
    def stops(self) -> list[Order]:
        """The protective stops, the first one first."""
        return [o for o in self.children if o.order_type == OrderType.STOP_MARKET]

    @property
    def targets(self) -> list[Order]:
        """All children that are no stops."""
        return [o for o in self.children if o.order_type != OrderType.STOP_MARKET]

    def add(self, stop: Order) -> None:
        """Take a stop that was sent in the stead of another."""
        self.children.append(stop)
        self.asked[stop.client_order_id] = stop.quantity.as_decimal()


class Holding:
    """What one strategy has in one symbol: its brackets, and what was refused since the last tick."""

    __slots__ = ("brackets", "instrument_id", "is_closing", "is_tended", "refused", "strategy_id")

    def __init__(self, strategy_id: StrategyId, instrument_id: InstrumentId) -> None:
        self.strategy_id = strategy_id
        self.instrument_id = instrument_id
        self.brackets: list[Bracket] = []
        self.refused: Counter[ClientOrderId] = Counter()
        self.is_closing = False
        self.is_tended = False

    def bracket_of(self, client_order_id: ClientOrderId) -> Bracket | None:
        """Return the bracket that an order belongs to."""
        for bracket in self.brackets:
            if client_order_id in bracket.asked:
                return bracket
        return None

    @property
    def refused_stops(self) -> int:
        """How often a stop was refused, or taken away, since the last tick."""
        return sum(self.refused[stop.client_order_id] for b in self.brackets for stop in b.stops)


def is_linked(order: Order) -> bool:
    """Return whether a venue that knows links changes the order's siblings along with it."""
    return order.contingency_type in (ContingencyType.OCO, ContingencyType.OUO)
