"""Pre-flight of the account: its rights, its modes, its money, and what stands there already."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from adapters.order_ids import base_of
from ops.checks.item import Facts, Item, flag
from ops.questions import KEY_RIGHTS
from risk.journal import read

NEEDED_RIGHTS = ("ipRestrict", "enableReading", "enableFutures")
FORBIDDEN_RIGHTS = (
    "enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer", "enableMargin",
    "enableVanillaOptions", "enablePortfolioMarginTrading", "enableSpotAndMarginTrading",
)  # fmt: skip
MONEY = "USDT"


def key_rights(facts: Facts) -> Item:
    """Judge what the key may do: trade futures from one address, and move no money."""
    required = "IP-bound, futures on; no withdrawal, transfer, margin, options or spot trading"
    if facts.settings.environment == "demo":
        return Item("key rights", is_ok=True, observed="the demo does not tell", required=required)
    answer = facts.answers.get(KEY_RIGHTS)
    wrong = [key for key in NEEDED_RIGHTS if not flag(answer, key)]
    wrong += [key for key in FORBIDDEN_RIGHTS if flag(answer, key)]
    observed = ", ".join(f"{key} = {str(answer[key]).lower()}" for key in wrong) or "as required"
    return Item("key rights", not wrong, observed, required)


def can_trade(facts: Facts) -> Item:
    """Judge whether the account may trade at all."""
    value = flag(facts.answers.get("/fapi/v1/accountConfig"), "canTrade")
    return Item("account", value, f"USD-M Futures, canTrade = {value}", "canTrade = True")


def position_mode(facts: Facts) -> Item:
    """Judge the position mode: the gate nets positions."""
    dual = flag(facts.answers.get("/fapi/v1/accountConfig"), "dualSidePosition")
    return Item("position mode", not dual, "hedge" if dual else "one-way", "one-way")


def asset_mode(facts: Facts) -> Item:
    """Judge the asset mode: the gate's money is USDT."""
    multi = flag(facts.answers.get("/fapi/v1/accountConfig"), "multiAssetsMargin")
    observed = "multi-assets" if multi else "single-asset"
    return Item("asset mode", not multi, observed, "single-asset")


def fee_asset(facts: Facts) -> Item:
    """Judge in what fees are paid: in BNB the books would not add up."""
    burns = flag(facts.answers.get("/fapi/v1/feeBurn"), "feeBurn")
    return Item("fee asset", not burns, "BNB" if burns else MONEY, f"{MONEY} (feeBurn off)")


def trading_lock(facts: Facts) -> Item:
    """Judge whether the venue has locked the account for its behavior."""
    indicators = facts.answers.get("/fapi/v1/apiTradingStatus")["indicators"]
    locked = [
        f"{scope} {row.get('indicator')}"
        for scope, rows in indicators.items()
        for row in rows
        if flag(row, "isLocked")
    ]
    return Item("trading lock", not locked, ", ".join(locked) or "none", "none")


def order_rate(facts: Facts) -> Item:
    """Judge whether the account's order limits leave room for the profile's message rates."""
    rates = facts.profile.limits.rates
    asked = {
        ("SECOND", 10): 10 * rates.messages_per_sec_max,
        ("MINUTE", 1): rates.messages_per_min_max,
    }
    allowed = {
        (row["interval"], row["intervalNum"]): int(row["limit"])
        for row in facts.answers.get("/fapi/v1/rateLimit/order")
        if row["rateLimitType"] == "ORDERS"
    }
    is_ok = all(window in allowed and n <= allowed[window] for window, n in asked.items())
    observed = ", ".join(f"{n} in {num} {unit.lower()}" for (unit, num), n in allowed.items())
    needed = ", ".join(f"{n} in {num} {unit.lower()}" for (unit, num), n in asked.items())
    return Item("order rate", is_ok, observed or "no limits told", f"at least {needed}")


