"""The account: balances, positions, settings, history."""
# ruff: noqa: ARG001 - all handlers take the same arguments

from typing import Any

from venue.api import rows
from venue.api.params import Params
from venue.api.trade import is_within, paged
from venue.engine import adl, margin, settings
from venue.engine.accounts import Account, Position
from venue.engine.errors import refusal
from venue.engine.exchange import Exchange
from venue.engine.margin import Totals
from venue.engine.numbers import ZERO, plain
from venue.engine.orders import ADL_ID, LIQUIDATION_ID
from venue.engine.symbols import leverage_bracket_entry

MARGIN_TYPES = ("ISOLATED", "CROSSED")


def balance(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    return [_balance_row(ex, account, asset) for asset in sorted(account.cross_wallet)]


def _balance_row(ex: Exchange, account: Account, asset: str) -> dict[str, Any]:
    totals = _totals_of(ex, account, asset)
    return {
        "accountAlias": account.name,
        "asset": asset,
        "balance": f"{totals.wallet:.8f}",
        "crossWalletBalance": f"{totals.cross_wallet:.8f}",
        "crossUnPnl": f"{totals.cross_unrealized:.8f}",
        "availableBalance": f"{totals.available:.8f}",
        "maxWithdrawAmount": f"{min(totals.available, totals.cross_wallet):.8f}",
        "marginAvailable": True,
        "updateTime": account.update_ms,
    }


def _totals_of(ex: Exchange, account: Account, asset: str) -> Totals:
    """Return the margins of the margin asset; other assets are only held."""
    if asset == "USDT":
        return margin.totals(ex, account, asset)
    held = account.cross_wallet.get(asset, ZERO)
    nothing = {
        "unrealized": ZERO,
        "cross_unrealized": ZERO,
        "position_initial": ZERO,
        "open_order_initial": ZERO,
        "maint": ZERO,
        "cross_maint": ZERO,
    }
    return Totals(wallet=held, cross_wallet=held, free=held, **nothing)


def account_v3(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    """Only symbols with a position or an open order are listed."""
    return _account_totals(ex, account) | {
        "assets": _assets(ex, account),
        "positions": [_account_position(ex, account, p) for p in shown_positions(account)],
    }


def account_v2(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    """All symbols are listed, with leverage and margin type; the account's flags come along."""
    return {
        "feeTier": 0,
        "canTrade": account.can_trade,
        "canDeposit": True,
        "canWithdraw": True,
        "feeBurn": account.is_fee_burned,
        "updateTime": 0,
        "multiAssetsMargin": account.is_multi_assets,
        "tradeGroupId": -1,
        **_account_totals(ex, account),
        "assets": _assets(ex, account),
        "positions": [_account_position_v2(ex, account, p) for p in every_position(ex, account)],
    }


def _account_totals(ex: Exchange, account: Account) -> dict[str, str]:
    totals = margin.totals(ex, account)
    values = {
        "totalInitialMargin": totals.position_initial + totals.open_order_initial,
        "totalMaintMargin": totals.maint,
        "totalWalletBalance": totals.wallet,
        "totalUnrealizedProfit": totals.unrealized,
        "totalMarginBalance": totals.margin_balance,
        "totalPositionInitialMargin": totals.position_initial,
        "totalOpenOrderInitialMargin": totals.open_order_initial,
        "totalCrossWalletBalance": totals.cross_wallet,
        "totalCrossUnPnl": totals.cross_unrealized,
        "availableBalance": totals.available,
        "maxWithdrawAmount": min(totals.available, max(totals.cross_wallet, ZERO)),
    }
    return {key: f"{value:.8f}" for key, value in values.items()}


def _assets(ex: Exchange, account: Account) -> list[dict[str, Any]]:
    return [_asset_row(ex, account, asset) for asset in sorted(account.cross_wallet)]


def _asset_row(ex: Exchange, account: Account, asset: str) -> dict[str, Any]:
    totals = _totals_of(ex, account, asset)
    values = {
        "walletBalance": totals.wallet,
        "unrealizedProfit": totals.unrealized,
        "marginBalance": totals.margin_balance,
        "maintMargin": totals.maint,
        "initialMargin": totals.position_initial + totals.open_order_initial,
        "positionInitialMargin": totals.position_initial,
        "openOrderInitialMargin": totals.open_order_initial,
        "crossWalletBalance": totals.cross_wallet,
        "crossUnPnl": totals.cross_unrealized,
        "availableBalance": totals.available,
        "maxWithdrawAmount": min(totals.available, max(totals.cross_wallet, ZERO)),
    }
    texts = {key: f"{value:.8f}" for key, value in values.items()}
    return {"asset": asset, **texts, "marginAvailable": True, "updateTime": account.update_ms}


def _account_position(ex: Exchange, account: Account, position: Position) -> dict[str, Any]:
    row = rows.position_row(ex, account, position)
    keys = (
        "symbol", "positionSide", "positionAmt", "isolatedMargin", "notional", "isolatedWallet",
        "initialMargin", "maintMargin", "updateTime",
    )  # fmt: skip
    return {key: row[key] for key in keys} | {"unrealizedProfit": row["unRealizedProfit"]}


def _account_position_v2(ex: Exchange, account: Account, position: Position) -> dict[str, Any]:
    row = rows.position_row(ex, account, position)
    setting, spec = account.setting(position.symbol), ex.spec(position.symbol)
    keys = (
        "positionInitialMargin", "openOrderInitialMargin", "entryPrice", "breakEvenPrice",
        "bidNotional", "askNotional",
    )  # fmt: skip
    return _account_position(ex, account, position) | {
        **{key: row[key] for key in keys},
        "leverage": str(setting.leverage),
        "isolated": setting.is_isolated,
        "maxNotional": plain(spec.max_notional(setting.leverage)),
    }


def position_risk_v3(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    """Only symbols with a position or an open order are listed."""
    symbol = ex.spec(params.text("symbol")).symbol if "symbol" in params else None
    return [
        rows.position_row(ex, account, p)
        for p in shown_positions(account)
        if symbol in (None, p.symbol)
    ]


def position_risk_v2(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    """All symbols are listed, with leverage and margin type."""
    symbol = ex.spec(params.text("symbol")).symbol if "symbol" in params else None
    found = []
    for position in every_position(ex, account):
        if symbol not in (None, position.symbol):
            continue
        row = rows.position_row(ex, account, position)
        setting, spec = account.setting(position.symbol), ex.spec(position.symbol)
        keys = (
            "symbol", "positionAmt", "entryPrice", "breakEvenPrice", "markPrice",
            "unRealizedProfit", "liquidationPrice", "isolatedMargin", "positionSide", "notional",
            "isolatedWallet", "updateTime",
        )  # fmt: skip
        found.append(
            {key: row[key] for key in keys}
            | {
                "leverage": str(setting.leverage),
                "maxNotionalValue": plain(spec.max_notional(setting.leverage)),
                "marginType": "isolated" if setting.is_isolated else "cross",
                "isAutoAddMargin": "false",
                "isolated": setting.is_isolated,
            },
        )
    return found


def shown_positions(account: Account) -> list[Position]:
    """Return the positions that v3 shows: open ones, and those with an open order."""
    keys = {(p.symbol, p.side) for p in account.open_positions()}
    keys |= {(o.symbol, o.position_side) for o in account.open_orders.values()}
    return [account.position(*key) for key in sorted(keys)]


def every_position(ex: Exchange, account: Account) -> list[Position]:
    """Return the position of every symbol and side of the account's mode, empty ones included."""
    sides = ("LONG", "SHORT") if account.is_dual_side else ("BOTH",)
    return [account.position(symbol, side) for symbol in ex.symbols for side in sides]


def config(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    return {
        "feeTier": 0,
        "canTrade": account.can_trade,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": account.is_dual_side,
        "updateTime": 0,
        "multiAssetsMargin": account.is_multi_assets,
        "tradeGroupId": -1,
    }


def symbol_config(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    names = [ex.spec(params.text("symbol")).symbol] if "symbol" in params else list(ex.symbols)
    return [
        {
            "symbol": name,
            "marginType": account.setting(name).margin_type,
            "isAutoAddMargin": False,
            "leverage": account.setting(name).leverage,
            "maxNotionalValue": plain(ex.spec(name).max_notional(account.setting(name).leverage)),
        }
        for name in names
    ]


def leverage_bracket(ex: Exchange, account: Account, params: Params) -> Any:
    """Return an array without a symbol, one object with one."""
    if "symbol" in params:
        return leverage_bracket_entry(ex.spec(params.text("symbol")))
    return [leverage_bracket_entry(spec) for spec in ex.symbols.values()]


def commission_rate(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    return {
        "symbol": ex.spec(params.require("symbol")).symbol,
        "makerCommissionRate": plain(account.maker_rate),
        "takerCommissionRate": plain(account.taker_rate),
        "rpiCommissionRate": plain(account.maker_rate),
    }


def income(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    symbol, kind = params.text("symbol"), params.text("incomeType")
    found = [
        i
        for i in account.incomes
        if symbol in ("", i["symbol"])
        and kind in ("", i["incomeType"])
        and is_within(params, i["time"])
    ]
    return paged(found, params, 100, 1000)


# Settings


def set_leverage(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    symbol = ex.spec(params.require("symbol")).symbol
    params.require("leverage")
    leverage = params.integer("leverage") or 0
    settings.set_leverage(ex, account, symbol, leverage)
    return {
        "symbol": symbol,
        "leverage": leverage,
        "maxNotionalValue": plain(ex.spec(symbol).max_notional(leverage)),
    }


def set_margin_type(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    symbol = ex.spec(params.require("symbol")).symbol
    margin_type = params.choice("marginType", MARGIN_TYPES, -1130)
    settings.set_margin_type(ex, account, symbol, margin_type)
    return {"code": 200, "msg": "success"}


def get_dual(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    return {"dualSidePosition": account.is_dual_side}


def set_dual(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    params.require("dualSidePosition")
    settings.set_dual_side(account, is_dual=params.flag("dualSidePosition"))
    return {"code": 200, "msg": "success"}


def get_multi_assets(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    return {"multiAssetsMargin": account.is_multi_assets}


def set_multi_assets(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    params.require("multiAssetsMargin")
    settings.set_multi_assets(ex, account, is_multi=params.flag("multiAssetsMargin"))
    return {"code": 200, "msg": "success"}


def get_fee_burn(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    return {"feeBurn": account.is_fee_burned}


def set_fee_burn(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    params.require("feeBurn")
    account.is_fee_burned = params.flag("feeBurn")
    return {"code": 200, "msg": "success"}


def set_position_margin(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    symbol = ex.spec(params.require("symbol")).symbol
    side = params.choice("positionSide", ("BOTH", "LONG", "SHORT"), -4060, "BOTH")
    amount = params.require_decimal("amount")
    kind = params.choice("type", ("1", "2"), -1130)
    settings.move_position_margin(ex, account, symbol, side, amount, is_added=kind == "1")
    return {
        "amount": float(amount),
        "code": 200,
        "msg": "Successfully modify position margin.",
        "type": int(kind),
    }


def position_margin_history(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    symbol = ex.spec(params.require("symbol")).symbol
    kind = params.text("type")
    found = [
        c
        for c in account.margin_changes
        if c["symbol"] == symbol and kind in ("", str(c["type"])) and is_within(params, c["time"])
    ]
    return paged(found, params, 500, 1000)


def api_trading_status(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    """Show the quantitative rules: no indicator, unless the account is locked by them (-4400)."""
    indicators: dict[str, Any] = {}
    if account.restriction_code == -4400:
        lock = {
            "isLocked": True,
            "plannedRecoverTime": ex.now_ms + 600_000,
            "indicator": "UFR",
            "value": 1.0,
            "triggerValue": 0.995,
        }
        indicators = {symbol: [lock] for symbol in ex.symbols}
    return {"indicators": indicators, "updateTime": ex.now_ms}


def adl_quantiles(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    symbol = ex.spec(params.text("symbol")).symbol if "symbol" in params else None
    by_symbol: dict[str, dict[str, int]] = {}
    for position in account.open_positions(symbol):
        quantile = adl.quantile(ex, position)
        by_symbol.setdefault(position.symbol, {})[position.side] = quantile
    return [
        {"symbol": name, "adlQuantile": _quantiles(account, name, own)}
        for name, own in by_symbol.items()
    ]


def _quantiles(account: Account, symbol: str, own: dict[str, int]) -> dict[str, int]:
    third = "HEDGE" if account.is_dual_side and not account.is_isolated(symbol) else "BOTH"
    return {"LONG": own.get("LONG", 0), "SHORT": own.get("SHORT", 0), third: own.get("BOTH", 0)}


def order_rate_limits(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    return [
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
    ]


def force_orders(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    """Return the venue's own orders against the account: liquidations and ADL, 90 days."""
    symbol = ex.spec(params.text("symbol")).symbol if "symbol" in params else None
    kind = params.text("autoCloseType")
    prefixes = {"LIQUIDATION": (LIQUIDATION_ID,), "ADL": (ADL_ID,)}
    if kind and kind not in prefixes:
        raise refusal(-1130, "autoCloseType")
    wanted = prefixes[kind] if kind else (LIQUIDATION_ID, ADL_ID)
    found = [
        o
        for o in account.orders.values()
        if o.client_order_id.startswith(wanted)
        and symbol in (None, o.symbol)
        and is_within(params, o.time_ms)
    ]
    return [rows.order_row(o, ex.spec(o.symbol)) for o in paged(found, params, 50, 100)]


def api_restrictions(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    rights = account.permissions
    return {
        "ipRestrict": rights.ip_restrict,
        "createTime": 1_698_645_219_000,
        "enableReading": rights.enable_reading,
        "enableWithdrawals": rights.enable_withdrawals,
        "enableInternalTransfer": rights.enable_internal_transfer,
        "enableMargin": rights.enable_margin,
        "enableFutures": rights.enable_futures,
        "permitsUniversalTransfer": rights.permits_universal_transfer,
        "enableVanillaOptions": rights.enable_vanilla_options,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": rights.enable_spot_and_margin_trading,
        "enablePortfolioMarginTrading": rights.enable_portfolio_margin_trading,
    }
