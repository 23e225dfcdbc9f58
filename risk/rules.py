"""The rules for an order that raises risk: pure measurements, in the order in which they deny."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from risk.book import ZERO, AccountBook, SymbolBook
from risk.decision import Denial, DenyReason
from risk.intent import BUY, SELL, Market, OrderIntent, VenueFilters
from risk.limits import RiskLimits, SymbolLimits

BPS = Decimal(10_000)
NS_PER_MS = 1_000_000


class Case(NamedTuple):
    """One order that raises risk, and everything a rule may look at."""

    order: OrderIntent
    stop: OrderIntent | None
    list_notional: Decimal
    now_ns: int
    market: Market | None
    filters: VenueFilters
    symbol: SymbolLimits
    limits: RiskLimits
    book: SymbolBook
    others: tuple[Decimal, Decimal, Decimal] | None
    equity: Decimal | None
    worst_px: Decimal
    worst_after: Decimal
    messages_sec: int
    messages_min: int
    is_amend: bool


Measured = tuple[Decimal | int, Decimal | int]
"""``(observed, limit)``: denied when observed is above the limit."""
Measure = Callable[[Case], Measured | Denial | None]


class Rule(NamedTuple):
    """
    One rule.

    Parameters
    ----------
    key : str
        The name under which it is counted.
    control : int
        The number of the control it serves.
    name : str
        What it is called in a report.
    reason : DenyReason
        The reason when the observed value is above the limit.
    measure : Callable
        Returns ``(observed, limit)``, or a denial of its own (missing data), or None when the
        rule does not apply.

    """

    key: str
    control: int
    name: str
    reason: DenyReason
    measure: Measure


def worst_price(order: OrderIntent, market: Market | None, limits: RiskLimits) -> Decimal:
    """
    Return the highest price at which *order* may have to be valued, quote units.

    A limit order is valued at its limit, never below the market; a market order at the higher of
    ask and mark, marked up by the slippage that the profile allows, on both sides: a short is
    larger the higher it is sold; what becomes a market order when it triggers is marked up alike.
    Zero when nothing is known (a price rule denies it then).

    """
    if market is None:
        return order.price or order.trigger_price or ZERO
    markup = 1 + limits.orders.slippage_bps_max / BPS
    reference = (market.ask if market.mark is None else max(market.ask, market.mark)) * markup
    if order.price is not None:
        return max(order.price, reference) if order.side < 0 else order.price
    return (
        reference if order.trigger_price is None else max(order.trigger_price * markup, reference)
    )


# -- market data (control 16) -------------------------------------------------------------------


def price_is_known(case: Case) -> Measured | Denial | None:
    """Deny without a price."""
    if case.market is None:
        return Denial(DenyReason.PRICE_MISSING, "none", case.limits.market_data.price_source)
    return None


def price_age_ms(case: Case) -> Measured:
    """Measure the age of the price, rounded up to a millisecond; one from the future is as bad."""
    assert case.market is not None, "Invariant: PRICE_MISSING was denied before"
    age_ns = abs(case.now_ns - case.market.ts_ns)
    return -(-age_ns // NS_PER_MS), case.limits.market_data.price_age_ms_max


def market_is_not_crossed(case: Case) -> Denial | None:
    """Deny on a bid at or above the ask, or on a price that is not positive."""
    market = case.market
    assert market is not None, "Invariant: PRICE_MISSING was denied before"
    if (market.bid >= market.ask and not market.is_bar) or market.bid <= 0:
        return Denial(DenyReason.PRICE_CROSSED, f"bid {market.bid}", f"below ask {market.ask}")
    return None


def spread_bps(case: Case) -> Measured:
    """Measure the bid-ask spread in basis points of the mid price."""
    market = case.market
    assert market is not None, "Invariant: PRICE_MISSING was denied before"
    spread = (market.ask - market.bid) * 2 * BPS / (market.ask + market.bid)
    return spread, case.limits.market_data.spread_bps_max


def mark_divergence_bps(case: Case) -> Measured | None:
    """Measure how far mark price and mid price lie apart, basis points of the mark price."""
    market = case.market
    assert market is not None, "Invariant: PRICE_MISSING was denied before"
    if market.mark is None:
        return None
    mid = (market.bid + market.ask) / 2
    return abs(
        mid - market.mark
    ) * BPS / market.mark, case.limits.market_data.mark_divergence_bps_max


# -- the order itself (controls 2 to 6) ---------------------------------------------------------


def side_is_allowed(case: Case) -> Denial | None:
    """Deny a side on which the profile opens no position."""
    side = "BUY" if case.order.side == BUY else "SELL"
    if side in case.symbol.sides:
        return None
    return Denial(DenyReason.SIDE_NOT_ALLOWED, side, "/".join(case.symbol.sides))


def type_is_allowed(case: Case) -> Denial | None:
    """Deny order types that the profile does not list for entries."""
    allowed = case.limits.orders.entry_types
    if case.order.order_type in allowed:
        return None
    return Denial(DenyReason.ORDER_TYPE_NOT_ALLOWED, case.order.order_type, "/".join(allowed))


def unit_is_base(case: Case) -> Denial | None:
    """Deny quantities in quote units: 10 BTC and 10 USDT must never be mistaken (T2)."""
    if case.order.is_quote_qty:
        return Denial(DenyReason.QUOTE_QUANTITY_NOT_ALLOWED, case.order.qty, "base units")
    return None


def settlement_is_usdt(case: Case) -> Denial | None:
    """Deny instruments whose money is not the money that the limits are written in."""
    if case.filters.settlement != "USDT":
        return Denial(DenyReason.SETTLEMENT_CURRENCY_NOT_ALLOWED, case.filters.settlement, "USDT")
    return None


def entry_is_not_emulated(case: Case) -> Denial | None:
    """Deny entries that are held in this process: their stop would be held with them."""
    if case.order.is_emulated:
        return Denial(DenyReason.EMULATED_ENTRY_NOT_ALLOWED, "emulated", "held at the venue")
    return None


def order_qty(case: Case) -> Measured:
    """Measure the order's quantity, base units."""
    return case.order.qty, case.symbol.order_qty_max


