"""Facts of the venue as NautilusTrader's reports, for orders and positions that it does not know."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.core.datetime import millis_to_nanos
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import OrderStatusReport, PositionStatusReport
from nautilus_trader.model.enums import (
    OrderStatus,
    OrderType,
    PositionSide,
    TimeInForce,
)
from nautilus_trader.model.identifiers import AccountId, ClientOrderId, VenueOrderId
from nautilus_trader.model.instruments import Instrument

from adapters.facts import OrderFact, PositionFact

_PRICELESS = frozenset({OrderType.MARKET, OrderType.STOP_MARKET, OrderType.MARKET_IF_TOUCHED})


def adoption_report(
    fact: OrderFact,
    quantity: Decimal,
    *,
    account_id: AccountId,
    instrument: Instrument,
    client_order_id: ClientOrderId | None,
    ts_init: int,
) -> OrderStatusReport:
    """
    Return a report that brings an unknown order into the cache as accepted and not yet filled.

    Its fills follow one by one, with the trade ids and fees that the venue charged: fills that
    NautilusTrader infers from a report have neither.

    """
    has_price = fact.order_type not in _PRICELESS and fact.price is not None
    tif = TimeInForce.GTC if fact.time_in_force == TimeInForce.GTD else fact.time_in_force
    ts_event = millis_to_nanos(fact.updated_ms)
    return OrderStatusReport(
        account_id=account_id, instrument_id=instrument.id, client_order_id=client_order_id,
        venue_order_id=VenueOrderId(fact.venue_id), order_side=fact.side,
        order_type=fact.order_type, time_in_force=tif, order_status=OrderStatus.ACCEPTED,
        quantity=instrument.make_qty(quantity), filled_qty=instrument.make_qty(0),
        price=instrument.make_price(fact.price) if has_price else None,
        trigger_price=None if fact.trigger_price is None else instrument.make_price(fact.trigger_price),
        trigger_type=fact.trigger_type, post_only=fact.is_post_only,
        reduce_only=fact.is_reduce_only, report_id=UUID4(), ts_accepted=ts_event,
        ts_last=ts_event, ts_init=ts_init,
    )  # fmt: skip


def position_report(
    fact: PositionFact, *, account_id: AccountId, instrument: Instrument, ts_init: int
) -> PositionStatusReport:
    """Return a position, or that there is none, as a report."""
    side = PositionSide.FLAT
    if fact.amount != 0:
        side = PositionSide.LONG if fact.amount > 0 else PositionSide.SHORT
    return PositionStatusReport(
        account_id=account_id, instrument_id=instrument.id, position_side=side,
        quantity=instrument.make_qty(abs(fact.amount)), report_id=UUID4(), ts_last=ts_init,
        ts_init=ts_init, avg_px_open=fact.entry_price or None,
    )  # fmt: skip
