"""What an execution does: positions, money, records and events; and how orders end."""

from decimal import Decimal
from typing import TYPE_CHECKING

from venue.engine import algo as algos
from venue.engine import events, margin, reducing
from venue.engine.accounts import Account, Position
from venue.engine.events import Fill
from venue.engine.numbers import ZERO, money, sign
from venue.engine.orders import LIQUIDATION_ID, Order

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange


def trade(
    ex: "Exchange",
    taker: Order | None,
    maker: Order | None,
    qty: Decimal,
    price: Decimal,
) -> None:
    """
    Execute a quantity at a price between two orders, or one order and the market.

    Parameters
    ----------
    taker, maker : Order or None
        The two sides; None is the market outside.
    qty : Decimal
        Base units, positive.
    price : Decimal
        Quote asset per base unit.

    """
    trade_id = ex.ids.next_trade()
    for order in (taker, maker):
        if order is not None:
            fill(ex, order, qty, price, trade_id, is_maker=order is maker)
    if taker is None or maker is None:
        order = taker or maker
        assert order is not None
        ex.ledger.pay_outside(order.symbol, order.direction * qty, price)


def fill(
    ex: "Exchange",
    order: Order,
    qty: Decimal,
    price: Decimal,
    trade_id: int,
    *,
    is_maker: bool,
) -> None:
    """Book one side of a trade and tell the account."""
    account = ex.account(order.account)
    position = account.position(order.symbol, order.position_side)
    asset = ex.spec(order.symbol).margin_asset
    wallet_before = account.cross_wallet.get(asset, ZERO)
    realized = apply_to_position(ex, account, position, order.direction * qty, price)
    notional = money(qty * price)
    if order.type == "LIQUIDATION":
        freed = account.cross_wallet[asset] - wallet_before
        fee, fee_asset = _charge_liquidation(ex, account, order, notional, freed), asset
    else:
        fee, fee_asset = charge_fee(ex, account, order, notional, is_maker=is_maker)
    if fee_asset == asset:
        position.fees += fee
    order.executed += qty
    order.cum_quote += qty * price
    order.status = "PARTIALLY_FILLED" if order.leaves else "FILLED"
    order.update_ms = ex.now_ms
    done = Fill(
        trade_id=trade_id,
        qty=qty,
        price=price,
        is_maker=is_maker,
        fee=fee,
        fee_asset=fee_asset,
        realized=realized,
    )
    if not order.is_open:
        ex.drop_open(order)
    _record(ex, account, order, done)
    _tell_fill(ex, account, order, done)
    algos.child_changed(ex, order)
    if not position.amt:
        algos.position_closed(ex, account, order.symbol, order.position_side)
    reducing.review(ex, account, order.symbol, order.position_side)


def apply_to_position(
    ex: "Exchange", account: Account, position: Position, signed_qty: Decimal, price: Decimal
) -> Decimal:
    """Change a position by a fill, move realized profit and isolated margin; return the profit."""
    asset = ex.spec(position.symbol).margin_asset
    before = position.amt
    realized = position.add(signed_qty, price)
    position.update_ms = ex.now_ms
    account.cross_wallet[asset] = account.cross_wallet.get(asset, ZERO) + realized
    if account.is_isolated(position.symbol):
        _move_isolated_margin(account, position, before, price, asset)
    return realized


def _move_isolated_margin(
    account: Account, position: Position, before: Decimal, price: Decimal, asset: str
) -> None:
    """Release margin for what was closed, and lock margin for what was opened."""
    after = position.amt
    kept = min(abs(before), abs(after)) if sign(before) == sign(after) else ZERO
    if kept < abs(before):
        release = position.isolated_wallet
        if kept:
            release = money(release * (abs(before) - kept) / abs(before))
        position.isolated_wallet -= release
        account.cross_wallet[asset] += release
    if abs(after) > kept:
        leverage = account.setting(position.symbol).leverage
        lock = money((abs(after) - kept) * price / leverage)
        position.isolated_wallet += lock
        account.cross_wallet[asset] -= lock


def charge_fee(
    ex: "Exchange", account: Account, order: Order, notional: Decimal, *, is_maker: bool
) -> tuple[Decimal, str]:
    """Take the fee from the wallet (in BNB if that is switched on and enough); return it and its asset."""
    asset = ex.spec(order.symbol).margin_asset
    fee = money(notional * (account.maker_rate if is_maker else account.taker_rate))
    if account.is_fee_burned:
        in_bnb = money(fee * (1 - ex.options.bnb_discount) / ex.options.bnb_price_usdt)
        if account.cross_wallet.get("BNB", ZERO) >= in_bnb:
            fee, asset = in_bnb, "BNB"
    account.cross_wallet[asset] = account.cross_wallet.get(asset, ZERO) - fee
    ex.ledger.add_fee(asset, fee)
    return fee, asset


