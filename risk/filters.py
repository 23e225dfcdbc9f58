"""What the venue would reject anyway (Binance USD-M exchangeInfo filters), found before sending."""

from __future__ import annotations

from decimal import Decimal

from risk.decision import Denial, DenyReason
from risk.intent import BUY, Market, OrderIntent, VenueFilters
from risk.rules import Case


def shape_denial(order: OrderIntent, filters: VenueFilters) -> Denial | None:
    """
    Judge tick, step and quantity bounds, which hold for entries and exits alike.

    Source: PRICE_FILTER (-4014), LOT_SIZE and MARKET_LOT_SIZE (-4003, -4004, -4005, -4023).

    """
    price, trigger, tick = order.price, order.trigger_price, filters.tick
    if price is not None and (price <= 0 or price % tick):
        return Denial(DenyReason.PRICE_OFF_TICK, price, f"multiple of {tick}")
    if trigger is not None and (trigger <= 0 or trigger % tick):
        return Denial(DenyReason.PRICE_OFF_TICK, trigger, f"multiple of {tick}")
    return qty_denial(order.qty, order.order_type, filters)


def qty_denial(qty: Decimal, order_type: str, filters: VenueFilters) -> Denial | None:
    """Judge the quantity bounds of LOT_SIZE, or of MARKET_LOT_SIZE for what fills as a market order."""
    if qty <= 0 or qty % filters.step != 0:
        return Denial(DenyReason.QUANTITY_OFF_STEP, qty, f"multiple of {filters.step}")
    if filters.min_qty is not None and qty < filters.min_qty:
        return Denial(DenyReason.QUANTITY_BELOW_MIN, qty, filters.min_qty)
    is_market = order_type in ("MARKET", "STOP_MARKET", "MARKET_IF_TOUCHED")
    qty_max = filters.market_max_qty if is_market and filters.market_max_qty else filters.max_qty
    if qty_max is not None and qty > qty_max:
        return Denial(DenyReason.QUANTITY_EXCEEDS_VENUE_MAX, qty, qty_max)
    return None


def venue_accepts(case: Case) -> Denial | None:
    """Judge an entry and its stop by every filter of the venue."""
    for order in (case.order, case.stop):
        if order is not None and (denial := shape_denial(order, case.filters)) is not None:
            return denial
    return _min_notional(case) or _percent_price(case) or _open_orders(case)


def _min_notional(case: Case) -> Denial | None:
    """MIN_NOTIONAL: price x quantity; a market order counts at the mark price (-4164)."""
    least, market, order = case.filters.min_notional, case.market, case.order
    if least is None or market is None:
        return None
    price = order.price or _reference(market)
    if order.qty * price < least:
        return Denial(DenyReason.NOTIONAL_BELOW_MIN, order.qty * price, least)
    return None


def _percent_price(case: Case) -> Denial | None:
    """PERCENT_PRICE: a buy at most mark x up, a sell at least mark x down (-4016, -4024)."""
    market, order, filters = case.market, case.order, case.filters
    if market is None or order.price is None:
        return None
    reference = _reference(market)
    if order.side == BUY and filters.percent_price_up is not None:
        bound = reference * filters.percent_price_up
        if order.price > bound:
            return Denial(DenyReason.PRICE_OUTSIDE_VENUE_BAND, order.price, f"at most {bound}")
    if order.side != BUY and filters.percent_price_down is not None:
        bound = reference * filters.percent_price_down
        if order.price < bound:
            return Denial(DenyReason.PRICE_OUTSIDE_VENUE_BAND, order.price, f"at least {bound}")
    return None


def _open_orders(case: Case) -> Denial | None:
    """MAX_NUM_ORDERS per symbol (-2025); counts what is pending, plus this order and its stop."""
    most = case.filters.open_orders_max
    wanted = len(case.book.pending) + (1 if case.is_amend else 2)
    if most is not None and wanted > most:
        return Denial(DenyReason.OPEN_ORDERS_EXCEED_VENUE_MAX, wanted, most)
    return None


def _reference(market: Market) -> Decimal:
    return market.mark if market.mark is not None else (market.bid + market.ask) / 2
