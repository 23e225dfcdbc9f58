"""Margins: what positions and orders need, what is left, and when that is too little."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from venue.engine.accounts import Account, Position
from venue.engine.errors import refusal
from venue.engine.numbers import ZERO
from venue.engine.orders import Order
from venue.engine.symbols import SymbolSpec

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange

# A market order is assumed to cost this much more than the best price (Binance FAQ on order cost).
MARKET_SLACK = Decimal("0.0005")
SHORT_SLACK = Decimal("0.0015")


def mark_of(ex: "Exchange", symbol: str) -> Decimal:
    return ex.book(symbol).mark_price


def unrealized(ex: "Exchange", position: Position) -> Decimal:
    """Return the profit or loss of a position at the mark price."""
    return position.unrealized(mark_of(ex, position.symbol)) if position.amt else ZERO


def position_notional(ex: "Exchange", position: Position) -> Decimal:
    """Return the signed notional at the mark price."""
    return position.amt * mark_of(ex, position.symbol)


def maint_margin(ex: "Exchange", position: Position) -> Decimal:
    """Return ``|notional| * ratio - cum`` of the position's bracket."""
    notional = abs(position_notional(ex, position))
    bracket = ex.spec(position.symbol).bracket_of(notional)
    return notional * bracket.maint_margin_ratio - bracket.cum


def initial_margin(ex: "Exchange", account: Account, position: Position) -> Decimal:
    """Return ``|notional| / leverage`` at the mark price."""
    return abs(position_notional(ex, position)) / account.setting(position.symbol).leverage


def open_notionals(
    account: Account, symbol: str, position_side: str, *, without: Order | None = None
) -> tuple[Decimal, Decimal]:
    """Return the notional of open bids and asks that could open or enlarge a position."""
    bids = asks = ZERO
    for order in account.open_orders.values():
        if order.symbol != symbol or order.position_side != position_side:
            continue
        if order.is_reducing or order is without:
            continue
        if order.is_buy:
            bids += order.leaves * order.price
        else:
            asks += order.leaves * order.price
    return bids, asks


def worst_notional(position: Decimal, bids: Decimal, asks: Decimal) -> Decimal:
    """
    Return the greatest absolute notional that the open orders could lead to.

    ``max(|position + bids|, |position - asks|)``: the venue's support forum; in hedge mode the
    other side's orders are zero here.
    """
    return max(abs(position + bids), abs(position - asks), abs(position))


def open_order_margin(
    ex: "Exchange", account: Account, symbol: str, *, without: Order | None = None
) -> Decimal:
    """Return what the symbol's open orders (without one of them) need beyond the positions."""
    leverage = account.setting(symbol).leverage
    total = ZERO
    for side in ("LONG", "SHORT") if account.is_dual_side else ("BOTH",):
        notional = position_notional(ex, account.position(symbol, side))
        bids, asks = open_notionals(account, symbol, side, without=without)
        total += (worst_notional(notional, bids, asks) - abs(notional)) / leverage
    return total


@dataclass(frozen=True, slots=True)
class Totals:
    """An account's margins, in the margin asset."""

    wallet: Decimal
    cross_wallet: Decimal
    unrealized: Decimal
    cross_unrealized: Decimal
    position_initial: Decimal
    open_order_initial: Decimal
    maint: Decimal
    cross_maint: Decimal
    free: Decimal

    @property
    def available(self) -> Decimal:
        """Return what new orders may use; ``free`` may be below zero."""
        return max(ZERO, self.free)

    @property
    def margin_balance(self) -> Decimal:
        return self.wallet + self.unrealized

    @property
    def cross_margin_balance(self) -> Decimal:
        return self.cross_wallet + self.cross_unrealized


def totals(
    ex: "Exchange", account: Account, asset: str = "USDT", *, without: Order | None = None
) -> Totals:
    """
    Return the account's margins, as if one of its open orders were not there.

    Available = cross balance - initial margins of cross positions - margins of open orders.
    """
    pnl = cross_pnl = initial = cross_initial = maint = cross_maint = orders = ZERO
    for position in account.open_positions():
        is_cross = not account.is_isolated(position.symbol)
        profit, need = unrealized(ex, position), maint_margin(ex, position)
        first = initial_margin(ex, account, position)
        pnl, maint, initial = pnl + profit, maint + need, initial + first
        if is_cross:
            cross_pnl, cross_maint = cross_pnl + profit, cross_maint + need
            cross_initial += first
    for symbol in sorted({o.symbol for o in account.open_orders.values()}):
        orders += open_order_margin(ex, account, symbol, without=without)
    cross = account.cross_wallet.get(asset, ZERO)
    return Totals(
        wallet=cross + account.isolated_wallet(),
        cross_wallet=cross,
        unrealized=pnl,
        cross_unrealized=cross_pnl,
        position_initial=initial,
        open_order_initial=orders,
        maint=maint,
        cross_maint=cross_maint,
        free=cross + cross_pnl - cross_initial - orders,
    )


def assumed_price(ex: "Exchange", order: Order) -> Decimal:
    """Return the price at which the venue assumes that a new order executes (Binance FAQ)."""
    book = ex.book(order.symbol)
    if order.is_buy:
        return order.price or (book.best_ask or book.mark_price) * (1 + MARKET_SLACK)
    bid_side = (book.best_bid or book.mark_price) * (1 + SHORT_SLACK) if order.price else ZERO
    return max(bid_side, book.mark_price, order.price)


def check_entry(ex: "Exchange", account: Account, spec: SymbolSpec, order: Order) -> None:
    """
    Refuse an order beyond the bracket (-2027) or beyond the available margin (-2019).

    Cost = added initial margin at the assumed price + open loss; an order that cannot enlarge
    anything costs nothing. ``order`` may already be open (an amendment): it then counts once.
    """
    if order.is_reducing:
        return
    notional = position_notional(ex, account.position(order.symbol, order.position_side))
    bids, asks = open_notionals(account, order.symbol, order.position_side, without=order)
    added = order.leaves * assumed_price(ex, order)
    with_it = (bids + added, asks) if order.is_buy else (bids, asks + added)
    worst_before = worst_notional(notional, bids, asks)
    worst_after = worst_notional(notional, *with_it)
    leverage = account.setting(order.symbol).leverage
    own_worst = abs(notional + with_it[0]) if order.is_buy else abs(notional - with_it[1])
    if own_worst > abs(notional) and own_worst > spec.max_notional(leverage):
        raise refusal(-2027)
    if worst_after <= worst_before:
        return
    cost = (worst_after - worst_before) / leverage + open_loss(ex, order)
    if cost > totals(ex, account, spec.margin_asset, without=order).available:
        raise refusal(-2019)


def open_loss(ex: "Exchange", order: Order) -> Decimal:
    """Return the loss that a LIMIT order would show at once: ``qty * |min(0, dir*(mark-price))|``."""
    if not order.price:
        return ZERO
    mark = mark_of(ex, order.symbol)
    return order.leaves * abs(min(ZERO, order.direction * (mark - order.price)))
