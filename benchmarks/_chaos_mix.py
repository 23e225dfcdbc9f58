"""All faults of the local venue, mixed by a seed into one scenario."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

START_SEC = 60
"""When the first fault may strike, from the start of the venue: the node is up by then."""
QUIET_SEC = 60
"""How long before the end the last fault is over: then both sides must have come to agree."""
ENDING_SEC = 60
"""How long the last fault of all, one that ends the taking of new risk, is left to work."""

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
FOREIGN_QTY = {"BTCUSDT": "0.01", "ETHUSDT": "0.1", "SOLUSDT": "1"}

Entry = dict[str, Any]

# At the moment when a stop has come to rest: what follows then meets an open position.
_STOP = "event:ALGO_UPDATE:NEW:{symbol}"

# What passes is met with a chance, all the time (per request, event, or payload).
PASSING: tuple[tuple[float, Entry], ...] = (
    (0.010, {"name": "unknown_error"}),
    (0.010, {"name": "unknown_error", "on": "algo", "args": {"is_executed": False}}),
    (0.010, {"name": "request_timeout"}),
    (0.010, {"name": "request_timeout", "on": "cancel"}),
    (0.010, {"name": "backend_timeout", "on": "algo"}),
    (0.010, {"name": "backend_timeout", "args": {"is_executed": False}}),
    (0.010, {"name": "internal_error"}),
    (0.010, {"name": "internal_error", "on": "algo", "args": {"is_executed": True}}),
    (0.005, {"name": "service_unavailable"}),
    (0.010, {"name": "reply_lost"}),
    (0.010, {"name": "reply_lost", "on": "algo"}),
    (0.010, {"name": "reply_lost", "on": "cancel", "args": {"is_executed": False}}),
    (0.020, {"name": "slow_reply"}),
    (0.020, {"name": "overload"}),
    (0.010, {"name": "refused"}),
    (0.010, {"name": "refused", "on": "algo", "args": {"code": -4131, "text": "PERCENT_PRICE"}}),
    (0.050, {"name": "not_found_yet"}),
    (0.500, {"name": "partial_cancel_all"}),
    (0.020, {"name": "unknown_value", "on": "lists", "args": {"field_name": "priceMatch"}}),
    (0.500, {"name": "unknown_value"}),
    (0.020, {"name": "event_dropped"}),
    (0.020, {"name": "event_duplicated"}),
    (0.020, {"name": "event_delayed"}),
    (0.050, {"name": "event_reordered"}),
    (0.050, {"name": "trade_before_triggered"}),
    (0.050, {"name": "finished_before_trade"}),
    (0.050, {"name": "trade_lite_first"}),
    (0.020, {"name": "event_value_unknown"}),
    (0.002, {"name": "crossed_book"}),
    (0.002, {"name": "empty_book"}),
    (0.010, {"name": "depth_gap"}),
)  # fmt: skip

# What comes over the venue for some seconds, or is done once: entry, seconds, how often.
WEATHER: tuple[tuple[Entry, float, int], ...] = (
    ({"name": "rate_limited"}, 1, 1),
    ({"name": "stream_stalled", "on": "stream:{stream}"}, 6, 2),
    ({"name": "stale_mark"}, 8, 1),
    ({"name": "stalled_book"}, 6, 2),
    ({"name": "stream_delayed", "args": {"by_ms": 1_500}}, 8, 2),
    ({"name": "user_stream_dropped"}, 3, 2),
    ({"name": "market_streams_dropped"}, 3, 2),
    ({"name": "day_disconnect"}, 0, 1),
    ({"name": "listen_key_expired"}, 0, 1),
    ({"name": "listen_key_refused"}, 8, 1),
    ({"name": "freeze"}, 4, 2),
    ({"name": "outage"}, 5, 2),
    ({"name": "clock_skew", "args": {"skew_ms": 150}}, 30, 1),
    ({"name": "foreign_cancel", "on": _STOP, "args": {"symbol": "{symbol}"}}, 0, 2),
    ({"name": "flash_crash", "on": _STOP, "args": {"symbol": "{symbol}", "to": "0.97"}}, 0, 1),
    ({"name": "gap", "on": _STOP, "args": {"symbol": "{symbol}", "to": "0.985"}}, 0, 1),
    ({"name": "stop_canceled_silently", "on": _STOP, "args": {"symbol": "{symbol}"}}, 0, 2),
    ({"name": "stop_expired", "on": _STOP, "args": {"symbol": "{symbol}"}}, 0, 2),
    ({"name": "stop_frozen", "on": _STOP, "args": {"symbol": "{symbol}"}}, 10, 2),
    ({"name": "orders_forbidden", "args": {"code": -4087, "symbol": "{symbol}"}}, 6, 1),
    ({"name": "transfer_out"}, 0, 1),
    ({"name": "trading_halt", "on": _STOP, "args": {"symbol": "{symbol}"}}, 6, 1),
    ({"name": "filter_changed", "args": {"symbol": "{symbol}", "value": "6000"}}, 20, 1),
    ({"name": "market_unfilled", "on": _STOP, "args": {"symbol": "{symbol}"}}, 4, 1),
)  # fmt: skip

# What ends the taking of new risk by design, one a seed: entry and its seconds (0: once).
ENDINGS: tuple[tuple[Entry, float], ...] = (
    ({"name": "leverage_changed", "args": {"symbol": "{symbol}"}}, 0),
    ({"name": "liquidated", "on": _STOP, "args": {"symbol": "{symbol}"}}, 0),
    ({"name": "deleveraged", "on": _STOP, "args": {"symbol": "{symbol}"}}, 0),
    ({"name": "foreign_order", "args": {"symbol": "{symbol}", "quantity": "{foreign_qty}"}}, 0),
    ({"name": "banned", "count": 1, "args": {"ban_ms": 20_000}}, 0),
    ({"name": "clock_skew", "args": {"skew_ms": 3_000}}, 40),
    ({"name": "flash_crash", "on": _STOP, "args": {"symbol": "{symbol}", "to": "0.9"}}, 0),
    ({"name": "stream_stalled", "on": "stream:{stream}"}, 45),
    ({"name": "position_mode_changed", "every": "1s", "count": 30}, 0),
    ({"name": "margin_type_changed", "every": "1s", "count": 30, "args": {"symbol": "{symbol}"}}, 0),
)  # fmt: skip


def mixed(seed: int, seconds: int) -> list[Entry]:
    """
    Return the entries of a scenario for a run of *seconds*.

    Every seed meets all that passes and all weather, at its own times and symbols, and one ending:
    ten seeds in a row meet every fault there is.

    Raises
    ------
    ValueError
        If the run is too short for the quiet at its end.

    """
    shortest = START_SEC + ENDING_SEC + QUIET_SEC + 30
    if seconds < shortest:
        raise ValueError(f"seconds = {seconds}: a run of all faults needs {shortest}")
    rng = Random(seed)
    ending_at = seconds - QUIET_SEC - ENDING_SEC
    entries: list[Entry] = []
    for chance, entry in PASSING:
        until = seconds - QUIET_SEC - START_SEC
        entries.append(entry | {"at": f"{START_SEC}s", "for": f"{until}s", "probability": chance})
    for entry, lasting, often in WEATHER:
        for _ in range(round(often * seconds / 600) or 1):
            at = rng.uniform(START_SEC, ending_at - lasting)
            entries.append(_timed(entry, at, lasting, rng))
    entry, lasting = ENDINGS[(seed - 1) % len(ENDINGS)]
    return [*entries, _timed(entry, ending_at, lasting, rng)]


def toml_of(entries: list[Entry], seed: int) -> str:
    """Return the text of a scenario file."""
    return "\n".join([f"seed = {seed}", *(line for entry in entries for line in _lines(entry))])


def _timed(entry: Entry, at: float, lasting: float, rng: Random) -> Entry:
    symbol = rng.choice(SYMBOLS)
    words = {
        "{symbol}": symbol,
        "{stream}": symbol.lower(),
        "{foreign_qty}": FOREIGN_QTY[symbol],
    }
    timed: Entry = _filled(entry, words) | {"at": f"{at:.1f}s"}
    return timed | {"for": f"{lasting:g}s"} if lasting else timed


def _filled(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, words) for key, inner in value.items()}
    if isinstance(value, str):
        for word, meaning in words.items():
            value = value.replace(word, meaning)
    return value


def _lines(entry: Entry) -> Iterator[str]:
    yield "\n[[fault]]"
    for key, value in entry.items():
        if isinstance(value, dict):
            inner = ", ".join(f"{k} = {_value(v)}" for k, v in value.items())
            yield f"{key} = {{ {inner} }}"
        else:
            yield f"{key} = {_value(value)}"


def _value(value: Any) -> str:
    return str(value) if isinstance(value, Decimal) else json.dumps(value)
