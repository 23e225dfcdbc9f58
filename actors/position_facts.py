"""What the cache and the gate's books know about one symbol, as facts for `risk.protection`."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from nautilus_trader.cache.base import CacheFacade
from nautilus_trader.model.enums import OrderSide, OrderStatus, OrderType, TriggerType
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position as OpenPosition

from risk.book import SymbolBook
from risk.protection import MARK_PRICE, ZERO, Position, Priced, Prices, Stop

NS_PER_MS = 1_000_000
RESTING = frozenset(
    {
        OrderStatus.ACCEPTED, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED,
        # While it is replaced the venue holds it: the new one comes before the old one goes.
        OrderStatus.PENDING_UPDATE,
    }
)  # fmt: skip


def position_of(cache: CacheFacade, instrument_id: InstrumentId) -> Position:
    """Return the net position of a symbol; the entry price is that of the side that prevails."""
    found = cache.positions_open(instrument_id=instrument_id)
    signed_qty = sum((p.signed_decimal_qty() for p in found), ZERO)
    shares = {p.strategy_id.value: p.signed_decimal_qty() for p in found}
    prevailing = [p for p in found if p.signed_decimal_qty() * signed_qty > 0]
    qty = sum((abs(p.signed_decimal_qty()) for p in prevailing), ZERO)
    value = sum(
        (abs(p.signed_decimal_qty()) * Decimal(str(p.avg_px_open)) for p in prevailing), ZERO
    )
    return Position(instrument_id.value, signed_qty, value / qty if qty else ZERO, shares)


def owners_of(cache: CacheFacade, instrument_id: InstrumentId, side: int) -> list[OpenPosition]:
    """Return the open positions of a side, the largest first: for them is sent what is sent."""
    found = [
        position
        for position in cache.positions_open(instrument_id=instrument_id)
        if position.signed_decimal_qty() * side > 0
    ]
    return sorted(found, key=lambda p: abs(p.signed_decimal_qty()), reverse=True)


def stop_orders(cache: CacheFacade, instrument_id: InstrumentId) -> list[Order]:
    """Return the stops of a symbol that are at the venue or on their way there."""
    scope = {"instrument_id": instrument_id}
    orders = cache.orders_open(**scope) + cache.orders_inflight(**scope)
    return [o for o in dict.fromkeys(orders) if o.order_type == OrderType.STOP_MARKET]


def stop_of(
    order: Order, book: SymbolBook, *, used: set[str], lost: Iterable[ClientOrderId]
) -> Stop:
    """
    Return a stop as a fact.

    Parameters
    ----------
    book : SymbolBook
        The gate's book of the symbol.
    used : set[str]
        The order ids that were approved in earlier runs.
    lost : Iterable[ClientOrderId]
        What the venue denies to have.

    """
    key = order.client_order_id
    pending = book.pending.get(key.value)
    is_mark = order.trigger_type == TriggerType.MARK_PRICE
    return Stop(
        client_order_id=key.value,
        strategy_id=order.strategy_id.value,
        side=1 if order.side == OrderSide.BUY else -1,
        leaves_qty=order.leaves_qty.as_decimal(),
        trigger_price=order.trigger_price.as_decimal(),
        trigger_type=MARK_PRICE if is_mark else TriggerType(order.trigger_type).name,
        is_resting=order.status in RESTING and key not in lost,
        is_reduce_only=order.is_reduce_only,
        is_own=key.value in used or (pending is not None and not pending.is_adopted),
    )


def prices_of(cache: CacheFacade, instrument_id: InstrumentId, now_ns: int) -> Prices:
    """Return the newest prices of a symbol, each with its age by the venue's stamp."""
    quote = cache.quote_tick(instrument_id)
    trade = cache.trade_tick(instrument_id)
    mark = cache.mark_price(instrument_id)

    def priced(value: Decimal, ts_ns: int) -> Priced:
        return Priced(value, (now_ns - ts_ns) // NS_PER_MS)

    return Prices(
        last=None if trade is None else priced(trade.price.as_decimal(), trade.ts_event),
        mark=None if mark is None else priced(mark.value.as_decimal(), mark.ts_event),
        bid=None if quote is None else priced(quote.bid_price.as_decimal(), quote.ts_event),
        ask=None if quote is None else priced(quote.ask_price.as_decimal(), quote.ts_event),
    )