def order_notional(case: Case) -> Measured:
    """Measure the order's worst-case value, USDT."""
    return case.order.qty * case.worst_px, case.symbol.order_notional_usdt_max


def list_notional(case: Case) -> Measured:
    """Measure the summed worst-case value of the list's entries, USDT."""
    return case.list_notional, case.limits.orders.list_notional_usdt_max


def price_deviation_bps(case: Case) -> Measured | None:
    """Measure how far a limit or trigger price lies from the mid price, basis points."""
    market, price, trigger = case.market, case.order.price, case.order.trigger_price
    assert market is not None, "Invariant: PRICE_MISSING was denied before"
    if price is None and trigger is None:
        return None
    mid = (market.bid + market.ask) / 2
    far = ZERO if price is None else abs(price - mid)
    if trigger is not None:
        far = max(far, abs(trigger - mid))
    return far * BPS / mid, case.limits.orders.price_deviation_bps_max


def slippage_bps(case: Case) -> Measured | None:
    """Measure a market order's expected fill against the mid price, basis points."""
    market, order = case.market, case.order
    assert market is not None, "Invariant: PRICE_MISSING was denied before"
    if order.price is not None:
        return None
    mid = (market.bid + market.ask) / 2
    expected = order.expected_px
    if expected is None:
        expected = market.ask if order.side == BUY else market.bid
    return (expected - mid) * order.side * BPS / mid, case.limits.orders.slippage_bps_max


# -- protection and direction (controls 18 and 19) ----------------------------------------------


def no_flip(case: Case) -> Denial | None:
    """
    Deny an entry while the other side is or could become a position.

    One direction at a time: then no fill of approved orders, in whatever order, can take a
    position through zero.

    """
    opposite = case.book.worst_qty(-case.order.side)
    if opposite == 0:
        return None
    return Denial(DenyReason.POSITION_FLIP, f"opposite worst case {opposite}", "0 or reduce-only")


def stop_is_present(case: Case) -> Denial | None:
    """Deny an entry without a protective stop for its full quantity, and on a naked position."""
    order, stop = case.order, case.stop
    if stop is None or (stop.qty < order.qty and not case.is_amend):
        return Denial(
            DenyReason.STOP_LOSS_REQUIRED,
            f"stop for {stop.qty if stop else 0}",
            f"reduce-only STOP_MARKET for {order.qty} in the same list",
        )
    needed = case.book.needed_cover(order.side)
    covered = case.book.side(-order.side).cover_qty
    if case.is_amend:  # The stop of an amended entry is in the book; it does not grow with it.
        needed += order.qty
    if needed > covered:
        return Denial(
            DenyReason.STOP_LOSS_REQUIRED,
            f"position and working entries of {needed} with stops for {covered}",
            "stops for all of it before more is added",
        )
    return None


def stop_is_on_the_right_side(case: Case) -> Denial | None:
    """Deny a stop that lies at or beyond the entry price: it would fire at once, or never help."""
    entry, trigger = _entry_and_trigger(case)
    if (entry - trigger) * case.order.side > 0:
        return None
    side = "below" if case.order.side == BUY else "above"
    return Denial(DenyReason.STOP_LOSS_WRONG_SIDE, trigger, f"{side} {entry}")