def _charge_liquidation(
    ex: "Exchange", account: Account, order: Order, notional: Decimal, freed: Decimal
) -> Decimal:
    """
    Take the liquidation fee for the insurance fund, as far as there is money; ADL costs nothing.

    ``freed`` is what closing brought back to the cross wallet: an isolated position pays out of
    that alone.
    """
    if not order.client_order_id.startswith(LIQUIDATION_ID):
        return ZERO
    spec = ex.spec(order.symbol)
    totals = margin.totals(ex, account, spec.margin_asset)
    there = freed if account.is_isolated(order.symbol) else totals.cross_margin_balance
    fee = min(money(notional * spec.liquidation_fee), max(there, ZERO))
    account.cross_wallet[spec.margin_asset] -= fee
    ex.ledger.insurance_fund += fee
    return fee


def _record(ex: "Exchange", account: Account, order: Order, done: Fill) -> None:
    account.trades.append(
        {
            "symbol": order.symbol,
            "id": done.trade_id,
            "orderId": order.order_id,
            "side": order.side,
            "positionSide": order.position_side,
            "price": done.price,
            "qty": done.qty,
            "realizedPnl": done.realized,
            "commission": done.fee,
            "commissionAsset": done.fee_asset,
            "time": ex.now_ms,
            "maker": done.is_maker,
            "buyer": order.is_buy,
        },
    )
    asset = ex.spec(order.symbol).margin_asset
    trade_id = str(done.trade_id)
    if done.realized:
        ex.add_income(account, "REALIZED_PNL", done.realized, asset, order.symbol, trade_id)
    if done.fee:
        kind = "INSURANCE_CLEAR" if order.type == "LIQUIDATION" else "COMMISSION"
        ex.add_income(account, kind, -done.fee, done.fee_asset, order.symbol, trade_id)


def _tell_fill(ex: "Exchange", account: Account, order: Order, done: Fill) -> None:
    execution = "CALCULATED" if order.type == "LIQUIDATION" else "TRADE"
    if ex.options.trade_lite and execution == "TRADE":
        ex.emit(order.account, events.trade_lite(order, ex.spec(order.symbol), ex.now_ms, done))
    if ex.options.account_update_first:
        tell_account(ex, account, order, done.fee_asset)
    tell_order(ex, order, execution, fill=done)
    if not ex.options.account_update_first:
        tell_account(ex, account, order, done.fee_asset)


def tell_account(ex: "Exchange", account: Account, order: Order, fee_asset: str) -> None:
    """Send the ACCOUNT_UPDATE of a fill: the balances that changed and the position."""
    assets = dict.fromkeys((ex.spec(order.symbol).margin_asset, fee_asset))
    position = account.position(order.symbol, order.position_side)
    mark = margin.mark_of(ex, order.symbol)
    account.update_ms = ex.now_ms
    update = events.account_update(
        "ORDER",
        ex.now_ms,
        balances=[events.balance_entry(account, asset) for asset in assets],
        positions=[events.position_entry(account, position, mark)],
    )
    ex.emit(account.name, update)


def tell_order(
    ex: "Exchange",
    order: Order,
    execution: str,
    *,
    fill: Fill | None = None,
    expiry_reason: int = 0,
    modify_id: str | None = None,
) -> None:
    """Send an ORDER_TRADE_UPDATE about an order as it is now."""
    account = ex.account(order.account)
    event = events.order_trade_update(
        order,
        ex.spec(order.symbol),
        ex.now_ms,
        execution=execution,
        fill=fill,
        expiry_reason=expiry_reason,
        notionals=margin.open_notionals(account, order.symbol, order.position_side),
        modify_id=modify_id,
    )
    ex.emit(order.account, event)


def end(ex: "Exchange", order: Order, status: str, *, expiry_reason: int = 0) -> None:
    """End an open order as CANCELED, EXPIRED or EXPIRED_IN_MATCH and tell its account."""
    order.status = status
    order.update_ms = ex.now_ms
    ex.drop_open(order)
    execution = "CANCELED" if status == "CANCELED" else "EXPIRED"
    tell_order(ex, order, execution, expiry_reason=expiry_reason)
    algos.child_changed(ex, order)
