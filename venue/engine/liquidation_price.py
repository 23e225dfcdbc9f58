"""Where a position is liquidated, and where it is worth nothing (Binance FAQ on liquidation)."""

from decimal import Decimal
from typing import TYPE_CHECKING

from venue.engine import margin
from venue.engine.accounts import Account, Position
from venue.engine.numbers import ZERO
from venue.engine.symbols import Bracket

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange

ITERATIONS_MAX = 20


def group_of(account: Account, position: Position) -> list[Position]:
    """Return the positions that share a liquidation price: both sides in cross, itself isolated."""
    if account.is_isolated(position.symbol):
        return [position]
    return account.open_positions(position.symbol)


def backing(ex: "Exchange", account: Account, group: list[Position]) -> tuple[Decimal, Decimal]:
    """
    Return what stands behind a group besides itself: money, and maintenance margin of others.

    Isolated: the position's own wallet, nothing. Cross: the cross wallet with the profit of all
    other cross positions, and their maintenance margin.
    """
    if account.is_isolated(group[0].symbol):
        return group[0].isolated_wallet, ZERO
    asset = ex.spec(group[0].symbol).margin_asset
    money, maint = account.cross_wallet.get(asset, ZERO), ZERO
    for other in account.open_positions():
        if other not in group and not account.is_isolated(other.symbol):
            money += margin.unrealized(ex, other)
            maint += margin.maint_margin(ex, other)
    return money, maint


def liquidation_price(ex: "Exchange", account: Account, position: Position) -> Decimal:
    """
    Return the mark price at which maintenance margin equals the margin balance; 0 if there is none.

    ``(money - maint + sum(cum) - sum(Q*EP)) / (sum(|Q|*MMR) - sum(Q))`` with signed ``Q``: the
    FAQ's formula for one-way and hedge mode in one. The brackets are those of the price found.
    """
    if not position.amt:
        return ZERO
    spec, group = ex.spec(position.symbol), group_of(account, position)
    money, maint = backing(ex, account, group)
    price = margin.mark_of(ex, position.symbol)
    brackets: list[Bracket] = []
    for _ in range(ITERATIONS_MAX):
        at_price = [spec.bracket_of(abs(p.amt) * price) for p in group]
        if at_price == brackets:
            break
        brackets = at_price
        above = money - maint + sum((b.cum for b in brackets), ZERO)
        above -= sum((p.cost for p in group), ZERO)
        below = sum(
            (abs(p.amt) * b.maint_margin_ratio for p, b in zip(group, brackets, strict=True)), ZERO
        )
        below -= sum((p.amt for p in group), ZERO)
        price = above / below if below else ZERO
        if price <= 0:
            return ZERO
    return price


def bankruptcy_price(ex: "Exchange", account: Account, position: Position) -> Decimal:
    """
    Return the price at which closing the position uses up all that stands behind it.

    Rounded to the tick in the account's favor, and at least one tick.
    """
    spec = ex.spec(position.symbol)
    money, _ = backing(ex, account, [position])
    raw = (position.cost - money) / position.amt
    ticks = raw / spec.tick_size
    whole = ticks.to_integral_value("ROUND_CEILING" if position.amt > 0 else "ROUND_FLOOR")
    return max(whole, Decimal(1)) * spec.tick_size