def balance(facts: Facts) -> Item:
    """Judge the wallet: something to trade with, and not more than may be lost with the venue."""
    assets = {row["asset"]: row for row in facts.answers.get("/fapi/v3/account")["assets"]}
    wallet = Decimal(str(assets[MONEY]["walletBalance"]))
    cap = facts.profile.venue and facts.profile.venue.wallet_usdt_max
    required = "> 0" if cap is None else f"> 0 and <= {cap} (venue.wallet_usdt_max)"
    is_ok = wallet > 0 and (cap is None or wallet <= cap)
    return Item("balance", is_ok, f"{wallet} {MONEY}", required)


def foreign_positions(facts: Facts) -> Item:
    """Judge every open position: the journal must account for it."""
    reach = _reach(facts)
    foreign = []
    for row in facts.answers.get("/fapi/v3/positionRisk"):
        qty = Decimal(str(row["positionAmt"]))
        low, high = reach.get(row["symbol"], (Decimal(0), Decimal(0)))
        if qty and not min(low, Decimal(0)) <= qty <= max(high, Decimal(0)):
            foreign.append(f"{row['symbol']} {qty}")
    observed = ", ".join(foreign) or "none"
    return Item(
        "foreign positions", not foreign, observed, "none that the journal does not explain"
    )


def foreign_orders(facts: Facts) -> Item:
    """Judge every open order: the journal must hold its approval."""
    known = {order["client_order_id"] for order in _approved(facts)}
    orders = [
        (row["symbol"], row["clientOrderId"]) for row in facts.answers.get("/fapi/v1/openOrders")
    ] + [
        (row["symbol"], row["clientAlgoId"]) for row in facts.answers.get("/fapi/v1/openAlgoOrders")
    ]
    foreign = [f"{symbol} {name}" for symbol, name in orders if base_of(name) not in known]
    observed = ", ".join(foreign) or "none"
    return Item("foreign orders", not foreign, observed, "none that the journal has not approved")


def _reach(facts: Facts) -> dict[str, tuple[Decimal, Decimal]]:
    """
    Return the lowest and highest position that the journal can explain, by symbol.

    What was filled while the node was away is not in it: each approved order that has not ended may
    have filled up to its quantity.

    """
    net: dict[str, Decimal] = defaultdict(Decimal)
    filled: dict[str, Decimal] = defaultdict(Decimal)
    seen: set[tuple[str, str]] = set()
    for kind, data in _records(facts, "fill", "opened"):
        if kind == "opened":  # What was there by then is known, whoever filled it.
            net.clear()
            for row in data["positions"]:
                net[_symbol(row)] += Decimal(str(row["quantity"]))
            continue
        trade, qty = (_symbol(data), data["trade_id"]), Decimal(str(data["quantity"]))
        if trade not in seen:  # A restart may have journalled a fill once more.
            seen.add(trade)
            net[_symbol(data)] += qty if data["side"] == "BUY" else -qty
            filled[data["client_order_id"]] += qty
    ended = {data["client_order_id"] for _, data in _records(facts, "ended")}
    more: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for order in _approved(facts):
        left = Decimal(str(order["quantity"])) - filled[order["client_order_id"]]
        if order["client_order_id"] not in ended:
            more[_symbol(order), order["side"]] += max(left, Decimal(0))
    return {
        symbol: (net[symbol] - more[symbol, "SELL"], net[symbol] + more[symbol, "BUY"])
        for symbol in {*net, *(symbol for symbol, _ in more)}
    }


def _approved(facts: Facts) -> list[dict[str, Any]]:
    return [o for _, record in _records(facts, "approved") for o in record.get("orders", ())]


def _records(facts: Facts, *kinds: str) -> list[tuple[str, dict[str, Any]]]:
    path = facts.state_dir / "journal.jsonl"
    if not path.is_file():
        return []
    return [(record["type"], record["data"]) for record in read(path) if record["type"] in kinds]


def _symbol(row: dict[str, Any]) -> str:
    return str(row["instrument_id"]).split("-")[0]
