"""What is denied to an exit: only what cannot reduce, repeats itself, or takes a stop away."""

from __future__ import annotations

from decimal import Decimal

from risk.book import ZERO, Pending, SymbolBook
from risk.decision import Denial, DenyReason
from risk.filters import shape_denial
from risk.intent import AmendIntent, OrderIntent, VenueFilters
from risk.lists import is_protective


def exit_denial(
    order: OrderIntent,
    book: SymbolBook,
    filters: VenueFilters | None,
    *,
    messages_sec: int,
    messages_per_sec_max: int,
) -> Denial | None:
    """
    Judge a reduce-only order.

    Parameters
    ----------
    messages_sec : int
        Messages of the last second, with this one.
    messages_per_sec_max : int
        The whole rate, the share kept for exits included.

    """
    if order.is_quote_qty:
        return Denial(DenyReason.QUOTE_QUANTITY_NOT_ALLOWED, order.qty, "base units")
    if filters is None:
        return Denial(DenyReason.INSTRUMENT_UNKNOWN, order.instrument_id, "a loaded instrument")
    if (denial := shape_denial(order, filters)) is not None:
        return denial
    reducible = book.worst_qty(-order.side)
    if order.qty > reducible:
        return Denial(DenyReason.REDUCE_ONLY_EXCEEDS_POSITION, order.qty, reducible)
    if order.order_type == "MARKET":
        in_flight = book.side(order.side).market_exit_qty
        if in_flight + order.qty > reducible:
            seen = f"{in_flight} in flight + {order.qty}"
            return Denial(DenyReason.EXIT_ALREADY_IN_FLIGHT, seen, reducible)
        return None
    # Resting exits are throttled at the whole rate; market exits and missing stops never wait.
    covered = book.side(order.side).cover_qty
    if is_protective(order) and covered < book.needed_cover(-order.side):
        return None
    if messages_sec > messages_per_sec_max:
        return Denial(DenyReason.MESSAGE_RATE_EXCEEDS_MAX, messages_sec, messages_per_sec_max)
    return None


def exit_amend_denial(
    amend: AmendIntent,
    pending: Pending,
    leaves: Decimal,
    book: SymbolBook,
    filters: VenueFilters | None,
    *,
    held: Decimal,
) -> Denial | None:
    """
    Judge an amendment of a pending exit that would then have *leaves* (base units) to fill.

    *held* is what it may have to fill at the venue by now, which may know of more than we do.

    """
    if filters is None:
        return Denial(DenyReason.INSTRUMENT_UNKNOWN, amend.instrument_id, "a loaded instrument")
    for price in (amend.price, amend.trigger_price):
        if price is not None and (price <= 0 or price % filters.tick != 0):
            return Denial(DenyReason.PRICE_OFF_TICK, price, f"multiple of {filters.tick}")
    reducible = book.worst_qty(-pending.side)
    if leaves > pending.leaves_qty and leaves > reducible:
        return Denial(DenyReason.REDUCE_ONLY_EXCEEDS_POSITION, leaves, reducible)
    return _stop_amend_denial(amend, pending, leaves, book, held) if pending.is_stop else None


def _stop_amend_denial(
    amend: AmendIntent, stop: Pending, leaves: Decimal, book: SymbolBook, held: Decimal
) -> Denial | None:
    needed = book.needed_cover(-stop.side)
    # A stop that grows takes nothing away, though its entry may promise still more.
    if leaves < min(stop.cover_qty, held) and amend.qty is not None:
        left = book.cover_without(stop) + leaves
        if left < needed:
            return Denial(DenyReason.STOP_LOSS_REQUIRED, f"stops for {left}", needed)
    new, old = amend.trigger_price, stop.trigger_price
    if new is not None and old is not None and (new - old) * stop.side > 0 and needed > 0:
        return Denial(DenyReason.STOP_LOSS_LOOSENED, new, old)
    return None


def stop_cancel_denial(stop: Pending, book: SymbolBook) -> Denial | None:
    """Deny to cancel a stop that is needed; one that is being canceled counts no longer."""
    if stop.is_canceling:
        return None
    needed = book.needed_cover(-stop.side)
    left = ZERO if needed == 0 else book.cover_without(stop)
    if left < needed:
        return Denial(DenyReason.STOP_LOSS_REQUIRED, f"stops left for {left}", needed)
    return None


def is_needed(client_order_id: str, book: SymbolBook) -> bool:
    """Return whether a pending order is a stop that must not go."""
    stop = book.pending.get(client_order_id)
    return stop is not None and stop.is_stop and stop_cancel_denial(stop, book) is not None
