"""Settings of an account: leverage, margin type, position mode, multi-assets mode, isolated margin."""

from decimal import Decimal
from typing import TYPE_CHECKING

from venue.engine import events, margin
from venue.engine.accounts import Account, Position
from venue.engine.errors import refusal
from venue.engine.numbers import ZERO, money

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange


def set_leverage(ex: "Exchange", account: Account, symbol: str, leverage: int) -> None:
    """
    Change a symbol's leverage and tell the account.

    Raises
    ------
    VenueError
        -4028 outside 1 to the symbol's maximum, -4161 lower while isolated with a position,
        -2027 the position is larger than the new leverage allows, -2028 margin too small.

    """
    spec, setting = ex.spec(symbol), account.setting(symbol)
    if not 1 <= leverage <= spec.max_leverage:
        raise refusal(-4028, leverage)
    positions = account.open_positions(symbol)
    before = setting.leverage
    if setting.is_isolated and positions and leverage < before:
        raise refusal(-4161)
    if any(abs(margin.position_notional(ex, p)) > spec.max_notional(leverage) for p in positions):
        raise refusal(-2027)
    if leverage < before:
        _check_lower(ex, account, symbol, leverage)
    setting.leverage = leverage
    if leverage != before:
        ex.emit(account.name, events.leverage_update(symbol, leverage, ex.now_ms))


def _check_lower(ex: "Exchange", account: Account, symbol: str, leverage: int) -> None:
    """Refuse a leverage that would need more margin than is available (-2028)."""
    needed = margin.open_order_margin(ex, account, symbol)
    needed += sum(
        (margin.initial_margin(ex, account, p) for p in account.open_positions(symbol)), ZERO
    )
    added = needed * account.setting(symbol).leverage / leverage - needed
    if added > margin.totals(ex, account, ex.spec(symbol).margin_asset).available:
        raise refusal(-2028)


def set_margin_type(ex: "Exchange", account: Account, symbol: str, margin_type: str) -> None:
    """Change a symbol's margin type, or refuse (-4046 to -4048, -4168)."""
    setting = account.setting(symbol)
    if setting.margin_type == margin_type:
        raise refusal(-4046)
    if margin_type == "ISOLATED" and account.is_multi_assets:
        raise refusal(-4168)
    if account.open_orders_of(symbol) or account.open_algos_of(symbol):
        raise refusal(-4047)
    if account.open_positions(symbol):
        raise refusal(-4048)
    setting.margin_type = margin_type
    asset = ex.spec(symbol).margin_asset
    position = account.position(symbol, "LONG" if account.is_dual_side else "BOTH")
    _tell_margin(ex, account, position, "MARGIN_TYPE_CHANGE", asset)


def set_dual_side(account: Account, *, is_dual: bool) -> None:
    """Change the position mode, or refuse (-4059, -4067, -4068)."""
    if account.is_dual_side == is_dual:
        raise refusal(-4059)
    if account.open_orders or account.open_algos:
        raise refusal(-4067)
    if account.open_positions():
        raise refusal(-4068)
    account.is_dual_side = is_dual


def set_multi_assets(ex: "Exchange", account: Account, *, is_multi: bool) -> None:
    """
    Change the multi-assets mode and tell the account, or refuse (-4171, -4167, -4170).

    Assets other than the margin asset are not valued as collateral here.
    """
    if account.is_multi_assets == is_multi:
        raise refusal(-4171)
    if is_multi and any(account.is_isolated(symbol) for symbol in ex.symbols):
        raise refusal(-4167)
    if account.open_orders:
        raise refusal(-4170)
    account.is_multi_assets = is_multi
    ex.emit(account.name, events.multi_assets_update(ex.now_ms, is_on=is_multi))


def move_position_margin(
    ex: "Exchange",
    account: Account,
    symbol: str,
    position_side: str,
    amount: Decimal,
    *,
    is_added: bool,
) -> None:
    """
    Add margin to an isolated position, or take some of it back.

    Raises
    ------
    VenueError
        -4055 not positive, -4061 wrong side, -4050 cross balance too small, -4051 the position
        must keep its initial margin (or there is none).

    """
    if amount <= 0:
        raise refusal(-4055)
    account.check_position_side(position_side)
    position = account.position(symbol, position_side)
    asset = ex.spec(symbol).margin_asset
    if not position.amt or not account.is_isolated(symbol):
        raise refusal(-4051)
    amount = money(amount)
    if is_added:
        if amount > margin.totals(ex, account, asset).available:
            raise refusal(-4050)
    else:
        spare = position.isolated_wallet + min(ZERO, margin.unrealized(ex, position))
        if amount > spare - margin.initial_margin(ex, account, position):
            raise refusal(-4051)
    signed = amount if is_added else -amount
    position.isolated_wallet += signed
    account.cross_wallet[asset] -= signed
    account.margin_changes.append(
        {
            "symbol": symbol,
            "type": 1 if is_added else 2,
            "deltaType": "USER_ADJUST",
            "amount": f"{amount:.8f}",
            "asset": asset,
            "time": ex.now_ms,
            "positionSide": position_side,
        },
    )
    _tell_margin(ex, account, position, "MARGIN_TRANSFER", asset)


def _tell_margin(
    ex: "Exchange", account: Account, position: Position, reason: str, asset: str
) -> None:
    account.update_ms = ex.now_ms
    mark = margin.mark_of(ex, position.symbol)
    update = events.account_update(
        reason,
        ex.now_ms,
        balances=[events.balance_entry(account, asset)],
        positions=[events.position_entry(account, position, mark)],
    )
    ex.emit(account.name, update)
