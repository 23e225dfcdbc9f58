"""Tells NautilusTrader what the venue said about an order: each thing once, in a lawful order."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nautilus_trader.core.datetime import millis_to_nanos
from nautilus_trader.model.enums import LiquiditySide
from nautilus_trader.model.identifiers import ClientOrderId, TradeId, VenueOrderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Currency, Money, Price, Quantity
from nautilus_trader.model.orders import Order

from adapters.facts import OrderFact, TradeFact

Terms = tuple[Quantity, Price | None, Price | None]


@dataclass(slots=True)
class _Told:
    """What was told about one order; the cache shows it only once the engine's queue is empty."""

    venue_id: str | None = None
    is_closed: bool = False
    is_triggered: bool = False
    terms: Terms | None = None
    trades: dict[str, Decimal] = field(default_factory=dict)
    updated_ms: int = 0


class OrderTeller:
    """
    Turns facts into order events, whatever way and in whatever order they came.

    Parameters
    ----------
    client : LiveExecutionClient
        Generates the events.

    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._told: dict[ClientOrderId, _Told] = {}

    # -- what is known ------------------------------------------------------------------------------

    def filled(self, order: Order) -> Decimal:
        """Return the quantity filled, with the fills that are still in the engine's queue."""
        applied = set(order.trade_ids)
        told = self._of(order).trades.items()
        queued = sum((q for t, q in told if TradeId(t) not in applied), Decimal(0))
        return Decimal(order.filled_qty.as_decimal()) + queued

    def is_closed(self, order: Order) -> bool:
        """Return whether the order is over, or will be when the queue is empty."""
        told = self._of(order)
        return order.is_closed or told.is_closed or self.filled(order) >= self._quantity(order)

    def is_triggered(self, order: Order) -> bool:
        """Return whether a conditional order has become an ordinary one at the venue."""
        return self._of(order).is_triggered

    def is_settled(self) -> bool:
        """Return whether the cache shows all that was told; forget what no longer matters."""
        for client_order_id in list(self._told):
            order = self._client._cache.order(client_order_id)
            if order is None or order.is_closed:
                del self._told[client_order_id]
            elif not self._is_shown(order, self._told[client_order_id]):
                return False
        return True

    def _is_shown(self, order: Order, told: _Told) -> bool:
        is_named = told.venue_id is None or order.venue_order_id == VenueOrderId(told.venue_id)
        is_filled = self.filled(order) == order.filled_qty.as_decimal()
        return is_named and is_filled and not told.is_closed

    def is_stale(self, order: Order, fact: OrderFact) -> bool:
        """Return whether something newer was told already: an answer may cross an event."""
        return fact.updated_ms < self._of(order).updated_ms

    def venue_id(self, order: Order) -> str | None:
        """Return the venue's id of the order, None before it was accepted."""
        told = self._of(order).venue_id
        return told or (order.venue_order_id.value if order.venue_order_id else None)

    # -- what is told -------------------------------------------------------------------------------

    def stand(self, order: Order, fact: OrderFact) -> bool:
        """
        Tell that the order stands at the venue with the terms and under the id of *fact*.

        Returns
        -------
        bool
            Whether new terms or another id were told.

        """
        told = self._of(order)
        instrument = self._instrument(order)
        if self.is_closed(order) or instrument is None:
            return False
        if self.venue_id(order) is not None and self.is_stale(order, fact):
            return False
        terms = _terms(order, fact, instrument, self._terms(order))
        known = self.venue_id(order)
        told.updated_ms = max(told.updated_ms, fact.updated_ms)
        if known is None:
            self._client.generate_order_accepted(
                **_names(order), venue_order_id=VenueOrderId(fact.venue_id),
                ts_event=millis_to_nanos(fact.updated_ms),
            )  # fmt: skip
        told.venue_id = fact.venue_id
        told.is_triggered = not fact.is_waiting
        is_moved = known is not None and known != fact.venue_id
        is_new = is_moved or terms != self._terms(order)
        if is_new:
            told.terms = terms
            self.update(order, fact.updated_ms)
        return is_new

    def update(self, order: Order, ts_ms: int) -> None:
        """Tell the terms as they are: also the answer to an amendment that changed nothing."""
        quantity, price, trigger_price = self._terms(order)
        self._client.generate_order_updated(
            **_names(order), venue_order_id=VenueOrderId(self.venue_id(order)), quantity=quantity,
            price=price, trigger_price=trigger_price, ts_event=millis_to_nanos(ts_ms),
            venue_order_id_modified=True,
        )  # fmt: skip

    def fill(self, order: Order, trade: TradeFact) -> bool:
        """Tell a fill; return False when it was told before."""
        told = self._of(order)
        trade_id = TradeId(trade.trade_id)
        instrument = self._instrument(order)
        if trade.trade_id in told.trades or trade_id in order.trade_ids or instrument is None:
            return False
        told.trades[trade.trade_id] = trade.quantity
        quantity, price = instrument.make_qty(trade.quantity), instrument.make_price(trade.price)
        currency = instrument.quote_currency
        if trade.fee_asset is not None:
            currency = Currency.from_str(trade.fee_asset)
        self._client.generate_order_filled(
            **_names(order), venue_order_id=VenueOrderId(trade.order_id), venue_position_id=None,
            trade_id=trade_id, order_side=order.side, order_type=order.order_type,
            last_qty=quantity, last_px=price, quote_currency=instrument.quote_currency,
            commission=Money(trade.fee, currency),
            liquidity_side=LiquiditySide.MAKER if trade.is_maker else LiquiditySide.TAKER,
            ts_event=millis_to_nanos(trade.ts_ms),
        )  # fmt: skip
        return True

    def close(self, order: Order, status: str, ts_ms: int, reason: str = "") -> None:
        """Tell how an order ended that did not fill."""
        if self.is_closed(order):
            return
        self._of(order).is_closed = True
        names, ts_event = _names(order), millis_to_nanos(ts_ms)
        if status == "REJECTED":
            self._client.generate_order_rejected(**names, reason=reason, ts_event=ts_event)
            return
        venue_id = self.venue_id(order)
        names["venue_order_id"] = VenueOrderId(venue_id) if venue_id else None
        is_canceled = status == "CANCELED" or self._client.treat_expired_as_canceled
        generate = "generate_order_canceled" if is_canceled else "generate_order_expired"
        getattr(self._client, generate)(**names, ts_event=ts_event)

    # -- details ------------------------------------------------------------------------------------

    def _of(self, order: Order) -> _Told:
        return self._told.setdefault(order.client_order_id, _Told())

    def _instrument(self, order: Order) -> Instrument | None:
        return self._client._cache.instrument(order.instrument_id)

    def _terms(self, order: Order) -> Terms:
        """Return the terms that were told last; those of the order once it carries them."""
        told = self._of(order)
        own = (
            order.quantity,
            order.price if order.has_price else None,
            order.trigger_price if order.has_trigger_price else None,
        )
        if told.terms == own:
            told.terms = None
        return told.terms or own

    def _quantity(self, order: Order) -> Decimal:
        return Decimal(self._terms(order)[0].as_decimal())


def _names(order: Order) -> dict[str, Any]:
    return {
        "strategy_id": order.strategy_id,
        "instrument_id": order.instrument_id,
        "client_order_id": order.client_order_id,
    }


def _terms(order: Order, fact: OrderFact, instrument: Instrument, known: Terms) -> Terms:
    """Return the terms of *fact*; what does not belong to the order's type stays as it is."""
    quantity, price, trigger_price = known
    if fact.quantity is not None and fact.quantity > 0:
        quantity = instrument.make_qty(fact.quantity)
    if order.has_price and fact.price is not None:
        price = instrument.make_price(fact.price)
    if order.has_trigger_price and fact.trigger_price is not None:
        trigger_price = instrument.make_price(fact.trigger_price)
    return quantity, price, trigger_price