def stop_distance_bps(case: Case) -> Measured:
    """Measure how far the stop lies from the entry price, basis points of the entry price."""
    entry, trigger = _entry_and_trigger(case)
    return abs(entry - trigger) * BPS / entry, case.limits.orders.stop_distance_bps_max


def _entry_and_trigger(case: Case) -> tuple[Decimal, Decimal]:
    order, market, stop = case.order, case.market, case.stop
    assert market is not None, "Invariant: PRICE_MISSING was denied before"
    assert stop is not None, "Invariant: STOP_LOSS_REQUIRED was denied before"
    assert stop.trigger_price is not None, "Invariant: a STOP_MARKET has a trigger price"
    # A buy is judged against the bid: a stop between bid and ask would fire at once.
    touch = market.bid if order.side == BUY else market.ask
    asked = order.price if order.price is not None else order.trigger_price
    if asked is None:
        return touch, stop.trigger_price
    return (min(asked, touch) if order.side == BUY else max(asked, touch)), stop.trigger_price


# -- exposure (controls 8 and 9) ----------------------------------------------------------------


def position_notional(case: Case) -> Measured:
    """Measure the worst-case position on the order's side with the order in it, USDT."""
    return case.worst_after, case.symbol.position_notional_usdt_max


def worst_after(book: SymbolBook, order: OrderIntent, worst_px: Decimal) -> Decimal:
    """Return the worst-case position on the order's side with the order in it, USDT."""
    known = book.worst_price(order.side)
    price = worst_px if known is None or known < worst_px else known
    return (book.worst_qty(order.side) + order.qty) * price


def other_symbols(
    account: AccountBook, instrument_id: str
) -> tuple[Decimal, Decimal, Decimal] | None:
    """Return gross, long and short worst cases of all other symbols, USDT; None: a price is missing."""
    gross = long = short = ZERO
    for other_id, book in account.symbols.items():
        if other_id == instrument_id:
            continue
        long_side, short_side = book.worst_notional(BUY), book.worst_notional(SELL)
        if long_side is None or short_side is None:
            return None
        gross += max(long_side, short_side)
        long += long_side
        short += short_side
    return gross, long, short


def others_are_known(case: Case) -> Denial | None:
    """Deny while a position of another symbol cannot be valued."""
    if case.others is None:
        return Denial(DenyReason.PRICE_MISSING, "a position in another symbol", "a price for it")
    return None


def gross_notional(case: Case) -> Measured:
    """Measure the sum of worst-case positions over all symbols, USDT."""
    assert case.others is not None, "Invariant: PRICE_MISSING was denied before"
    return case.others[0] + case.worst_after, case.limits.portfolio.gross_notional_usdt_max


def net_notional(case: Case) -> Measured:
    """Measure the worst-case net position over all symbols on the order's side, USDT."""
    assert case.others is not None, "Invariant: PRICE_MISSING was denied before"
    same_side = case.others[1] if case.order.side == BUY else case.others[2]
    return same_side + case.worst_after, case.limits.portfolio.net_notional_usdt_max


def leverage(case: Case) -> Measured | Denial:
    """Measure worst-case gross exposure divided by equity."""
    equity = case.equity
    if equity is None or equity <= 0:
        shown = "unknown" if equity is None else equity
        return Denial(DenyReason.EQUITY_MISSING, shown, "positive equity")
    assert case.others is not None, "Invariant: PRICE_MISSING was denied before"
    return (case.others[0] + case.worst_after) / equity, case.limits.portfolio.leverage_max


# -- behavior (controls 12 and 15) --------------------------------------------------------------


def no_self_match(case: Case) -> Denial | None:
    """Deny an entry that could trade with an order of one's own that rests on the other side."""
    order, market = case.order, case.market
    assert market is not None, "Invariant: PRICE_MISSING was denied before"
    resting = case.book.side(-order.side).resting.get()
    if resting is None:
        return None
    reach = order.price
    if reach is None:
        slip = case.limits.orders.slippage_bps_max / BPS * order.side
        reach = (market.ask if order.side == BUY else market.bid) * (1 + slip)
    if (reach - resting) * order.side >= 0:
        return Denial(DenyReason.SELF_MATCH, f"may trade at {reach}", f"own order at {resting}")
    return None


def messages_per_sec(case: Case) -> Measured:
    """Measure the messages of the last second with these, against the share of entries."""
    return case.messages_sec, case.limits.rates.entries_per_sec_max


def messages_per_min(case: Case) -> Measured:
    """Measure the messages of the last minute with these, against the share of entries."""
    return case.messages_min, case.limits.rates.entries_per_min_max
