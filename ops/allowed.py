"""What a resume allows again, with its limits, and what still forbids the rest."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, NamedTuple

from risk.kills import Kill, Scope
from risk.trading_state import TradingState


class Allowed(NamedTuple):
    """What may be traded again, and what not yet: a line each, for a person."""

    again: list[str]
    not_yet: list[str]


def allowed(
    node: dict[str, Any], scope: Scope | None, state: TradingState, left: Collection[Kill]
) -> Allowed:
    """
    Return what a resume of *scope* (None: of everything) allows.

    Parameters
    ----------
    node : dict[str, Any]
        ``node.json``: what is traded by whom, and the profile with its limits.
    scope : Scope, optional
        What is taken back.
    state : TradingState
        The account's afterwards.
    left : Collection[Kill]
        What stays killed.

    """
    limits = (node.get("profile") or {}).get("limits") or {}
    strategies = dict(node.get("strategies") or {})
    found = Allowed([], [])
    if state is not TradingState.ACTIVE:
        found.not_yet.append(f"the account stays {state.name}")
        return found
    for key, caps in (limits.get("symbols") or {}).items():
        traders = [name for name, symbol in strategies.items() if symbol == key]
        if not _is_in(scope, key, traders):
            continue
        shut = {name: _shut(left, key, name) for name in traders} or {"": _shut(left, key, "")}
        if all(shut.values()):
            found.not_yet.append(f"{key}: {_names(shut.values())}")
            continue
        found.again.append(f"{key}: {_caps(caps)}")
        found.not_yet.extend(f"{name}: {_names([kills])}" for name, kills in shut.items() if kills)
    portfolio = limits.get("portfolio") or {}
    if found.again and portfolio:
        found.again.append(
            f"all together: gross {_plain(portfolio['gross_notional_usdt_max'])} USDT, net "
            f"{_plain(portfolio['net_notional_usdt_max'])} USDT, leverage "
            f"{_plain(portfolio['leverage_max'])}"
        )
    if not limits:
        found.again.append("unknown: no node.json")
    elif not (found.again or found.not_yet):
        found.not_yet.append(f"{scope} trades nothing here")
    return found


def _is_in(scope: Scope | None, symbol: str, traders: Collection[str]) -> bool:
    match scope:
        case Scope(kind="symbol", name=name):
            return name == symbol
        case Scope(kind="strategy", name=name):
            return name in traders
        case _:
            return True


def _shut(left: Collection[Kill], symbol: str, strategy: str) -> list[Kill]:
    return [kill for kill in left if kill.scope.covers(symbol, strategy)]


def _names(found: Collection[list[Kill]]) -> str:
    words = (f"{kill.level.name} of {kill.scope}" for kills in found for kill in kills)
    return ", ".join(dict.fromkeys(words))


def _caps(caps: dict[str, Any]) -> str:
    return (
        f"{'/'.join(caps['sides'])}, an order to {_plain(caps['order_notional_usdt_max'])} USDT "
        f"({_plain(caps['order_qty_max'])}), the position to "
        f"{_plain(caps['position_notional_usdt_max'])} USDT"
    )


def _plain(value: Any) -> str:
    return json.dumps(value).strip('"')
