"""Pre-flight of the symbols: margin, leverage, brackets and filters, each as the venue tells it."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

from nautilus_trader.model.instruments import Instrument

from ops.checks.item import Facts, Item, rows_by_symbol
from ops.questions import EXCHANGE_INFO

FILTERS = ("PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL", "PERCENT_PRICE")


def margin_type(facts: Facts) -> Item:
    """Judge the margin type of every symbol."""
    assert facts.profile.venue is not None, "Invariant: every mode but a backtest has a venue"
    wanted = facts.profile.venue.margin_type
    return _each_symbol(facts, "margin type", "marginType", wanted)


def leverage(facts: Facts) -> Item:
    """Judge the leverage of every symbol: the gate's margins are reckoned with the profile's."""
    return _each_symbol(facts, "leverage", "leverage", int(facts.profile.account.leverage))


def _each_symbol(facts: Facts, name: str, key: str, wanted: Any) -> Item:
    rows = rows_by_symbol(facts.answers.get("/fapi/v1/symbolConfig"))
    found = {symbol: rows.get(symbol, {}).get(key) for symbol in facts.symbols}
    wrong = {symbol: value for symbol, value in found.items() if value != wanted}
    observed = ", ".join(f"{symbol} {value}" for symbol, value in (wrong or found).items())
    return Item(name, not wrong, observed, f"{wanted} for each symbol")


def brackets(facts: Facts) -> Item:
    """Judge whether each symbol's largest position may be held at the profile's leverage."""
    rows = rows_by_symbol(facts.answers.get("/fapi/v1/leverageBracket"))
    wrong = []
    for key, symbol in zip(facts.profile.limits.symbols, facts.symbols, strict=True):
        cap = facts.profile.limits.symbols[key].position_notional_usdt_max
        table = sorted(rows.get(symbol, {}).get("brackets", ()), key=lambda b: b["notionalCap"])
        fitting = [b for b in table if cap <= Decimal(str(b["notionalCap"]))]
        allowed = Decimal(str(fitting[0]["initialLeverage"])) if fitting else Decimal(0)
        if allowed < facts.profile.account.leverage:
            wrong.append(f"{symbol} allows {allowed} at {cap} USDT")
    observed = ", ".join(wrong) or f"{len(facts.symbols)} tables"
    return Item(
        "brackets", not wrong, observed, f"leverage {facts.profile.account.leverage} allowed"
    )


def filters(facts: Facts) -> Item:
    """Judge whether every symbol trades, with all its filters told."""
    listed = rows_by_symbol(facts.answers.get(EXCHANGE_INFO)["symbols"])
    wrong = []
    for symbol in facts.symbols:
        row = listed.get(symbol)
        if row is None:
            wrong.append(f"{symbol} is not listed")
            continue
        told = {each["filterType"] for each in row["filters"]}
        if row["status"] != "TRADING":
            wrong.append(f"{symbol} is {row['status']}")
        wrong += [f"{symbol} has no {name}" for name in FILTERS if name not in told]
    observed = ", ".join(wrong) or f"hash {_told_hash(facts)[:12]}"
    return Item("filters", not wrong, observed, "each symbol TRADING with all its filters")


def limits_fit(facts: Facts) -> Item:
    """Judge whether the smallest order that the venue takes is within the profile's limits."""
    listed = rows_by_symbol(facts.answers.get(EXCHANGE_INFO)["symbols"])
    wrong = []
    for key, symbol in zip(facts.profile.limits.symbols, facts.symbols, strict=True):
        limits, table = facts.profile.limits.symbols[key], _filters(listed[symbol])
        if Decimal(table["LOT_SIZE"]["minQty"]) > limits.order_qty_max:
            wrong.append(f"{symbol} minQty {table['LOT_SIZE']['minQty']}")
        if Decimal(table["MIN_NOTIONAL"]["notional"]) > limits.order_notional_usdt_max:
            wrong.append(f"{symbol} notional {table['MIN_NOTIONAL']['notional']}")
    observed = ", ".join(wrong) or "an order of the smallest size passes"
    return Item(
        "smallest order", not wrong, observed, "within order_qty_max, order_notional_usdt_max"
    )


def loaded_filters(facts: Facts, instruments: dict[str, Instrument]) -> Item:
    """
    Judge whether the node's instruments are those that the venue has just told.

    Parameters
    ----------
    facts : Facts
        With the venue's answer.
    instruments : dict[str, Instrument]
        What the node has loaded, by the venue's symbol.

    """
    told, loaded = _told_hash(facts), _hash({s: _own(i) for s, i in sorted(instruments.items())})
    return Item("loaded filters", told == loaded, f"hash {loaded[:12]}", f"hash {told[:12]}")


def _told_hash(facts: Facts) -> str:
    listed = rows_by_symbol(facts.answers.get(EXCHANGE_INFO)["symbols"])
    return _hash({symbol: _told(_filters(listed[symbol])) for symbol in sorted(facts.symbols)})


def _filters(row: dict[str, Any]) -> dict[str, Any]:
    return {each["filterType"]: each for each in row["filters"]}


def _told(table: dict[str, Any]) -> list[str]:
    figures = (
        table["PRICE_FILTER"]["tickSize"], table["LOT_SIZE"]["stepSize"],
        table["LOT_SIZE"]["minQty"], table["LOT_SIZE"]["maxQty"],
        table["MIN_NOTIONAL"]["notional"],
    )  # fmt: skip
    return [_plain(Decimal(str(figure))) for figure in figures]


def _own(instrument: Instrument) -> list[str]:
    figures = (
        instrument.price_increment, instrument.size_increment, instrument.min_quantity,
        instrument.max_quantity, instrument.min_notional,
    )  # fmt: skip
    return ["none" if figure is None else _plain(figure.as_decimal()) for figure in figures]


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


def _hash(table: dict[str, list[str]]) -> str:
    return hashlib.sha256(json.dumps(table).encode()).hexdigest()
