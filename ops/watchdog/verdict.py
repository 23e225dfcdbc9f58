"""Is the node alive, does it turn, does it see? Pure: facts in, a verdict out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from ops.direct.look import Held, Look

MS, SEC = 1_000_000, 1_000_000_000
BEAT_MS = 250
"""How often a node beats (`actors.heartbeat`); its beats are numbered from 1."""
START_SEC_MAX = 180
"""A node that connects and reconciles may take so long before its first heartbeat."""


class Verdict(StrEnum):
    """
    What the watchdog thinks of a node.

    WAITING: none is known. STARTING: it has not beaten yet. ENDED: in order. DEAD: its process is
    gone. HUNG: no heartbeat, or the gate does not answer. BLIND: it beats, and neither prices nor
    user events reach it where they must.

    """

    WAITING = "WAITING"
    STARTING = "STARTING"
    WELL = "WELL"
    ENDED = "ENDED"
    DEAD = "DEAD"
    HUNG = "HUNG"
    BLIND = "BLIND"

    @property
    def is_alarm(self) -> bool:
        """Whether somebody has to act."""
        return self in (Verdict.DEAD, Verdict.HUNG, Verdict.BLIND)


class Limits(NamedTuple):
    """Milliseconds without a heartbeat, and of silence of a feed, that are too long."""

    heartbeat_ms_max: int
    silence_ms_max: int


class Facts(NamedTuple):
    """
    What is known at one moment.

    ``beat`` is the newest heartbeat of the process ``pid`` (`actors.heartbeat.Beat`), None before the
    first; ``silent_ns`` is for how long there has been no newer one, by the watchdog's own turns.

    """

    pid: int | None
    is_alive: bool
    is_ended: bool
    beat: Mapping[str, Any] | None
    silent_ns: int


def judge(facts: Facts, limits: Limits) -> tuple[Verdict, str]:
    """Return the verdict and what it rests on, ``observed=..., limit=...``."""
    if facts.is_ended:
        return Verdict.ENDED, "it ended in order"
    if facts.pid is None:
        return Verdict.WAITING, "no node has run here"
    if not facts.is_alive:
        return Verdict.DEAD, f"observed=no process {facts.pid}, limit=a living one"
    if facts.beat is None:
        if facts.silent_ns > START_SEC_MAX * SEC:
            return Verdict.HUNG, f"observed=no heartbeat yet, limit={START_SEC_MAX} s"
        return Verdict.STARTING, "no heartbeat yet"
    silent_ms = facts.silent_ns // MS
    if silent_ms > limits.heartbeat_ms_max:
        return Verdict.HUNG, (
            f"observed=no heartbeat for {silent_ms} ms, limit={limits.heartbeat_ms_max} ms"
        )
    return _judge_beat(facts.beat, limits)


def _judge_beat(beat: Mapping[str, Any], limits: Limits) -> tuple[Verdict, str]:
    answered = beat["gate_mono_ns"]
    gate_ms = None if answered is None else (beat["mono_ns"] - answered) // MS
    if gate_ms is not None and gate_ms > limits.heartbeat_ms_max:
        return Verdict.HUNG, (
            f"observed=no answer of the gate for {gate_ms} ms, limit={limits.heartbeat_ms_max} ms"
        )
    if beat["is_user_stream_up"] is False:
        return Verdict.BLIND, "observed=no user stream, limit=one"
    up_ms = beat["seq"] * BEAT_MS
    ages = {key: up_ms if age is None else age for key, age in beat["feeds"].items()}
    stale = {key: age for key, age in ages.items() if age > limits.silence_ms_max}
    held = sorted(key for key in stale if key in beat["positions"])
    if held or (stale and len(stale) == len(beat["feeds"])):
        names = ", ".join(held or sorted(stale))
        return Verdict.BLIND, (
            f"observed=no price of {names} for {max(stale.values())} ms, "
            f"limit={limits.silence_ms_max} ms"
        )
    return Verdict.WELL, ""


def naked(look: Look) -> list[Held]:
    """
    Return the positions without reduce-only stops for their full size on the closing side.

    A stop for whatever position there is (``closePosition``) covers all of it.

    """
    return [held for held in look.positions if not _is_covered(held, look)]


def _is_covered(held: Held, look: Look) -> bool:
    side = "SELL" if held.amount > 0 else "BUY"
    stops = [
        order.quantity
        for order in look.orders
        if order.is_protecting
        and (order.symbol, order.position_side, order.side)
        == (held.symbol, held.position_side, side)
    ]
    return any(not quantity for quantity in stops) or sum(stops, Decimal(0)) >= abs(held.amount)
