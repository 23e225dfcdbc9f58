"""One screen about a node, drawn from the files in its state folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec
from rich.text import Text

from actors.snapshot import Health, KillLine, PositionLine, Snapshot, Use
from ops.node_files import NS_PER_MS, NodeFiles, read_table
from ops.words import (
    UNKNOWN,
    breaker_words,
    connection_words,
    cover_words,
    feed_words,
    number,
    short_symbol,
    significant,
    span,
    use_figures,
    use_label,
)

STATUS_SEC_MAX = 5.0
"""A status that is older is said to be old."""
WATCHDOG_SEC_MAX = 5.0
"""A watchdog that has not looked for so long does not look."""
BAD, GOOD, DIM = "bold red", "green", "dim"


def status_lines(node: NodeFiles, status: dict[str, Any], latch: dict[str, Any]) -> Iterator[Text]:
    """Yield the lines of the screen; what is wrong comes first."""
    snapshot = _snapshot(status)
    yield _head(node)
    yield from _state(latch, snapshot)
    yield _heartbeat(node)
    yield _watchdog(node)
    if snapshot is None:
        yield Text("no status that could be shown", style=BAD)
        return
    age_sec = time.time() - snapshot.ts_ns / 1e9
    if age_sec > STATUS_SEC_MAX:
        yield Text(f"STATUS IS OLD: what follows was so {span(age_sec)} ago", style=BAD)
    if snapshot.error is not None:
        yield Text(f"STATUS IS OLD: {snapshot.error}", style=BAD)
    yield from _positions(snapshot)
    yield _uses("exposure", snapshot.exposure)
    yield _breakers(snapshot)
    yield _uses("messages", snapshot.rates)
    yield _venue(snapshot.health)
    if snapshot.journal_error is not None:
        yield Text(f"JOURNAL BROKEN: {snapshot.journal_error}", style=BAD)


def _snapshot(status: dict[str, Any]) -> Snapshot | None:
    try:
        return msgspec.convert(status, Snapshot, strict=False)
    except msgspec.ValidationError:
        return None


def _head(node: NodeFiles) -> Text:
    table = node.node
    name = f"{table.get('trader_id', UNKNOWN)} {table.get('mode', '')} pid {table.get('pid')}"
    if node.trouble is None:
        return Text(f"{name} at {table.get('rest_url', UNKNOWN)}", style="bold")
    return Text(f"NO LIVING NODE: {node.trouble} ({node.folder.path})", style="bold white on red")


def _state(latch: dict[str, Any], snapshot: Snapshot | None) -> Iterator[Text]:
    state = str(latch["state"])
    yield Text(f"state     {state}", style=GOOD if state == "ACTIVE" else BAD)
    for cause in latch["causes"]:
        yield Text(f"  because {cause}", style="bold")
    lines = {} if snapshot is None else {(k.scope, k.level): k for k in snapshot.kills}
    for kill in latch["kills"]:
        told = lines.get((kill["scope"], kill["level"]))
        words = f"  killed  {kill['level']} of {kill['scope']} by {kill['by']}: {kill['reason']}"
        yield Text(f"{words}; {_progress(told)}", style=BAD)
    if snapshot is None:
        return
    if snapshot.hold is not None:
        yield Text(f"  NEW RISK WAITS: {snapshot.hold}", style="bold yellow")
    for cause in snapshot.open_causes:
        yield Text(f"  open    {cause}", style="yellow")


def _progress(line: KillLine | None) -> str:
    if line is None:
        return "not taken by the node"
    if line.done_ns is not None:
        return f"done after {(line.done_ns - line.ts_ns) / NS_PER_MS:.0f} ms"
    return f"NOT DONE: {'; '.join(line.left) or 'entries work'}"


def _heartbeat(node: NodeFiles) -> Text:
    age_ms = node.heartbeat_age_ms
    if age_ms is None:
        return Text(f"heartbeat {UNKNOWN}", style=BAD)
    beat = node.heartbeat
    gate_ns, at_ns = beat.get("gate_mono_ns"), beat.get("mono_ns")
    gate = UNKNOWN if gate_ns is None else f"{(at_ns - gate_ns) / NS_PER_MS:.0f} ms before"
    text = f"heartbeat {age_ms:.0f} ms ago, loop late by {beat.get('loop_lag_ms', UNKNOWN)} ms"
    style = "" if node.trouble is None else BAD
    return Text(f"{text}, gate answered {gate}", style=style)


def _watchdog(node: NodeFiles) -> Text:
    """Say when the watchdog looked last: a node without one is alone when it hangs."""
    table = read_table(node.folder.watchdog)
    at_ns = table.get("mono_ns")
    if not isinstance(at_ns, int) or at_ns > time.monotonic_ns():
        return Text("watchdog  none has looked since this machine came up", style="bold yellow")
    age_ms = (time.monotonic_ns() - at_ns) / NS_PER_MS
    is_old = age_ms > WATCHDOG_SEC_MAX * 1_000
    words = f"{table.get('verdict', UNKNOWN)}, {age_ms:.0f} ms ago"
    return Text(f"watchdog  {words}", style="bold yellow" if is_old else "")


def _positions(snapshot: Snapshot) -> Iterator[Text]:
    if not snapshot.positions:
        yield Text("positions flat", style=DIM)
    for position in snapshot.positions:
        yield _position(position)
    yield Text(
        f"account   equity {number(snapshot.equity_usdt)} USDT, "
        f"balance {number(snapshot.balance_usdt)}, {len(snapshot.orders)} orders"
    )


def _position(position: PositionLine) -> Text:
    words = (
        f"position  {short_symbol(position.instrument_id)} {position.signed_qty.normalize():+f} at "
        f"{significant(position.entry_px)}, now {significant(position.price)}"
    )
    for stop in position.stops:
        away = UNKNOWN if stop.distance_bps is None else f"{stop.distance_bps:.0f} bps away"
        age = "not accepted" if stop.age_sec is None else f"for {span(stop.age_sec)}"
        words += f"; stop {significant(stop.trigger_price)} {away} {age}"
    return Text(f"{words}; {cover_words(position)}", style="" if position.is_covered else BAD)


def _uses(title: str, uses: tuple[Use, ...]) -> Text:
    words = ", ".join(f"{use_label(use)} {use_figures(use)}" for use in uses)
    is_over = any(use.share is None or use.share > 1 for use in uses)
    return Text(f"{title:<9} {words or UNKNOWN}", style=BAD if is_over else "")


def _breakers(snapshot: Snapshot) -> Text:
    """Say how close each breaker is to its limit, and how close the run has come to it."""
    lines = snapshot.breakers
    words = ", ".join(
        f"{breaker_words(line)}{' TRIPPED' if line.is_tripped else ''}" for line in lines
    )
    is_tripped = any(line.is_tripped for line in lines)
    return Text(f"breakers  {words or UNKNOWN}", style=BAD if is_tripped else "")


def _venue(health: Health) -> Text:
    streams = {True: "up", False: "DOWN", None: UNKNOWN}[health.is_user_stream_up]
    weight = UNKNOWN if health.used_weight is None else "{}/{}".format(*health.used_weight)
    counts = health.order_counts or {}
    orders = ", ".join(f"{used}/{most} in {key}" for key, (used, most) in counts.items())
    return Text(
        f"venue     {connection_words(health)}; {feed_words(health)}; user stream {streams}; "
        f"weight {weight}; orders {orders or UNKNOWN}",
        style=BAD if health.is_banned else "",
    )
