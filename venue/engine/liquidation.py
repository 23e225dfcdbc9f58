"""Liquidation on the mark price: orders go first, then positions, then the insurance fund, then ADL."""

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from venue.engine import adl, events, margin, matching, settlement
from venue.engine.accounts import Account, Position
from venue.engine.liquidation_price import bankruptcy_price
from venue.engine.numbers import ZERO, money, plain
from venue.engine.orders import LIQUIDATION_ID, Order

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange

ACCOUNT_LIQUIDATED = 5


def check(ex: "Exchange", symbol: str) -> None:
    """Liquidate or warn every account whose margins the symbol's price has changed."""
    for account in ex.accounts.values():
        positions = account.open_positions(symbol)
        if not positions:
            clear_deficit(ex, account)
        elif account.is_isolated(symbol):
            for position in positions:
                _check_isolated(ex, account, position)
        else:
            _check_cross(ex, account)


def _check_isolated(ex: "Exchange", account: Account, position: Position) -> None:
    need, have = isolated_health(ex, position)
    if need >= have:
        liquidate_isolated(ex, account, position)
        return
    key = f"{position.symbol}:{position.side}"
    if _is_new_call(ex, account, key, need, have):
        entry = _call_entry(ex, account, position)
        ex.emit(account.name, events.margin_call(ex.now_ms, [entry], None))


def _check_cross(ex: "Exchange", account: Account) -> None:
    need, have = cross_health(ex, account)
    if need >= have:
        liquidate_cross(ex, account)
        return
    if _is_new_call(ex, account, "cross", need, have):
        entries = [_call_entry(ex, account, p) for p in cross_positions(account)]
        wallet = margin.totals(ex, account).cross_wallet
        ex.emit(account.name, events.margin_call(ex.now_ms, entries, wallet))


def isolated_health(ex: "Exchange", position: Position) -> tuple[Decimal, Decimal]:
    """Return maintenance margin and margin balance of an isolated position."""
    balance = position.isolated_wallet + margin.unrealized(ex, position)
    return margin.maint_margin(ex, position), balance


def cross_health(ex: "Exchange", account: Account) -> tuple[Decimal, Decimal]:
    """Return maintenance margin and margin balance of all cross positions together."""
    totals = margin.totals(ex, account)
    return totals.cross_maint, totals.cross_margin_balance


def cross_positions(account: Account) -> list[Position]:
    return [p for p in account.open_positions() if not account.is_isolated(p.symbol)]


def liquidate_isolated(ex: "Exchange", account: Account, position: Position) -> None:
    """Expire the symbol's orders (er=5), then close the position, in parts if that is enough."""
    expire_orders(ex, account, [position.symbol])
    while position.amt:
        need, have = isolated_health(ex, position)
        if need < have:
            break
        close_position(ex, account, position, _qty_to_close(ex, position, need, have))


def liquidate_cross(ex: "Exchange", account: Account) -> None:
    """Expire the orders of all cross symbols (er=5), then close the neediest positions first."""
    expire_orders(ex, account, [s for s in ex.symbols if not account.is_isolated(s)])
    while positions := cross_positions(account):
        need, have = cross_health(ex, account)
        if need < have:
            break
        worst = max(positions, key=lambda p: (margin.maint_margin(ex, p), p.symbol, p.side))
        close_position(ex, account, worst, _qty_to_close(ex, worst, need, have))
    clear_deficit(ex, account)


def expire_orders(ex: "Exchange", account: Account, symbols: list[str]) -> None:
    """Expire an account's open orders of some symbols because it is liquidated (er=5)."""
    for order in list(account.open_orders.values()):
        if order.symbol in symbols:
            ex.end_order(order, "EXPIRED", expiry_reason=ACCOUNT_LIQUIDATED)


def _qty_to_close(ex: "Exchange", position: Position, need: Decimal, have: Decimal) -> Decimal:
    """
    Return the least quantity whose closing at the mark price ends the liquidation, else all.

    Closing costs the liquidation fee and frees maintenance margin, more of it in high brackets:
    the surplus is linear inside a bracket, so each bracket's end tells whether it is in there.
    """
    spec, mark = ex.spec(position.symbol), margin.mark_of(ex, position.symbol)
    size, step = abs(position.amt), spec.step_size
    own = margin.maint_margin(ex, position)

    def is_enough(steps: int) -> bool:
        qty = steps * step
        rest = (size - qty) * mark
        bracket = spec.bracket_of(rest)
        maint = need - own + rest * bracket.maint_margin_ratio - bracket.cum
        return maint < have - spec.liquidation_fee * qty * mark

    low = 0
    for bracket in reversed(spec.brackets):
        if bracket.notional_floor >= size * mark or not bracket.notional_floor:
            continue
        high = int(-((bracket.notional_floor / mark - size) // step))
        if high * step >= size:
            break
        if is_enough(high):
            return _least(is_enough, low, high) * step
        low = high
    return size


def _least(is_enough: Callable[[int], bool], low: int, high: int) -> int:
    """Return the least number in (low, high] that is enough; ``high`` is."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def close_position(ex: "Exchange", account: Account, position: Position, qty: Decimal) -> None:
    """
    Close a quantity by force: an IOC order down to the bankruptcy price, then the insurance fund.

    The fund takes the rest at the bankruptcy price and is rid of it at the mark price; if it
    cannot bear that loss, profitable positions of the other direction are deleveraged.
    """
    price = bankruptcy_price(ex, account, position)
    order = adl.forced_order(ex, account, position, qty, price, LIQUIDATION_ID)
    matching.walk(ex, order)
    if order.leaves:
        _hand_over(ex, order, price)


def _hand_over(ex: "Exchange", order: Order, price: Decimal) -> None:
    mark = margin.mark_of(ex, order.symbol)
    loss = money(order.leaves * (price - mark) * -order.direction)
    if loss > ex.ledger.insurance_fund:
        adl.deleverage(ex, order, price)
        return
    settlement.trade(ex, order, None, order.leaves, price)
    ex.ledger.insurance_fund -= loss
    ex.ledger.outside_cash += loss


def clear_deficit(ex: "Exchange", account: Account) -> None:
    """Let the insurance fund make good a negative cross wallet that backs no position any more."""
    for asset, amount in account.cross_wallet.items():
        if amount >= 0 or cross_positions(account):
            continue
        account.cross_wallet[asset] = ZERO
        ex.ledger.insurance_fund += amount
        ex.add_income(account, "INSURANCE_CLEAR", -amount, asset)
        balance = events.balance_entry(account, asset, -amount)
        update = events.account_update(
            "INSURANCE_CLEAR", ex.now_ms, balances=[balance], positions=[]
        )
        ex.emit(account.name, update)


def _is_new_call(ex: "Exchange", account: Account, key: str, need: Decimal, have: Decimal) -> bool:
    """Return whether the margin ratio has just risen to that of a margin call."""
    if need < ex.options.margin_call_ratio * have:
        account.margin_called.discard(key)
        return False
    is_new = key not in account.margin_called
    account.margin_called.add(key)
    return is_new


def _call_entry(ex: "Exchange", account: Account, position: Position) -> dict[str, str]:
    return {
        "s": position.symbol,
        "ps": position.side,
        "pa": plain(position.amt),
        "mt": account.setting(position.symbol).margin_type,
        "iw": plain(position.isolated_wallet),
        "mp": plain(margin.mark_of(ex, position.symbol)),
        "up": plain(margin.unrealized(ex, position)),
        "mm": plain(margin.maint_margin(ex, position)),
    }
